//! What the tools of a node print, for the strict readers and for the one that reads anything.

use super::{Target, text};
use crate::seeds::{Seeds, files};
use ruleset::listing::{Listing, read};
use ruleset::{ipset, iptables, ipvs, nft};

const REFERENCE: &str = "ci/fidelity/reference";
const NODE: &str = "ruleset/tests/listing/node";
const LISTED: &str = "ruleset/tests/reference";
const LAYOUTS: &str = "lab-core/tests/golden";

pub(super) const IPTABLES: Target = Target {
    name: "iptables",
    seeds: || Seeds::text(saved("*nat", 40)),
    read: |bytes| {
        let text = text(bytes);
        let _ = iptables::sections(&text);
        iptables::named(&text).for_each(drop);
        let mut tables = iptables::Tables::new(iptables::Family::V4);
        let _ = tables.apply(&text);
        drop(iptables::Tables::read(iptables::Family::V6, &text).map_err(|problem| problem.to_string()));
    },
};

pub(super) const NFT: Target = Target {
    name: "nft",
    seeds: || {
        let mut seeds = saved("table ip", 30);
        seeds.extend(saved("add ", 30));
        Seeds::text(seeds)
    },
    read: |bytes| {
        let text = text(bytes);
        let read = nft::Ruleset::read(&text).map_err(|problem| problem.to_string());
        let _ = read.unwrap_or_default().apply(&text);
    },
};

pub(super) const IPSET: Target = Target {
    name: "ipset",
    seeds: || {
        let mut seeds = saved("create ", 20);
        seeds.extend(files(&[LISTED], &["ipset-list.txt"], 1));
        Seeds::text(seeds)
    },
    read: |bytes| {
        let text = text(bytes);
        let _ = ipset::Sets::read_list(&text);
        let mut sets = ipset::Sets::read_save(&text).unwrap_or_default();
        let _ = sets.apply(&text);
        for line in text.lines().take(20) {
            let _ = sets.call(&line.split_whitespace().collect::<Vec<_>>());
        }
    },
};

pub(super) const IPVSADM: Target = Target {
    name: "ipvsadm",
    seeds: || {
        let mut seeds = saved("-A -t ", 20);
        seeds.extend(files(&[LISTED], &["ipvsadm.txt"], 1));
        Seeds::text(seeds)
    },
    read: |bytes| {
        let text = text(bytes);
        let _ = ipvs::Servers::read_list(&text);
        let mut servers = ipvs::Servers::read_save(&text).unwrap_or_default();
        let _ = servers.apply(&text);
        for line in text.lines().take(20) {
            let _ = servers.call(&line.split_whitespace().collect::<Vec<_>>());
        }
    },
};

pub(super) const LISTING: Target = Target {
    name: "listing",
    seeds: || Seeds::text(files(&[NODE, LISTED], &["t", "p", "e", "4", "6"], 60)),
    read: any,
};

pub(super) const NFT_JSON: Target =
    Target { name: "nft-json", seeds: || Seeds::text(saved("{\"nftables\"", 20)), read: any };

fn any(bytes: &[u8]) {
    let text = text(bytes);
    for name in ["it", "ip6tables"] {
        read(&[Listing { name, text: &text }]).notes.iter().for_each(|note| drop(note.to_string()));
    }
}

/// Files of the repository with a line that begins with `mark`: what a tool printed or is given.
fn saved(mark: &str, most: usize) -> Vec<Vec<u8>> {
    let all = files(&[NODE, LISTED, REFERENCE, LAYOUTS], &[""], usize::MAX);
    let has = |file: &Vec<u8>| text(file).lines().any(|line| line.starts_with(mark));
    let mut found: Vec<Vec<u8>> = all.into_iter().filter(has).collect();
    assert!(!found.is_empty(), "no file has a line that begins with {mark}");
    found.sort();
    found.dedup();
    let step = found.len().div_ceil(most).max(1);
    found.into_iter().step_by(step).collect()
}
