//! A node's rules in short: what made them, how many there are, who waits longest, and what is odd about them.

use super::doubt::{Doubt, chains, duplicates, full_sets, leftovers, listed, strangers, unreferenced};
use super::entry::{Entry, Reached, entries};
use super::explanation::way;
use super::{Client, Clients, protocol_name};
use lab_core::node::{Families, Maker, NodeState, Table};
use lab_core::path::Walker;
use lab_core::vocabulary::{Access, Origin};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::SocketAddr;

/// What a node's rules come to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// What made the rules, as far as they tell, a sentence each.
    pub made_by: Vec<String>,
    /// Tables, each with its chains and rules.
    pub tables: Vec<(String, usize, usize)>,
    /// Service ports by name, or by address where no rule names them.
    pub services: usize,
    /// Entries by what they are.
    pub entries: BTreeMap<&'static str, usize>,
    /// Endpoints that entries lead to, each address and port once.
    pub endpoints: usize,
    /// Virtual servers of IPVS.
    pub virtual_servers: usize,
    /// Sets of ipset and nftables, and their elements.
    pub sets: (usize, usize),
    /// The walk to a cluster IP that tries the most rules.
    pub longest: Option<Longest>,
    /// The first and the last Service that KUBE-SERVICES tries.
    pub ends: Option<(String, String)>,
    /// What is odd.
    pub doubts: Vec<Doubt>,
}

/// The walk that tries the most rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Longest {
    /// Where to.
    pub entry: Entry,
    /// Rules tried before its endpoint is chosen, at most.
    pub tried: u64,
    /// The same for the entry in the middle of all.
    pub middle: u64,
}

/// Sums up the node of `walker`.
#[must_use]
pub fn summary(walker: &Walker<'_>, clients: &Clients) -> Summary {
    let state = walker.state();
    let entries = entries(state);
    let tables = state.tables.iter().map(|table| (title(table), table.chains().len(), table.rules())).collect();
    let mut summary = Summary {
        made_by: makers(state),
        tables,
        virtual_servers: state.servers.len(),
        sets: sets(state),
        ends: ends(state),
        ..Summary::default()
    };
    let names: HashSet<String> = entries.iter().map(called).collect();
    summary.services = names.len();
    for entry in &entries {
        *summary.entries.entry(entry.access.map_or("external", word)).or_default() += 1;
    }
    let walked = walked(walker, clients, &entries, &mut summary);
    summary.doubts = [
        listed(
            ["Service without endpoints", "Services without endpoints"],
            "connections are refused or dropped",
            &walked.without,
        ),
        listed(
            ["Service with endpoints of unequal shares", "Services with endpoints of unequal shares"],
            "new connections are not spread evenly",
            &walked.uneven,
        ),
        full_sets(state),
        unreferenced(state),
        duplicates(state),
        strangers(state),
        leftovers(state),
    ]
    .into_iter()
    .flatten()
    .collect();
    summary
}

/// What walks to all entries show.
#[derive(Default)]
struct Walked {
    without: Vec<String>,
    uneven: Vec<String>,
}

fn walked(walker: &Walker<'_>, clients: &Clients, entries: &[Entry], summary: &mut Summary) -> Walked {
    let mut walked = Walked::default();
    let mut endpoints: HashSet<(u8, SocketAddr)> = HashSet::new();
    let mut tried: Vec<(u64, usize)> = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        let dialled = entry.dialled(|is_v4| walker.surroundings().address(is_v4));
        let inside = entry.access == Some(Access::ClusterIp);
        let client = Client::At(if inside { Origin::Pod } else { Origin::Outside });
        let way = way(walker, clients, (entry, dialled), client, &|_| ());
        let mut any = false;
        for outcome in way.outcomes.iter().filter(|outcome| outcome.is_endpoint()) {
            any = true;
            if outcome.ending.is_rewritten {
                endpoints.insert((entry.protocol, outcome.ending.destination));
            }
        }
        if !any && inside && !way.is_uncertain() {
            walked.without.push(called(entry));
        }
        if way.is_uneven() {
            walked.uneven.push(called(entry));
        }
        if any && inside {
            let most = way.walk.endings.iter().map(|ending| ending.tried_before).max();
            tried.extend(most.map(|most| (most, place)));
        }
    }
    summary.endpoints = endpoints.len();
    tried.sort_unstable();
    summary.longest = tried.last().map(|&(most, place)| Longest {
        entry: entries[place].clone(),
        tried: most,
        middle: tried[tried.len() / 2].0,
    });
    walked
}

/// What an entry is called: by its Service's name or, where rules have none, by its address.
fn called(entry: &Entry) -> String {
    match (&*entry.name, entry.at) {
        ("", Reached::At(address)) => {
            format!("{}/{}", SocketAddr::new(address, entry.port), protocol_name(entry.protocol))
        }
        ("", Reached::AtNode(_)) => format!(":{}/{}", entry.port, protocol_name(entry.protocol)),
        (name, _) => name.to_owned(),
    }
}

fn word(access: Access) -> &'static str {
    match access {
        Access::ClusterIp => "cluster IP",
        Access::NodePort => "node port",
        Access::LoadBalancer => "load balancer",
        Access::ExternalIp => "external IP",
    }
}

/// What a table is called: `nat of iptables-legacy (IPv4)`.
fn title(table: &Table) -> String {
    let family = match table.families {
        Families::V4 => "ip",
        Families::V6 => "ip6",
        Families::Both => "inet",
        Families::Other => "another family",
    };
    let tool = match (table.maker, table.families) {
        (Maker::Nft, _) => return format!("table {family} {}", table.name),
        (Maker::Iptables, Families::V6) => "ip6tables",
        (Maker::Iptables, _) => "iptables",
        (Maker::IptablesLegacy, Families::V6) => "ip6tables-legacy",
        (Maker::IptablesLegacy, _) => "iptables-legacy",
        (Maker::IptablesNft, Families::V6) => "ip6tables-nft",
        (Maker::IptablesNft, _) => "iptables-nft",
    };
    format!("{} of {tool}", table.name)
}

fn sets(state: &NodeState) -> (usize, usize) {
    let named = state.tables.iter().flat_map(|table| table.sets.values());
    state.ipsets.values().chain(named).fold((0, 0), |(sets, elements), set| (sets + 1, elements + set.elements().len()))
}

/// What made the rules, as far as chains that some releases have and others have not tell.
fn makers(state: &NodeState) -> Vec<String> {
    let has = |start| chains(state, start).next().is_some();
    let says = |text: &str| {
        state.tables.iter().flat_map(Table::chains).flat_map(|chain| &chain.rules).any(|rule| rule.text.contains(text))
    };
    let mut made = Vec::new();
    let ipvs = !state.servers.is_empty() || has("KUBE-IPVS-FILTER") || state.ipsets.contains_key("KUBE-CLUSTER-IP");
    if ipvs && has("KUBE-SERVICES") {
        let release = if has("KUBE-IPVS-FILTER") { "1.26 or later" } else { "1.25 or earlier" };
        made.push(format!("kube-proxy in ipvs mode, {release}"));
    } else if has("KUBE-SVC-") || has("KUBE-SERVICES") {
        let release = match () {
            () if says("ct_state_invalid_dropped_pkts") => "1.31 or later (nfacct counters)",
            () if has("KUBE-PROXY-FIREWALL") => {
                "1.26 or later (KUBE-PROXY-FIREWALL); no nfacct counters, as up to 1.30"
            }
            () if has("KUBE-XLB-") => "1.23 or earlier (KUBE-XLB)",
            () if has("KUBE-EXT-") || has("KUBE-SVL-") => "1.24 or later (KUBE-EXT)",
            () => "of a release that these chains do not tell",
        };
        made.push(format!("kube-proxy in iptables mode, {release}"));
    }
    for table in state.tables.iter().filter(|table| table.maker == Maker::Nft && &*table.name == "kube-proxy") {
        let pre = table.chain("filter-prerouting-pre-dnat").is_some();
        let release = match () {
            () if table.sets.contains_key("hairpin-connections") => "1.36 or later (hairpin-connections)",
            () if pre => "1.33 to 1.35 (filter-prerouting-pre-dnat, no hairpin-connections)",
            () => "1.29 to 1.32 (mark-for-masquerade)",
        };
        let sentence = format!("kube-proxy in nftables mode, {release}");
        if !made.contains(&sentence) {
            made.push(sentence);
        }
    }
    let variants: BTreeSet<&str> = state
        .tables
        .iter()
        .filter_map(|table| match table.maker {
            Maker::IptablesLegacy => Some("iptables-legacy"),
            Maker::IptablesNft => Some("iptables-nft"),
            Maker::Iptables | Maker::Nft => None,
        })
        .collect();
    made.extend(variants.into_iter().map(|variant| format!("tables of {variant}")));
    made
}

/// The first and the last Service of KUBE-SERVICES of the nat table.
fn ends(state: &NodeState) -> Option<(String, String)> {
    let nat = state.tables.iter().find(|table| &*table.name == "nat" && table.chain("KUBE-SERVICES").is_some())?;
    let rules = &nat.chain("KUBE-SERVICES")?.rules;
    let mut names = rules.iter().filter_map(|rule| {
        let comment = rule.comment.as_deref()?;
        let (name, rest) = comment.split_once(' ')?;
        (name.contains('/') && rest.contains("IP")).then(|| name.trim_end_matches(':').to_owned())
    });
    let first = names.next()?;
    let last = names.next_back().unwrap_or_else(|| first.clone());
    Some((first, last))
}
