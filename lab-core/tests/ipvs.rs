//! The layouts of ipvs mode come to the same node in every way, after a full sync and after every change.
//!
//! `ci/fidelity/tests/ipvs.rs` compares that node with real ones.

mod node;

use lab_core::change::Change;
use lab_core::cluster::{
    AddressPlan, Cluster, Conditions, Family, Ingress, IpMode, Place, Port, Protocol, Service, ServiceType,
    TrafficPolicy,
};
use lab_core::layout::ipvs::Version;
use lab_core::layout::{Action, Installed, Ipvs, Layout, Part, Request};
use lab_core::proxy_config::ProxyConfig;
use lab_core::vocabulary::{BackendName, Way};
use node::Node;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

const VERSIONS: [Version; 2] = [Version::V1_20, Version::V1_30];

/// Both releases in every way.
fn layouts() -> impl Iterator<Item = Ipvs> {
    let ways = || Way::of(BackendName::Ipvs).iter();
    VERSIONS
        .into_iter()
        .flat_map(move |version| ways().map(move |&way| Ipvs { way, ..Ipvs::new(version, &ProxyConfig::default()) }))
}

/// 1.30 in one way.
fn in_way(way: Way) -> Ipvs {
    Ipvs { way, ..Ipvs::default() }
}

fn with(services: impl IntoIterator<Item = Service>) -> Cluster {
    Cluster { services: services.into_iter().map(Arc::new).collect(), ..Cluster::default() }
}

fn programmed(layout: &Ipvs, cluster: &Cluster) -> Node {
    let mut node = Node::default();
    node.apply(&layout.prepare());
    node.apply(&layout.full_sync(cluster));
    node.state()
}

fn changed(node: &Node, layout: &Ipvs, change: &Change) -> Node {
    let mut node = node.clone();
    node.apply(&layout.partial_sync(change));
    node.state()
}

fn requests(actions: &[Action]) -> Vec<Request> {
    let asked = |action: &Action| if let Action::Ask(_, requests) = action { requests.clone() } else { Vec::new() };
    actions.iter().flat_map(asked).collect()
}

#[test]
fn kube_proxy_asks_about_every_service_whatever_changed() {
    let plan = AddressPlan::new(2);
    let cluster = Arc::new(Cluster::generate(20, &plan));
    let layout = in_way(Way::KubeProxy);
    for change in [Change::adding(&cluster, &plan), Change::replacing_endpoint(&cluster, &plan)] {
        let mut about = BTreeMap::new();
        for request in requests(&layout.partial_sync(&change)) {
            if let Request::GetVirtualServer(key) = request {
                *about.entry(key.address.ip()).or_insert(0) += 1;
            }
        }
        let addresses = change.after.ports(Family::V4).map(|service| service.cluster_ip());
        assert_eq!(about, addresses.map(|address| (address, 2)).collect());
    }
}

#[test]
fn the_other_ways_say_only_what_changed() {
    let plan = AddressPlan::new(2);
    let cluster = Arc::new(Cluster::generate(20, &plan));
    for way in [Way::Batched, Way::Ipvsadm] {
        let layout = in_way(way);
        for (change, address, lines) in [
            (Change::adding(&cluster, &plan), "10.96.0.31", 6),
            (Change::removing(&cluster), "10.96.0.21", 4),
            (Change::replacing_endpoint(&cluster, &plan), "10.96.0.21", 2),
        ] {
            let text: String = layout.partial_sync(&change).iter().map(Action::to_string).collect();
            let said: Vec<&str> = text.lines().filter(|line| !line.starts_with(['#', '$'])).collect();
            assert!(said.iter().all(|line| line.contains(address)), "{text}");
            assert_eq!(said.len(), lines, "{text}");
        }
    }
}

#[test]
fn nothing_to_do_is_no_action_but_in_kube_proxys_way() {
    let cluster = Arc::new(Cluster::generate(3, &AddressPlan::new(2)));
    let change = Change { before: Arc::clone(&cluster), after: cluster };
    for layout in layouts() {
        assert_eq!(layout.partial_sync(&change).is_empty(), layout.way != Way::KubeProxy);
    }
}

/// A second port beside `http`.
fn https(http: &Port) -> Port {
    Port { name: "https".to_owned(), number: 443, ..http.clone() }
}

#[test]
fn a_second_port_of_an_address_needs_no_second_address() {
    let mut cluster = Cluster::generate(1, &AddressPlan::new(1));
    let one = Arc::new(cluster.clone());
    cluster.service_mut(0).ports.push(https(&one.services[0].ports[0]));
    let both = Arc::new(cluster);
    for layout in layouts() {
        let node = programmed(&layout, &both);
        assert_eq!((node.virtual_servers.len(), node.addresses.len()), (2, 1));
        assert_eq!(node.installed(), layout.installed(&both));
        let change = Change { before: Arc::clone(&both), after: Arc::clone(&one) };
        let node = changed(&node, &layout, &change);
        assert_eq!(node, programmed(&layout, &one));
        assert_eq!(changed(&node, &layout, &change.undone()), programmed(&layout, &both));
    }
}

#[test]
fn a_service_that_takes_over_an_address_gets_the_virtual_server_with_it() {
    let plan = AddressPlan::new(2);
    let cluster = Cluster::generate(3, &plan);
    let mut renamed = cluster.clone();
    renamed.service_mut(1).name = "heir".to_owned();
    renamed.service_mut(1).ports[0].endpoints.remove(0);
    let change = Change { before: Arc::new(cluster), after: Arc::new(renamed) };
    for layout in layouts() {
        let node = programmed(&layout, &change.before);
        let actions = layout.partial_sync(&change);
        assert_eq!(changed(&node, &layout, &change), programmed(&layout, &change.after));
        assert!(!actions.iter().map(Action::to_string).any(|text| text.contains("-D -t")));
    }
}

#[test]
fn every_process_of_a_sync_is_about_sets_rules_virtual_servers_or_conntrack() {
    for layout in layouts() {
        for action in layout.full_sync(&Cluster::generate(2, &AddressPlan::new(2))) {
            if let Action::Call(part, call) | Action::Try(part, call) = &action {
                let lists = call.args.iter().any(|word| ["list", "-C"].contains(&word.as_str()));
                let expected = match call.tool.name() {
                    "iptables-save" => Part::Reads,
                    _ if lists => Part::Reads,
                    "ipset" => Part::Sets,
                    "ipvsadm" => Part::VirtualServers,
                    _ => Part::Rules,
                };
                assert_eq!(*part, expected, "{action}");
            }
        }
    }
}

#[test]
fn udp_traffic_that_went_elsewhere_is_forgotten() {
    let mut cluster = Cluster::generate(2, &AddressPlan::new(2));
    cluster.service_mut(1).ports[0].protocol = Protocol::Udp;
    cluster.service_mut(1).ports[0].node_port = Some(30_053);
    let mut fewer = cluster.clone();
    fewer.service_mut(1).ports[0].endpoints.pop();
    let said = |actions: Vec<Action>| {
        let about = |action: &Action| matches!(action, Action::Try(Part::Conntrack, _));
        actions.iter().filter(|action| about(action)).map(Action::to_string).collect::<Vec<_>>()
    };
    let layout = in_way(Way::KubeProxy);
    let first =
        ["$ conntrack -D --orig-dst 10.96.0.12 -p udp || true\n", "$ conntrack -D -p udp --dport 30053 || true\n"];
    assert_eq!(said(layout.full_sync(&cluster)), first);
    let change = Change { before: Arc::new(cluster), after: Arc::new(fewer) };
    let gone = change.before.services[1].ports[0].endpoints[1].address;
    let then = [
        format!("$ conntrack -D -p udp --dport 30053 --dst-nat {gone} || true\n"),
        format!("$ conntrack -D --orig-dst 10.96.0.12 --dst-nat {gone} -p udp || true\n"),
    ];
    assert_eq!(said(layout.partial_sync(&change)), then);
    assert!(said(layout.partial_sync(&change.undone())).is_empty());
}

#[test]
fn a_set_that_is_full_takes_no_more_and_the_sync_goes_on() {
    let mut cluster = Cluster::generate(1, &AddressPlan::new(1));
    let service = cluster.service_mut(0);
    let first = service.ports[0].clone();
    service.external_ips = (1..=7u8).map(|last| IpAddr::from([192, 0, 2, last])).collect();
    service.ports = (1..=9_400).map(|number| Port { name: format!("p{number}"), number, ..first.clone() }).collect();
    for way in [Way::KubeProxy, Way::Batched] {
        let layout = in_way(way);
        let mut node = Node::default();
        node.apply(&layout.prepare());
        node.apply(&layout.full_sync(&cluster));
        assert_eq!(node.sets.0["KUBE-EXTERNAL-IP"].1.len(), 65_536);
        assert_eq!(node.installed(), layout.installed(&cluster));
        assert_eq!(node.refused > 0, way == Way::KubeProxy);
    }
}

/// Everything that a Service may have, by a number.
fn featured(service: &mut Service, features: u16) {
    let has = |bit: u16| features & (1 << bit) != 0;
    let number = features & 7;
    if has(3) {
        service.kind = ServiceType::LoadBalancer;
        let address = IpAddr::from([192, 0, 2, number as u8]);
        let mode = if has(4) { IpMode::Vip } else { IpMode::Proxy };
        service.ingress = vec![Ingress { address, mode }];
        service.ports[0].node_port = Some(30_000 + service.ports[0].number + 100 * number);
    }
    if has(5) {
        service.external_ips = vec![[198, 51, 100, number as u8].into(), "2001:db8::7".parse().unwrap()];
    }
    if has(6) {
        service.source_ranges = ["203.0.113.0/24", "198.51.100.1/32", "0.0.0.0/0"][..=usize::from(number % 3)]
            .iter()
            .map(|range| range.parse().unwrap())
            .collect();
    }
    if has(7) {
        service.external_policy = TrafficPolicy::Local;
        service.health_check_node_port = Some(32_000 + number);
    }
    if has(8) {
        service.internal_policy = TrafficPolicy::Local;
    }
    if has(9) {
        service.affinity = Some(Duration::from_secs(600));
    }
    if has(10) {
        service.cluster_ips.v6 = Some(format!("fd00::{number}").parse().unwrap());
    }
    if has(11) {
        service.ports[0].protocol = [Protocol::Udp, Protocol::Sctp][usize::from(has(12))];
    }
    for (place, endpoint) in service.ports[0].endpoints.iter_mut().enumerate() {
        if has(13) && place % 2 == 0 {
            endpoint.place = Some(Arc::new(Place { node: "node".to_owned(), ..Place::default() }));
        }
        if has(14) && place % 3 == 0 {
            endpoint.conditions = Conditions { ready: false, serving: true, terminating: true };
        }
        if has(15) && place == 1 {
            endpoint.address = "fd01::1".parse().unwrap();
        }
    }
}

/// Some of twelve Services with any features, each with some of its endpoints, every other one with a second port, and
/// possibly at the address of another.
fn any_cluster() -> impl Strategy<Value = Cluster> {
    let all = Cluster::generate(12, &AddressPlan::new(4)).services;
    let places = proptest::sample::subsequence((0..all.len()).collect::<Vec<_>>(), 0..=12).prop_shuffle();
    let endpoints = proptest::collection::vec(proptest::sample::subsequence(vec![0, 1, 2, 3], 0..=4), 12);
    let features = proptest::collection::vec(any::<u16>(), 12);
    (places, endpoints, features, 0..3usize).prop_map(move |(places, endpoints, features, shift)| {
        let pick = |place: usize| {
            let mut service = Service::clone(&all[place]);
            let port = &mut service.ports[0];
            port.endpoints = endpoints[place].iter().map(|&endpoint| port.endpoints[endpoint].clone()).collect();
            service.cluster_ips = all[(place + shift) % all.len()].cluster_ips;
            featured(&mut service, features[place]);
            if (place + shift).is_multiple_of(2) {
                service.ports.push(https(&service.ports[0]));
            }
            service
        };
        with(places.into_iter().map(pick))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn installed_is_what_counting_on_the_node_gives(cluster in any_cluster()) {
        for layout in layouts() {
            prop_assert_eq!(layout.installed(&cluster), programmed(&layout, &cluster).installed());
        }
    }

    #[test]
    fn a_change_leads_where_a_full_sync_leads(before in any_cluster(), after in any_cluster()) {
        let change = Change { before: Arc::new(before), after: Arc::new(after) };
        for layout in layouts() {
            let node = changed(&programmed(&layout, &change.before), &layout, &change);
            prop_assert_eq!(&node, &programmed(&layout, &change.after));
            prop_assert_eq!(changed(&node, &layout, &change.undone()), programmed(&layout, &change.before));
        }
    }

    #[test]
    fn a_node_that_was_flushed_can_be_loaded_in_any_way(cluster in any_cluster()) {
        for (loaded, layout) in layouts().flat_map(|loaded| layouts().map(move |layout| (loaded.clone(), layout))) {
            if loaded.version != layout.version {
                continue;
            }
            let mut node = programmed(&loaded, &cluster);
            node.apply(&layout.flush(&cluster));
            prop_assert_eq!(node.installed(), Installed::default());
            node.parameters.clear();
            node.apply(&layout.prepare());
            node.apply(&layout.full_sync(&cluster));
            prop_assert_eq!(node.state(), programmed(&layout, &cluster));
        }
    }

    #[test]
    fn every_way_leads_to_the_same_node(cluster in any_cluster()) {
        for version in VERSIONS {
            let ways = layouts().filter(|layout| layout.version == version);
            let nodes: Vec<Node> = ways.map(|layout| programmed(&layout, &cluster)).collect();
            prop_assert!(nodes.iter().all(|node| *node == nodes[0]));
        }
    }
}
