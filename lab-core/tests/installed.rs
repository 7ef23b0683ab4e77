//! A layout's count of what is installed is that of the printed text, and that of arithmetic, at any size.

use lab_core::cluster::{AddressPlan, Cluster, Family, Port, ServicePort};
use lab_core::layout::nftables::Version;
use lab_core::layout::{Action, Installed, Iptables, Ipvs, Layout, Nftables};
use proptest::prelude::*;
use std::collections::HashSet;

/// Counts what was printed for `iptables` and `iptables-restore`.
fn count_iptables(cluster: &Cluster) -> Installed {
    let layout = Iptables::default();
    let mut installed = Installed::default();
    let mut chains = HashSet::new();
    for call in layout.prepare().iter().filter_map(Action::call) {
        match call.args[4].as_str() {
            "-N" => assert!(chains.insert((call.args[7].clone(), call.args[5].clone()))),
            "-I" => installed.rules += 1,
            other => panic!("{other}"),
        }
    }
    let mut table = "";
    let text = String::from_utf8(text(layout.full_sync(cluster))).unwrap();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
        } else if let Some(chain) = line.strip_prefix(':') {
            chains.insert((table.to_owned(), chain.split_once(' ').unwrap().0.to_owned()));
        } else if line.starts_with("-A ") {
            installed.rules += 1;
        }
    }
    installed.chains = chains.len() as u64;
    installed
}

/// The input of a sync's only call.
fn text(actions: Vec<Action>) -> Vec<u8> {
    let [Action::Call(_, call)] = &actions[..] else { panic!("a sync of one call") };
    call.stdin.clone()
}

/// The tables that the layouts of nftables mode set up.
const VERSIONS: [Version; 3] = [Version::V1_30, Version::V1_36, Version::V1_37];

fn nftables(version: Version) -> Nftables {
    Nftables { version, ..Nftables::default() }
}

/// Counts what was printed for `nft -f -`.
fn count_nftables(version: Version, cluster: &Cluster) -> Installed {
    let actions = nftables(version).full_sync(cluster);
    let texts = actions.iter().filter_map(Action::call).map(|call| String::from_utf8(call.stdin.clone()).unwrap());
    let text: String = texts.collect();
    let (mut chains, mut elements, mut rules) = (HashSet::new(), HashSet::new(), 0);
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..2] {
            ["add", "chain"] => _ = chains.insert((words[2], words[4])),
            // A Service with two ports adds its address twice.
            ["add", "element"] => assert!(elements.insert(line) || words[4] == "cluster-ips", "{line} twice"),
            ["add", "rule"] => rules += 1,
            _ => {}
        }
    }
    Installed { rules, chains: chains.len() as u64, set_elements: elements.len() as u64, ..Installed::default() }
}

/// Ports, those of them that have endpoints, all endpoints, and cluster IPs.
fn sizes(cluster: &Cluster) -> [u64; 4] {
    let ports = || cluster.ports(Family::V4);
    let reachable = ports().filter(|port| port.has_endpoints()).count();
    let cluster_ips: HashSet<_> = ports().map(ServicePort::cluster_ip).collect();
    [ports().count(), reachable, cluster.endpoint_count(Family::V4), cluster_ips.len()].map(|count| count as u64)
}

/// 14 jumps; in filter 4 rules and one for each port without endpoints; in nat 5 + Σ(2 + 3E) over the ports with E > 0
/// endpoints. 10 chains that are always there, 3 canaries, 1 + E for each such port.
fn iptables_by_arithmetic(cluster: &Cluster) -> Installed {
    let [ports, reachable, endpoints, _] = sizes(cluster);
    Installed {
        rules: 14 + 4 + (ports - reachable) + 5 + 2 * reachable + 3 * endpoints,
        chains: 10 + 3 + reachable + endpoints,
        ..Installed::default()
    }
}

/// In each family 8 chains on hooks, 6 that they jump to, and `reject-chain`; 11 jumps and other rules; the node's address.
/// 1.30 has 1 + E chains and 2 + 2E rules for each port with E > 0 endpoints and `mark-for-masquerade`; later releases have
/// one chain with one rule. An element for each port and one for each cluster IP.
fn nftables_by_arithmetic(version: Version, cluster: &Cluster) -> Installed {
    let [ports, reachable, endpoints, cluster_ips] = sizes(cluster);
    let (fixed, chains, own_rules, own_chains) = match version {
        Version::V1_30 => (22 * 2, 16 * 2, 2 * reachable + 2 * endpoints, reachable + endpoints),
        _ => (21 + 20, 15 * 2, reachable, reachable),
    };
    Installed {
        rules: fixed + own_rules,
        chains: chains + own_chains,
        set_elements: 1 + ports + cluster_ips,
        ..Installed::default()
    }
}

/// A virtual server a port, with or without endpoints, and a real one an endpoint; two more rules with the first Service.
fn ipvs_by_arithmetic(cluster: &Cluster) -> Installed {
    let [ports, _, endpoints, cluster_ips] = sizes(cluster);
    Installed {
        rules: 9 + 7 + 10 + if ports > 0 { 2 } else { 0 },
        chains: 11,
        set_elements: ports + cluster_ips,
        virtual_servers: ports,
        real_servers: endpoints,
        addresses: cluster_ips,
    }
}

#[test]
fn one_service_with_two_endpoints_has_kube_proxys_thirteen_nat_rules() {
    let cluster = Cluster::generate(1, &AddressPlan::new(2));
    let jumps_and_filter = 14 + 4;
    let expected = Installed { rules: jumps_and_filter + 13, chains: 13 + 3, ..Installed::default() };
    assert_eq!(Iptables::default().installed(&cluster), expected);
}

proptest! {
    #[test]
    fn installed_is_what_counting_the_text_gives(
        services in 0u32..120,
        endpoints in 0u32..6,
        without in proptest::collection::vec(any::<proptest::sample::Index>(), 0..4),
        second_ports in 0usize..3,
    ) {
        let mut cluster = Cluster::generate(services, &AddressPlan::new(endpoints));
        for index in without {
            if services > 0 {
                let place = index.index(cluster.services.len());
                cluster.service_mut(place).ports[0].endpoints.clear();
            }
        }
        for place in 0..second_ports.min(cluster.services.len()) {
            let service = cluster.service_mut(place);
            let first = &service.ports[0];
            service.ports.push(Port { name: "https".to_owned(), number: 443, ..first.clone() });
        }
        prop_assert_eq!(Iptables::default().installed(&cluster), count_iptables(&cluster));
        prop_assert_eq!(Iptables::default().installed(&cluster), iptables_by_arithmetic(&cluster));
        for version in VERSIONS {
            prop_assert_eq!(nftables(version).installed(&cluster), count_nftables(version, &cluster));
            prop_assert_eq!(nftables(version).installed(&cluster), nftables_by_arithmetic(version, &cluster));
        }
        prop_assert_eq!(Ipvs::default().installed(&cluster), ipvs_by_arithmetic(&cluster));
    }
}
