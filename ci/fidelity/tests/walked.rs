//! Walks through what real kube-proxy binaries installed, and through what the lab's layouts install, end where the cluster
//! says: each endpoint that may answer, equally likely, and no other.

use analysis::explain::{Client, Clients, Entry, Outcome, Reached, Resolved, Way, explain};
use fidelity::{Capture, STATES, config, node};
use lab_core::cell::Variant;
use lab_core::cluster::{AddressPlan, Cluster, Family, ServicePort};
use lab_core::layout::{Action, Layout, Tool, release};
use lab_core::node::NodeState;
use lab_core::path::{End, Surroundings, Walker};
use lab_core::vocabulary::{Access, BackendName, LayoutName, Mix, Origin, Word};
use ruleset::iptables::{self, Tables};
use ruleset::listing::{Listing, read};
use ruleset::nft::Ruleset;
use std::collections::BTreeSet;
use std::net::SocketAddr;

const V1_20: LayoutName = LayoutName::KubeProxy120;
const V1_30: LayoutName = LayoutName::KubeProxy130;
const V1_36: LayoutName = LayoutName::KubeProxy136;

/// Captures of one release in one mode.
struct Captured {
    version: &'static str,
    layout: LayoutName,
    mode: &'static str,
    backend: BackendName,
    clusters: &'static [&'static str],
    /// How many of the states were saved.
    states: usize,
}

const fn captured(
    version: &'static str,
    layout: LayoutName,
    mode: &'static str,
    backend: BackendName,
    clusters: &'static [&'static str],
) -> Captured {
    // In ipvs mode, the state after the first sync alone.
    let states = if matches!(backend, BackendName::Ipvs) { 1 } else { STATES.len() };
    Captured { version, layout, mode, backend, clusters, states }
}

const CLUSTERS: &[&str] = &["mix-3", "mix-50", "plain-1x2"];

const CAPTURES: [Captured; 9] = [
    captured("1.20.2", V1_20, "iptables-legacy", BackendName::IptablesLegacy, CLUSTERS),
    captured("1.20.2", V1_20, "iptables-nft", BackendName::IptablesNft, CLUSTERS),
    captured("1.20.2", V1_20, "ipvs-legacy", BackendName::Ipvs, &["mix-50", "plain-1x2"]),
    captured("1.30.5", V1_30, "iptables-legacy", BackendName::IptablesLegacy, CLUSTERS),
    captured("1.30.5", V1_30, "nftables", BackendName::Nftables, CLUSTERS),
    captured("1.30.5", V1_30, "ipvs-legacy", BackendName::Ipvs, CLUSTERS),
    captured("1.36.3", V1_36, "iptables-legacy", BackendName::IptablesLegacy, CLUSTERS),
    captured("1.36.3", V1_36, "iptables-nft", BackendName::IptablesNft, CLUSTERS),
    captured("1.36.3", V1_36, "nftables", BackendName::Nftables, CLUSTERS),
];

/// The listings of a capture in one of its states.
fn listings(capture: &Capture, backend: BackendName, state: &str) -> Vec<(String, String)> {
    let names: &[&str] = match backend {
        BackendName::Nftables => &["nft-ruleset", "nft-ruleset6"],
        BackendName::Ipvs => &["iptables-save", "ip6tables-save", "ipset-save", "ipvsadm-save", "ip-addr-kube-ipvs0"],
        _ => &["iptables-save", "ip6tables-save"],
    };
    let there = names.iter().filter(|name| capture.has(name, state));
    there.map(|name| ((*name).to_owned(), capture.saved(name, state))).collect()
}

fn state(texts: &[(String, String)], context: &str) -> NodeState {
    let listings: Vec<Listing<'_>> = texts.iter().map(|(name, text)| Listing { name, text }).collect();
    let reading = read(&listings);
    assert_eq!(reading.notes, [], "{context}");
    reading.state
}

/// Walks every access of every port, and says how many ways that were.
fn hold_against(state: &NodeState, cluster: &Cluster, kind: (BackendName, LayoutName), context: &str) -> usize {
    let surroundings = Surroundings::of(state).with_address(node().addresses[0]);
    let clients = Clients::of(state, &surroundings);
    let walker = Walker::new(state, surroundings);
    let mut walked = 0;
    let has_v6 = state.tables.iter().any(|table| table.families.includes(false));
    let families = Family::ALL.into_iter().filter(|&family| family == Family::V4 || has_v6);
    for port in families.flat_map(|family| cluster.ports(family)) {
        for (&access, &origin) in Access::ALL.iter().flat_map(|a| Origin::ALL.iter().map(move |o| (a, o))) {
            let Some(dialled) = port.address_by(access, &cluster.node) else { continue };
            let entry = Entry {
                name: "".into(),
                access: Some(access),
                protocol: port.protocol().number(),
                at: Reached::At(dialled.ip()),
                port: dialled.port(),
            };
            let resolved = Resolved { ways: vec![(entry, dialled)] };
            let explanation = explain(&walker, &clients, &resolved, &[Client::At(origin)], &|_| ());
            let way = &explanation.ways[0];
            let called = format!(
                "{context}: {}/{}:{} {access} {dialled} from {origin}",
                port.namespace(),
                port.name(),
                port.port.name
            );
            judge(way, port, access, origin, cluster, kind, &called);
            walked += 1;
        }
    }
    walked
}

fn judge(
    way: &Way,
    port: ServicePort<'_>,
    access: Access,
    origin: Origin,
    cluster: &Cluster,
    kind: (BackendName, LayoutName),
    called: &str,
) {
    let source = way.walk.packet.source.ip();
    // ipvs mode lets the node itself past the load balancer's source ranges: its chain is not in OUTPUT.
    let passes = kind.0 == BackendName::Ipvs && origin == Origin::Node;
    let refused = access == Access::LoadBalancer && !port.accepts(source) && !passes;
    let ends: Vec<&Outcome> = way.usual().collect();
    assert!(!way.is_uncertain(), "{called}: {ends:#?}");
    let total: f64 = ends.iter().map(|outcome| outcome.ending.probability).sum();
    assert!((total - 1.0).abs() < 1e-6, "{called}: {total}");
    // 1.20 leaves out what the node itself sends to an external IP, unless the address is its own.
    let left_out =
        kind.1 == V1_20 && kind.0 != BackendName::Ipvs && (access, origin) == (Access::ExternalIp, Origin::Node);
    let expected: BTreeSet<SocketAddr> = if refused || left_out {
        BTreeSet::new()
    } else {
        port.answering(access, origin, &cluster.node, kind).iter().map(|endpoint| endpoint.socket()).collect()
    };
    let reached: BTreeSet<SocketAddr> =
        ends.iter().filter(|outcome| outcome.is_endpoint()).map(|outcome| outcome.ending.destination).collect();
    assert_eq!(reached, expected, "{called}: {ends:#?}");
    assert!(!way.is_uneven(), "{called}: {ends:#?}");
    if expected.is_empty() {
        // 1.20 only marks what kubelet's rule is to drop, and no kubelet ran beside it. Later ones leave KUBE-EXTERNAL-SERVICES
        // out of OUTPUT, so that what the node itself sends goes on.
        let goes_on = access != Access::ClusterIp && (kind.1 == V1_20 || origin == Origin::Node);
        let is_end = |outcome: &&Outcome| matches!(outcome.ending.end, End::Dropped | End::Rejected(_));
        assert!(ends.iter().all(is_end) || goes_on, "{called}: {ends:#?}");
    }
}

#[test]
fn every_capture_leads_to_what_its_cluster_says() {
    let mut walked = 0;
    for Captured { version, layout, mode, backend, clusters, states: saved } in CAPTURES {
        for cluster in clusters {
            let capture = Capture::of(version, mode, cluster);
            let states = capture.states();
            for (name, held) in STATES.iter().zip(&states).take(saved) {
                let context = format!("{version} {mode} {cluster}{name}");
                let state = state(&listings(&capture, backend, name), &context);
                walked += hold_against(&state, held, (backend, layout), &context);
            }
        }
    }
    assert!(walked > 5_000, "{walked}");
}

/// What a layout's calls of iptables or nft leave, as the tools list it.
fn installed(layout: &dyn Layout, cluster: &Cluster) -> Vec<(String, String)> {
    let (mut v4, mut v6) = (Tables::new(iptables::Family::V4), Tables::new(iptables::Family::V6));
    let mut nft = Ruleset::default();
    for call in layout.quick_load(cluster).iter().filter_map(Action::call) {
        let text = std::str::from_utf8(&call.stdin).unwrap();
        let applied = match call.tool {
            Tool::IptablesRestore => v4.apply(text).map_err(|error| error.to_string()),
            Tool::Ip6tablesRestore => v6.apply(text).map_err(|error| error.to_string()),
            Tool::Iptables => v4.call(&call.args),
            Tool::Ip6tables => v6.call(&call.args),
            Tool::Nft if call.args.iter().any(|word| word == "-f") => {
                nft.apply(text).map_err(|error| error.to_string())
            }
            _ => Ok(()),
        };
        // kube-proxy only tries some: what is deleted and is not there, what is made and is there.
        let is_tried = call.stdin.is_empty() || text.starts_with("delete table");
        assert!(applied.is_ok() || is_tried, "{applied:?}: {text}");
    }
    let parts = [("iptables-save", v4.save()), ("ip6tables-save", v6.save()), ("nft-ruleset", nft.list())];
    parts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name.to_owned(), text)).collect()
}

#[test]
fn every_layout_leads_to_what_its_cluster_says() {
    let cluster = Cluster { node: node(), ..Cluster::generate(120, &AddressPlan::new(3).of(Mix::Mixed)) };
    for backend in [BackendName::IptablesLegacy, BackendName::IptablesNft, BackendName::Nftables] {
        for &name in LayoutName::of(backend) {
            let layout = release::layout(Variant { layout: name, ..Variant::usual(backend) }, &config()).unwrap();
            let context = format!("{} in {backend}", name.name());
            let state = state(&installed(&*layout, &cluster), &context);
            assert!(hold_against(&state, &cluster, (backend, name), &context) > 300);
        }
    }
}
