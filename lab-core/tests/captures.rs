//! Compares the layouts with what a real kube-proxy 1.30.5 sent to the tools. The cluster has one Service with two
//! endpoints. A second Service is added, gains an endpoint, loses one, loses all, and is deleted.
//!
//! `reference/` holds the captured texts. kube-proxy writes Services and stale chains in the random order of a Go map;
//! such lines are compared as multisets.

use ipnet::Ipv4Net;
use lab_core::change::Change;
use lab_core::cluster::{Cluster, Endpoint, Port, Service};
use lab_core::layout::{Action, Invocation, Iptables, Layout, Tool};
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
