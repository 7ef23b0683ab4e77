//! The quickest way to load a node has the same result as preparing it and a full sync.

mod node;

use lab_core::cluster::{AddressPlan, Cluster};
use lab_core::layout::{Action, Iptables, Ipvs, Layout, Nftables, iptables, nftables};
use lab_core::proxy_config::ProxyConfig;
use lab_core::vocabulary::Way;
use node::Node;
use std::collections::BTreeSet;

fn cluster(services: u32) -> Cluster {
    Cluster::generate(services, &AddressPlan::new(2))
}

fn reached(actions: &[Action]) -> Node {
    let mut node = Node::default();
    node.apply(actions);
    node.state()
}

#[test]
fn iptables_and_ipvs_come_to_the_same_node() {
    let iptables = |version| Iptables::new(version, &ProxyConfig::default());
    let releases = [iptables::Version::V1_20, iptables::Version::V1_30, iptables::Version::V1_36].map(iptables);
    let layouts: [&dyn Layout; 5] =
        [&releases[0], &releases[1], &releases[2], &Ipvs::default(), &Ipvs { way: Way::Ipvsadm, ..Ipvs::default() }];
    for layout in layouts {
        for services in [0, 1, 700] {
            let cluster = cluster(services);
            let measured = reached(&[layout.prepare(), layout.full_sync(&cluster)].concat());
            let quick = reached(&layout.quick_load(&cluster));
            assert!(quick == measured, "{} at {services} Services", layout.name());
            assert_eq!(quick.installed(), layout.installed(&cluster));
        }
    }
}

/// What the commands add, in any order.
fn added(actions: &[Action]) -> BTreeSet<String> {
    let texts = actions.iter().filter_map(Action::call).map(|call| String::from_utf8(call.stdin.clone()).unwrap());
    let lines: Vec<String> = texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    lines.into_iter().filter(|line| line.starts_with("add ")).collect()
}

#[test]
fn nftables_in_pieces_reads_once_and_adds_the_same() {
    for version in [nftables::Version::V1_30, nftables::Version::V1_36, nftables::Version::V1_37] {
        let whole = Nftables { version, ..Nftables::default() };
        for (way, services, pieces) in [(Way::Pieces100, 250, 3), (Way::Pieces1000, 1001, 2), (Way::Pieces5000, 250, 1)]
        {
            let layout = Nftables { way, ..whole.clone() };
            let cluster = cluster(services);
            let (sync, all) = (layout.full_sync(&cluster), whole.full_sync(&cluster));
            // Both families have the fixed part, and Services are of IPv4.
            assert_eq!(sync.len(), all.len() + pieces - 1, "{way:?}");
            assert_eq!(added(&sync), added(&all), "{way:?}");
            assert_eq!(layout.installed(&cluster), whole.installed(&cluster));
        }
    }
}

#[test]
fn nftables_adds_the_same_in_several_transactions() {
    for version in [nftables::Version::V1_30, nftables::Version::V1_36, nftables::Version::V1_37] {
        let layout = Nftables { version, ..Nftables::default() };
        for (services, transactions) in [(0, 2), (1000, 2), (1001, 3), (3200, 5)] {
            let cluster = cluster(services);
            let quick = layout.quick_load(&cluster);
            assert_eq!(quick.len(), layout.prepare().len() + transactions);
            let measured = [layout.prepare(), layout.full_sync(&cluster)].concat();
            assert_eq!(added(&quick), added(&measured), "at {services} Services");
        }
    }
}
