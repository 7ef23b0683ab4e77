//! The layout of ipvs mode leads to the node of a real kube-proxy, in every way and after every change.
//!
//! `reference/ipvs/` holds a node of kube-proxy 1.30.5 with one Service of two endpoints; 1.20.2 has the same state in
//! the parts that come from it.

mod node;

use ipnet::Ipv4Net;
use lab_core::change::Change;
use lab_core::cluster::{AddressPlan, Cluster, Endpoint, Family, Port, Service};
use lab_core::layout::{Action, Installed, Ipvs, Layout, Part, Request};
use lab_core::vocabulary::{BackendName, Way};
use node::Node;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

macro_rules! captured {
    ($name:literal) => {
        include_str!(concat!("reference/ipvs/", $name))
    };
}

const CLUSTER_CIDR: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 244, 0, 0), 16);

fn layouts() -> impl Iterator<Item = Ipvs> {
    Way::of(BackendName::Ipvs).iter().map(|&way| Ipvs { cluster_cidr: CLUSTER_CIDR, way, ..Ipvs::default() })
}

/// The captured cluster.
fn plain() -> Cluster {
    let endpoints = ["10.244.0.3:8080", "10.244.0.4:8080"].map(|text| Endpoint::ready(text.parse().unwrap()));
    let port = Port { name: "http".to_owned(), number: 80, endpoints: endpoints.to_vec(), ..Port::default() };
    with([Service {
        namespace: "default".to_owned(),
        name: "svc-00001".to_owned(),
        cluster_ips: [[10, 96, 0, 11].into()].into_iter().collect(),
        ports: vec![port],
        ..Service::default()
    }])
}

fn with(services: impl IntoIterator<Item = Service>) -> Cluster {
    Cluster { services: services.into_iter().map(Arc::new).collect(), ..Cluster::default() }
}

fn programmed(layout: &Ipvs, cluster: &Cluster) -> Node {
    let mut node = Node::default();
    node.apply(&layout.prepare());
    node.apply(&layout.full_sync(cluster));
    node
}

/// The sets that `ipset save` printed, as the words that make them.
fn saved_sets(text: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let mut sets: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    for line in text.lines() {
        match line.splitn(3, ' ').collect::<Vec<_>>()[..] {
            // What the kernel chose by itself comes last.
            ["create", name, options] => {
                let options = options.split(" bucketsize ").next().unwrap();
                sets.insert(name.to_owned(), (options.to_owned(), BTreeSet::new()));
            }
            ["add", name, entry] => assert!(sets.get_mut(name).unwrap().1.insert(entry.to_owned())),
            _ => panic!("{line}"),
        }
    }
    sets.retain(|name, _| !name.starts_with("KUBE-6-"));
    sets
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
            chains.entry((table.to_owned(), chain.to_owned())).or_default().push(rule.replace('"', ""));
        }
    }
    chains
}

/// A rule as `iptables-save` would print it: addresses first, marks by value and mask, defaults spelled out.
fn as_saved(rule: &str) -> String {
    let rule = rule
        .replace("0x00004000", "0x4000")
        .replace("--or-mark 0x4000", "--set-xmark 0x4000/0x4000")
        .replace("--xor-mark 0x4000", "--set-xmark 0x4000/0x0")
        .replace("-j REJECT", "-j REJECT --reject-with icmp-port-unreachable");
    match rule.split_once(" ! -s 10.244.0.0/16") {
        Some((before, after)) => format!("! -s 10.244.0.0/16 {before}{after}"),
        None => rule,
    }
}

#[test]
fn in_every_way_the_virtual_servers_are_kube_proxys() {
    for captured in [captured!("ipvsadm-save.txt"), captured!("ipvsadm-save-1.20.2.txt")] {
        for layout in layouts() {
            let mut lines = String::new();
            for (server, real_servers) in programmed(&layout, &plain()).virtual_servers.values() {
                lines += &format!("-A {server}\n");
                lines.extend(real_servers.iter().map(|real| format!("-a {} {real}\n", server.key)));
            }
            assert_eq!(lines, captured);
        }
    }
}

#[test]
fn in_every_way_the_addresses_are_kube_proxys() {
    for captured in [captured!("ip-addr-kube-ipvs0.txt"), captured!("ip-addr-kube-ipvs0-1.20.2.txt")] {
        let address = |line: &str| line.split_whitespace().nth(3).unwrap().to_owned();
        let captured: Vec<String> = captured.lines().map(address).collect();
        for layout in layouts() {
            let node = programmed(&layout, &plain());
            assert_eq!(node.devices, BTreeSet::from(["kube-ipvs0".to_owned()]));
            assert_eq!(node.addresses.iter().map(|address| format!("{address}/32")).collect::<Vec<_>>(), captured);
        }
    }
}

#[test]
fn in_every_way_the_sets_are_kube_proxys() {
    for layout in layouts() {
        assert_eq!(programmed(&layout, &plain()).sets, saved_sets(captured!("ipset-save.txt")));
    }
}

#[test]
fn the_sets_that_1_20_had_are_the_same() {
    let sets = programmed(&Ipvs::default(), &plain()).sets;
    for (name, set) in saved_sets(captured!("ipset-save-1.20.2.txt")) {
        assert_eq!(sets[&name], set, "{name}");
    }
}

#[test]
fn in_every_way_the_rules_are_kube_proxys() {
    for layout in layouts() {
        let mut chains = programmed(&layout, &plain()).chains;
        for rule in chains.values_mut().flatten() {
            *rule = as_saved(rule);
        }
        assert_eq!(chains, saved_chains(captured!("iptables-save.txt")));
    }
}

fn requests(actions: &[Action]) -> Vec<Request> {
    let asked = |action: &Action| if let Action::Ask(_, requests) = action { requests.clone() } else { Vec::new() };
    actions.iter().flat_map(asked).collect()
}

#[test]
fn kube_proxy_asks_about_every_service_whatever_changed() {
    let plan = AddressPlan::new(2);
    let cluster = Arc::new(Cluster::generate(20, &plan));
    let layout = Ipvs { way: Way::KubeProxy, ..Ipvs::default() };
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
        let layout = Ipvs { way, ..Ipvs::default() };
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
        let mut node = programmed(&layout, &both);
        assert_eq!((node.virtual_servers.len(), node.addresses.len()), (2, 1));
        assert_eq!(node.installed(), layout.installed(&both));
        node.apply(&layout.partial_sync(&Change { before: Arc::clone(&both), after: Arc::clone(&one) }));
        assert_eq!(node, programmed(&layout, &one));
        node.apply(&layout.partial_sync(&Change { before: Arc::clone(&one), after: Arc::clone(&both) }));
        assert_eq!(node, programmed(&layout, &both));
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
        let mut node = programmed(&layout, &change.before);
        let actions = layout.partial_sync(&change);
        node.apply(&actions);
        assert_eq!(node, programmed(&layout, &change.after));
        assert!(!actions.iter().map(Action::to_string).any(|text| text.contains("-D -t")));
    }
}

#[test]
fn every_process_of_a_sync_is_about_sets_rules_or_virtual_servers() {
    for layout in layouts() {
        for action in layout.full_sync(&plain()) {
            if let Action::Call(part, call) | Action::Try(part, call) = &action {
                let expected = match call.tool.name() {
                    "ipset" => Part::Sets,
                    "ipvsadm" => Part::VirtualServers,
                    _ => Part::Rules,
                };
                assert_eq!(*part, expected, "{action}");
            }
        }
    }
}

/// Some of twelve Services, each with some of its endpoints, every other one with a second port, and possibly at the
/// address of another.
fn any_cluster() -> impl Strategy<Value = Cluster> {
    let all = Cluster::generate(12, &AddressPlan::new(4)).services;
    let places = proptest::sample::subsequence((0..all.len()).collect::<Vec<_>>(), 0..=12).prop_shuffle();
    let endpoints = proptest::collection::vec(proptest::sample::subsequence(vec![0, 1, 2, 3], 0..=4), 12);
    (places, endpoints, 0..3usize).prop_map(move |(places, endpoints, shift)| {
        let pick = |place: usize| {
            let mut service = Service::clone(&all[place]);
            let port = &mut service.ports[0];
            port.endpoints = endpoints[place].iter().map(|&endpoint| port.endpoints[endpoint].clone()).collect();
            if (place + shift).is_multiple_of(2) {
                service.ports.push(https(&service.ports[0]));
            }
            service.cluster_ips = all[(place + shift) % all.len()].cluster_ips;
            service
        };
        with(places.into_iter().map(pick))
    })
}

proptest! {
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
            let mut node = programmed(&layout, &change.before);
            node.apply(&layout.partial_sync(&change));
            prop_assert_eq!(&node, &programmed(&layout, &change.after));
            node.apply(&layout.partial_sync(&change.undone()));
            prop_assert_eq!(node, programmed(&layout, &change.before));
        }
    }

    #[test]
    fn a_node_that_was_flushed_can_be_loaded_in_any_way(cluster in any_cluster()) {
        for (loaded, layout) in layouts().flat_map(|loaded| layouts().map(move |layout| (loaded, layout))) {
            let mut node = programmed(&loaded, &cluster);
            node.apply(&layout.flush());
            prop_assert_eq!(node.installed(), Installed::default());
            node.apply(&layout.prepare());
            node.apply(&layout.full_sync(&cluster));
            prop_assert_eq!(node, programmed(&layout, &cluster));
        }
    }

    #[test]
    fn every_way_leads_to_the_same_node(cluster in any_cluster()) {
        let nodes: Vec<Node> = layouts().map(|layout| programmed(&layout, &cluster)).collect();
        prop_assert!(nodes.iter().all(|node| *node == nodes[0]));
    }
}
