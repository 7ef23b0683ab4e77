//! Compares the layouts with what a real kube-proxy 1.30.5 sent to the tools. The cluster has one Service with two
//! endpoints. A second Service is added, gains an endpoint, loses one, loses all, and is deleted.
//!
//! `reference/` holds the captured texts. kube-proxy writes Services and stale chains in the random order of a Go map;
//! such lines are compared as multisets.

use ipnet::Ipv4Net;
use lab_core::change::Change;
use lab_core::cluster::{Cluster, Endpoint, Port, Service};
use lab_core::layout::{Action, Invocation, Iptables, Layout, Nftables, Tool};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

macro_rules! captured {
    ($name:literal) => {
        include_str!(concat!("reference/", $name))
    };
}

const CLUSTER_CIDR: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 244, 0, 0), 16);

fn iptables() -> Iptables {
    Iptables { cluster_cidr: CLUSTER_CIDR }
}

fn nftables() -> Nftables {
    Nftables { cluster_cidr: CLUSTER_CIDR }
}

fn service(name: &str, cluster_ip: &str, endpoints: &[&str]) -> Service {
    let endpoints = endpoints.iter().map(|endpoint| Endpoint::ready(endpoint.parse().unwrap())).collect();
    Service {
        namespace: "default".to_owned(),
        name: name.to_owned(),
        cluster_ips: [cluster_ip.parse().unwrap()].into_iter().collect(),
        ports: vec![Port { name: "http".to_owned(), number: 80, endpoints, ..Port::default() }],
        ..Service::default()
    }
}

/// The captured cluster without the second Service.
fn plain() -> Arc<Cluster> {
    let service = service("svc-00001", "10.96.0.11", &["10.244.0.3:8080", "10.244.0.4:8080"]);
    let services = vec![Arc::new(service)];
    Arc::new(Cluster { services, ..Cluster::default() })
}

/// The captured cluster with the second Service, which has these of its endpoints.
fn with_added(endpoints: &[&str]) -> Arc<Cluster> {
    let mut services = plain().services.clone();
    services.push(Arc::new(service("zz-added", "10.111.222.1", endpoints)));
    Arc::new(Cluster { services, ..Cluster::default() })
}

const FIRST: &str = "10.244.250.1:8080";
const SECOND: &str = "10.244.250.2:8080";
const THIRD: &str = "10.244.250.3:8080";

/// The states of the captures, by the second Service's endpoints after each change.
fn states() -> [Arc<Cluster>; 6] {
    [
        plain(),
        with_added(&[FIRST, SECOND]),
        with_added(&[FIRST, SECOND, THIRD]),
        with_added(&[SECOND, THIRD]),
        with_added(&[]),
        plain(),
    ]
}

fn change(place: usize) -> Change {
    let states = states();
    Change { before: Arc::clone(&states[place]), after: Arc::clone(&states[place + 1]) }
}

/// The one call of a sync.
fn only(actions: Vec<Action>) -> Invocation {
    let [action] = &actions[..] else { panic!("one action, not {}", actions.len()) };
    action.call().unwrap().clone()
}

fn text(call: &Invocation) -> &str {
    std::str::from_utf8(&call.stdin).unwrap()
}

fn sorted<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut lines: Vec<&str> = lines.into_iter().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn the_full_sync_of_iptables_mode_is_kube_proxys() {
    let call = only(iptables().full_sync(&plain()));
    assert_eq!(call.tool, Tool::IptablesRestore);
    assert_eq!(call.args.join(" "), captured!("iptables/full.argv").trim_end());
    assert_eq!(text(&call), captured!("iptables/full.in"));
}

#[test]
fn partial_syncs_of_iptables_mode_are_kube_proxys() {
    for (place, captured) in [
        captured!("iptables/add-service.in"),
        captured!("iptables/add-endpoint.in"),
        captured!("iptables/remove-endpoint.in"),
    ]
    .into_iter()
    .enumerate()
    {
        let call = only(iptables().partial_sync(&change(place)));
        assert_eq!(call.args.join(" "), captured!("iptables/full.argv").trim_end());
        assert_eq!(text(&call), captured);
    }
    assert_eq!(text(&only(iptables().partial_sync(&change(4)))), captured!("iptables/delete-service.in"));
}

#[test]
fn a_service_that_loses_all_endpoints_is_rejected_and_its_chains_go() {
    let (call, captured) = (only(iptables().partial_sync(&change(3))), captured!("iptables/remove-all-endpoints.in"));
    assert_eq!(sorted(text(&call).lines()), sorted(captured.lines()));
    // Only the order of the stale chains is random.
    let fixed = |line: &&str| !line.starts_with("-X") && !line.starts_with(":KUBE-S");
    let lines: Vec<&str> = text(&call).lines().filter(fixed).collect();
    assert_eq!(lines, captured.lines().filter(fixed).collect::<Vec<_>>());
}

#[test]
fn iptables_mode_leaves_nothing_to_clean_up_in_a_small_cluster() {
    assert!((0..5).all(|place| iptables().cleanup(&change(place)).is_empty()));
}

#[test]
fn preparing_iptables_mode_leads_to_the_jumps_and_chains_of_the_captured_state() {
    let mut rules: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for call in iptables().prepare().iter().filter_map(Action::call) {
        assert_eq!(call.tool, Tool::Iptables);
        let [_, _, _, _, operation, chain, _, table, rule @ ..] = &call.args[..] else { panic!("{:?}", call.args) };
        match operation.as_str() {
            "-N" => assert!(rules.insert((table.clone(), chain.clone()), Vec::new()).is_none(), "{chain} made twice"),
            "-I" => rules.entry((table.clone(), chain.clone())).or_default().insert(0, rule.join(" ")),
            other => panic!("{other}"),
        }
    }

    let mut table = String::new();
    let mut captured: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for line in captured!("iptables/iptables-save.txt").lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name.to_owned();
        } else if let Some(chain) = line.strip_prefix(":KUBE-") {
            let name = format!("KUBE-{}", chain.split_once(' ').unwrap().0);
            captured.insert((table.clone(), name), Vec::new());
        } else if let Some((chain, rule)) = line.strip_prefix("-A ").and_then(|rule| rule.split_once(' '))
            && !chain.starts_with("KUBE-")
        {
            captured.entry((table.clone(), chain.to_owned())).or_default().push(rule.replace('"', ""));
        }
    }
    // These come with the first sync.
    let synced = |(_, chain): &(String, String)| {
        chain == "KUBE-MARK-MASQ" || chain.starts_with("KUBE-SVC-") || chain.starts_with("KUBE-SEP-")
    };
    captured.retain(|key, _| !synced(key) && *key != ("nat".to_owned(), "KUBE-NODEPORTS".to_owned()));
    assert_eq!(rules, captured);
}

#[test]
fn the_full_sync_of_nftables_mode_is_kube_proxys() {
    let call = only(nftables().full_sync(&plain()));
    assert_eq!(call.tool, Tool::Nft);
    assert_eq!(call.args.join(" "), captured!("nftables/full.argv").trim_end());
    assert_eq!(text(&call), captured!("nftables/full.in"));
}

/// What 1.30 sends at each sync: it has no partial sync.
const NFTABLES_SYNCS: [&str; 5] = [
    captured!("nftables/add-service.in"),
    captured!("nftables/add-endpoint.in"),
    captured!("nftables/remove-endpoint.in"),
    captured!("nftables/remove-all-endpoints.in"),
    captured!("nftables/delete-service.in"),
];

#[test]
fn after_every_change_a_full_sync_of_nftables_mode_is_kube_proxys() {
    for (state, captured) in states().iter().skip(1).zip(NFTABLES_SYNCS) {
        let call = only(nftables().full_sync(state));
        // Only the first sync of all makes the base chains anew, and stale chains are known to changes alone.
        let base = |line: &&str| {
            line.starts_with("delete chain")
                || (line.starts_with("add chain ip kube-proxy filter-") && !line.contains('{'))
                || (line.starts_with("add chain ip kube-proxy nat-") && !line.contains('{'))
        };
        let added: Vec<&str> = captured.lines().filter(|line| line.starts_with("add chain")).collect();
        let stale = |line: &&str| {
            line.strip_prefix("flush chain ip kube-proxy ")
                .is_some_and(|chain| !added.iter().any(|line| line.split(' ').nth(4) == Some(chain)))
        };
        assert_eq!(
            sorted(text(&call).lines().filter(|line| !base(line))),
            sorted(captured.lines().filter(|line| !stale(line)))
        );
    }
}

/// The lines about the second Service that a change sends in 1.30, in their order.
fn about_added(captured: &str) -> Vec<&str> {
    captured.lines().filter(|line| line.contains("zz-added") || line.contains("10.111.222.1")).collect()
}

#[test]
fn a_partial_sync_of_nftables_mode_adds_a_service_as_1_30_does() {
    assert_eq!(
        text(&only(nftables().partial_sync(&change(0)))).lines().collect::<Vec<_>>(),
        about_added(NFTABLES_SYNCS[0])
    );
}

#[test]
fn a_partial_sync_of_nftables_mode_writes_an_altered_service_as_1_30_does_but_for_elements_in_force() {
    for place in [1, 2] {
        let mut captured = about_added(NFTABLES_SYNCS[place]);
        captured.retain(|line| !line.starts_with("add element"));
        assert_eq!(text(&only(nftables().partial_sync(&change(place)))).lines().collect::<Vec<_>>(), captured);
    }
}

#[test]
fn a_partial_sync_of_nftables_mode_moves_a_service_without_endpoints_to_the_rejected_ones() {
    let call = only(nftables().partial_sync(&change(3)));
    let mut lines: Vec<&str> = text(&call).lines().collect();
    assert_eq!(lines.pop(), Some("delete element ip kube-proxy service-ips { 10.111.222.1 . tcp . 80 }"));
    let mut captured = about_added(NFTABLES_SYNCS[3]);
    captured.retain(|line| !line.contains("cluster-ips"));
    assert_eq!(sorted(lines), sorted(captured));
}

#[test]
fn a_partial_sync_of_nftables_mode_takes_a_deleted_service_out_of_its_sets() {
    let call = only(nftables().partial_sync(&change(4)));
    assert_eq!(
        text(&call),
        "delete element ip kube-proxy cluster-ips { 10.111.222.1 }\n\
         delete element ip kube-proxy no-endpoint-services { 10.111.222.1 . tcp . 80 }\n"
    );
}

#[test]
fn the_cleanup_of_nftables_mode_is_kube_proxys() {
    let call = only(nftables().cleanup(&change(2)));
    assert_eq!(text(&call), captured!("nftables/cleanup-after-remove-endpoint.in"));
}

#[test]
fn nftables_mode_deletes_later_what_the_partial_sync_emptied() {
    for place in 0..5 {
        let (call, cleanup) = (only(nftables().partial_sync(&change(place))), nftables().cleanup(&change(place)));
        let lines: Vec<&str> = text(&call).lines().collect();
        let added =
            |chain: &str| lines.iter().any(|line| line.strip_prefix("add chain ").is_some_and(|add| add == chain));
        let emptied = lines.iter().filter_map(|line| line.strip_prefix("flush chain ")).filter(|chain| !added(chain));
        let cleanup: String = cleanup.iter().filter_map(Action::call).map(text).collect();
        let deleted: Vec<&str> = cleanup.lines().map(|line| line.strip_prefix("delete chain ").unwrap()).collect();
        assert_eq!(emptied.collect::<Vec<_>>(), deleted);
        assert_eq!(deleted.len(), [0, 0, 1, 3, 0][place]);
    }
}
