//! The layouts of ipvs mode lead to the nodes of real kube-proxy binaries, in every way of the lab.

#[path = "../../../lab-core/tests/node/mod.rs"]
mod node;

use fidelity::Capture;
use lab_core::cluster::{Cluster, Family};
use lab_core::layout::ipvs::Version;
use lab_core::layout::{Ipvs, Layout};
use lab_core::vocabulary::{BackendName, Way};
use node::Node;
use std::collections::{BTreeMap, BTreeSet};

/// Every capture: the release, the mode and the cluster.
const CAPTURES: [(Version, &str, &str); 6] = [
    (Version::V1_30, "ipvs-legacy", "plain-1x2"),
    (Version::V1_30, "ipvs-legacy", "mix-3"),
    (Version::V1_30, "ipvs-legacy", "mix-50"),
    (Version::V1_30, "ipvs-nft", "mix-50"),
    (Version::V1_20, "ipvs-legacy", "plain-1x2"),
    (Version::V1_20, "ipvs-legacy", "mix-50"),
];

fn release(version: Version) -> &'static str {
    match version {
        Version::V1_20 => "1.20.2",
        Version::V1_30 => "1.30.5",
    }
}

/// What is on the node of `layout` with `cluster`, on paper.
fn programmed(layout: &Ipvs, cluster: &Cluster) -> Node {
    let mut node = Node::default();
    node.apply(&layout.prepare());
    node.apply(&layout.full_sync(cluster));
    node
}

/// Calls `check` with each capture and the node of each way.
fn each(check: impl Fn(&Capture, &Node)) {
    for (version, mode, cluster) in CAPTURES {
        let capture = Capture::of(release(version), mode, cluster);
        for &way in Way::of(BackendName::Ipvs) {
            let layout = Ipvs { way, ..Ipvs::new(version, &fidelity::config()) };
            check(&capture, &programmed(&layout, &capture.states()[0]));
        }
    }
}

#[track_caller]
fn assert_same<T: Ord + std::fmt::Debug>(capture: &Capture, ours: &BTreeSet<T>, theirs: &BTreeSet<T>) {
    let missing: Vec<&T> = theirs.difference(ours).collect();
    let surplus: Vec<&T> = ours.difference(theirs).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "{capture:?}: missing {missing:#?}, surplus {surplus:#?}");
}

#[test]
fn the_virtual_servers_are_kube_proxys() {
    each(|capture, node| {
        let mut ours = BTreeSet::new();
        for (server, real_servers) in node.virtual_servers.values() {
            ours.insert(format!("-A {server}"));
            ours.extend(real_servers.iter().map(|real| format!("-a {} {real}", server.key)));
        }
        let saved = capture.saved("ipvsadm-save", "");
        assert_same(capture, &ours, &saved.lines().map(str::to_owned).collect());
        assert_eq!(saved.lines().count(), ours.len());
    });
}

#[test]
fn the_addresses_are_kube_proxys() {
    each(|capture, node| {
        let saved = capture.saved("ip-addr-kube-ipvs0", "");
        let address = |line: &str| line.split_whitespace().nth(3).unwrap().to_owned();
        let host = |address: &std::net::IpAddr| format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 });
        assert_same(capture, &node.addresses.iter().map(host).collect(), &saved.lines().map(address).collect());
    });
}

#[test]
fn the_sets_are_kube_proxys() {
    each(|capture, node| {
        let mut theirs = BTreeSet::new();
        for line in capture.saved("ipset-save", "").lines() {
            // What the kernel chose by itself comes last.
            theirs.insert(line.split(" bucketsize ").next().unwrap().to_owned());
        }
        let mut ours = BTreeSet::new();
        for (name, (options, entries)) in &node.sets.0 {
            ours.insert(format!("create {name} {options}"));
            ours.extend(entries.iter().map(|entry| format!("add {name} {entry}")));
        }
        assert_same(capture, &ours, &theirs);
    });
}

#[test]
fn the_rules_are_kube_proxys() {
    each(|capture, node| {
        for (family, file) in [(Family::V4, "iptables-save"), (Family::V6, "ip6tables-save")] {
            let mut ours = node.tables.get(&family).cloned().unwrap_or_default().chains;
            for rule in ours.values_mut().flatten() {
                *rule = as_saved(rule, family);
            }
            let theirs = saved_chains(&capture.saved(file, ""));
            assert_same(capture, &ours.keys().collect(), &theirs.keys().collect());
            // With the nft variant, ip6tables-restore was refused in the capture's guest: its chains stayed empty.
            let refused = theirs.iter().all(|((_, chain), rules)| !chain.starts_with("KUBE-") || rules.is_empty());
            assert!(!refused || (family == Family::V6 && !ours.is_empty()) || theirs.is_empty());
            for (chain, rules) in theirs.iter().filter(|((_, chain), _)| !refused || !chain.starts_with("KUBE-")) {
                assert_eq!(&ours[chain], rules, "{chain:?} of {file} in {capture:?}");
            }
        }
    });
}

/// The chains that `iptables-save` printed, with the built-in chains that have rules.
fn saved_chains(text: &str) -> BTreeMap<(String, String), Vec<String>> {
    let mut table = "";
    let mut chains: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
        } else if let Some(chain) = line.strip_prefix(":KUBE-") {
            let chain = chain.split(' ').next().unwrap();
            chains.insert((table.to_owned(), format!("KUBE-{chain}")), Vec::new());
        } else if let Some((chain, rule)) = line.strip_prefix("-A ").and_then(|rule| rule.split_once(' ')) {
            let rule = rule.replace('"', "").replace("\\'", "'");
            chains.entry((table.to_owned(), chain.to_owned())).or_default().push(rule);
        }
    }
    chains
}

/// A rule as `iptables-save` would print it: addresses and protocol first, marks by value and mask, defaults spelled
/// out.
fn as_saved(rule: &str, family: Family) -> String {
    let rejected = match family {
        Family::V4 => "-j REJECT --reject-with icmp-port-unreachable",
        Family::V6 => "-j REJECT --reject-with icmp6-port-unreachable",
    };
    let rule = rule
        .replace("0x00004000", "0x4000")
        .replace("--or-mark 0x4000", "--set-xmark 0x4000/0x4000")
        .replace("--xor-mark 0x4000", "--set-xmark 0x4000/0x0")
        .replace("-j REJECT", rejected);
    let mut words: Vec<String> = rule.split(' ').map(str::to_owned).collect();
    if let Some(place) = words.iter().position(|word| word == "--vaddr") {
        // --vaddr A --vproto P --vport N is saved as --vproto N --vaddr A --vport N.
        let protocol = match words[place + 3].as_str() {
            "tcp" => "6",
            "udp" => "17",
            _ => "132",
        };
        let address = words[place + 1].clone();
        words.splice(place..place + 4, ["--vproto", protocol, "--vaddr", &address].map(str::to_owned));
        words[1] += if family == Family::V4 { "/32" } else { "/128" };
    }
    if let Some(place) = words.windows(2).position(|words| words == ["!", "-s"]) {
        let source: Vec<String> = words.drain(place..place + 3).collect();
        words.splice(0..0, source);
    }
    words.join(" ")
}

#[test]
fn a_change_leads_where_a_full_sync_leads() {
    for (version, mode, cluster) in CAPTURES {
        for &way in Way::of(BackendName::Ipvs) {
            let layout = Ipvs { way, ..Ipvs::new(version, &fidelity::config()) };
            let capture = Capture::of(release(version), mode, cluster);
            let mut node = programmed(&layout, &capture.states()[0]);
            for change in capture.changes() {
                node.apply(&layout.partial_sync(&change));
                assert_eq!(node.clone().state(), programmed(&layout, &change.after).state(), "{capture:?}");
                assert_eq!(node.installed(), layout.installed(&change.after));
            }
        }
    }
}
