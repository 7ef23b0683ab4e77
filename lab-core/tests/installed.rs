//! A layout's count of what is installed is that of the printed text, and that of arithmetic, at any size.

use lab_core::cluster::{AddressPlan, Cluster, Family, Port, ServicePort};
use lab_core::layout::{Action, Installed, Iptables, Ipvs, Layout, Nftables, iptables, nftables};
use lab_core::proxy_config::ProxyConfig;
use proptest::prelude::*;
use std::collections::HashSet;

/// Counts what was printed for `iptables` and `iptables-restore`, and for those of IPv6.
fn count_iptables(layout: &Iptables, cluster: &Cluster) -> Installed {
    let mut installed = Installed::default();
    let mut chains = HashSet::new();
    let actions = [layout.prepare(), layout.full_sync(cluster)].concat();
    for call in actions.iter().filter_map(Action::call) {
        let family = call.tool.name().starts_with("ip6");
        let operation = call.args.iter().position(|word| word.len() == 2 && "-N -I".contains(word.as_str()));
        match operation.map(|place| (&call.args[place], &call.args[place + 1], &call.args[place + 3])) {
            Some((word, chain, table)) if word == "-N" => _ = chains.insert((family, table.clone(), chain.clone())),
            Some(_) => installed.rules += 1,
            None => {}
        }
        if !call.tool.name().ends_with("-restore") {
            continue;
        }
        let mut table = "";
        for line in std::str::from_utf8(&call.stdin).unwrap().lines() {
            if let Some(name) = line.strip_prefix('*') {
                table = name;
            } else if let Some(chain) = line.strip_prefix(':') {
                chains.insert((family, table.to_owned(), chain.split_once(' ').unwrap().0.to_owned()));
            } else if line.starts_with("-A ") {
                installed.rules += 1;
            }
        }
    }
    installed.chains = chains.len() as u64;
    installed
}

/// The tables that the layouts of nftables mode set up.
const VERSIONS: [nftables::Version; 3] = [nftables::Version::V1_30, nftables::Version::V1_36, nftables::Version::V1_37];

fn nftables(version: nftables::Version) -> Nftables {
    Nftables { version, ..Nftables::default() }
}

/// Counts what was printed for `nft -f -`.
fn count_nftables(version: nftables::Version, cluster: &Cluster) -> Installed {
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

/// For each family 14 jumps, 3 rules in filter, 5 in nat, and 10 chains that are always there beside 3 canaries. For IPv4
/// also the kubelet's rule, a rule for each port without endpoints, and Σ(2 + 3E) rules and Σ(1 + E) chains over the ports
/// with E > 0 endpoints.
fn iptables_by_arithmetic(cluster: &Cluster) -> Installed {
    let [ports, reachable, endpoints, _] = sizes(cluster);
    Installed {
        rules: 2 * (14 + 3 + 5) + 1 + (ports - reachable) + 2 * reachable + 3 * endpoints,
        chains: 2 * (10 + 3) + reachable + endpoints,
        ..Installed::default()
    }
}

/// In each family 8 chains on hooks, 6 that they jump to, and `reject-chain`; 11 jumps and other rules; the node's address.
/// 1.30 has 1 + E chains and 2 + 2E rules for each port with E > 0 endpoints and `mark-for-masquerade`; later releases have
/// one chain with one rule. An element for each port and one for each cluster IP.
fn nftables_by_arithmetic(version: nftables::Version, cluster: &Cluster) -> Installed {
    let [ports, reachable, endpoints, cluster_ips] = sizes(cluster);
    let (fixed, chains, own_rules, own_chains) = match version {
        nftables::Version::V1_30 => (22 * 2, 16 * 2, 2 * reachable + 2 * endpoints, reachable + endpoints),
        _ => (21 * 2, 15 * 2, reachable, reachable),
    };
    Installed {
        rules: fixed + own_rules,
        chains: chains + own_chains,
        set_elements: 1 + ports + cluster_ips,
        ..Installed::default()
    }
}

/// A virtual server a port, with or without endpoints, and a real one an endpoint; two more rules with the first Service.
/// The IPv6 proxier has the fixed rules and chains, too.
fn ipvs_by_arithmetic(cluster: &Cluster) -> Installed {
    let [ports, _, endpoints, cluster_ips] = sizes(cluster);
    Installed {
        rules: 2 * (9 + 7 + 10) + if ports > 0 { 2 } else { 0 },
        chains: 2 * 11,
        set_elements: ports + cluster_ips,
        virtual_servers: ports,
        real_servers: endpoints,
        addresses: cluster_ips,
    }
}

#[test]
fn one_service_with_two_endpoints_has_kube_proxys_thirteen_nat_rules() {
    let cluster = Cluster::generate(1, &AddressPlan::new(2));
    let (jumps_and_filter, of_ipv6) = (14 + 4, 14 + 3 + 5);
    let expected = Installed { rules: jumps_and_filter + 13 + of_ipv6, chains: 13 + 3 + 13, ..Installed::default() };
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
        for version in [iptables::Version::V1_20, iptables::Version::V1_30, iptables::Version::V1_36] {
            let layout = Iptables::new(version, &ProxyConfig::default());
            prop_assert_eq!(layout.installed(&cluster), count_iptables(&layout, &cluster));
        }
        prop_assert_eq!(Iptables::default().installed(&cluster), iptables_by_arithmetic(&cluster));
        for version in VERSIONS {
            prop_assert_eq!(nftables(version).installed(&cluster), count_nftables(version, &cluster));
            prop_assert_eq!(nftables(version).installed(&cluster), nftables_by_arithmetic(version, &cluster));
        }
        prop_assert_eq!(Ipvs::default().installed(&cluster), ipvs_by_arithmetic(&cluster));
    }
}
