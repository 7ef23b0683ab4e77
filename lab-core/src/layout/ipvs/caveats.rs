//! What of a cluster does not get into a node, and what kube-proxy does with it.

use super::set::{Entry, MOST_ENTRIES, Set};
use super::wanted::{Wanted, node_port_addresses};
use super::{Ipvs, Version};
use crate::cluster::{Cluster, Family, IpMode, Service, TrafficPolicy};
use crate::layout::caveat::object_of;
use crate::layout::{Caveat, Severity};

/// What becomes of a virtual server that two Services want.
const TAKEN: (Severity, &str) = (Severity::LeftOut, "kube-proxy gives it to the one that it comes to last");

/// By set, then by Service.
pub(super) fn caveats(layout: &Ipvs, cluster: &Cluster) -> Vec<Caveat> {
    let mut found = Vec::new();
    for &family in layout.version.families() {
        full_sets(layout, cluster, family, &mut found);
        let nodes = node_port_addresses(layout, &cluster.node, family);
        found.extend(Caveat::of_shared(cluster, family, &nodes, TAKEN));
    }
    for service in cluster.services.iter().filter(|service| !service.is_skipped()) {
        let mut said = Vec::new();
        if layout.version == Version::V1_20 {
            unknown_to_1_20(service, &mut said);
        }
        limits(layout, cluster, service, &mut said);
        found.extend(said.into_iter().map(|what| left_out(object_of(service), what)));
    }
    found
}

fn left_out(object: String, what: String) -> Caveat {
    Caveat { severity: Severity::LeftOut, object, what }
}

/// Sets with more entries than they take.
fn full_sets(layout: &Ipvs, cluster: &Cluster, family: Family, found: &mut Vec<Caveat>) {
    let wanted = Wanted::of(layout, cluster, family);
    for &set in layout.version.sets().iter().filter(|set| set.is_limited()) {
        let entries = wanted.entries(set).iter().filter(|entry| Entry::can_be_stored(entry)).count();
        if let Some(more) = entries.checked_sub(MOST_ENTRIES).filter(|&more| more > 0) {
            let effect = effect(layout.version, set);
            let what = format!(
                "{entries} entries, of which {MOST_ENTRIES} fit (its maxelem); kube-proxy logs an error for each of the \
                 other {more}, at every sync, and goes on: {effect}"
            );
            found.push(left_out(format!("set {}", set.name(family)), what));
        }
    }
}

/// What it means that an entry is not in `set`.
fn effect(version: Version, set: Set) -> &'static str {
    match set {
        Set::LoopBack => "through their Services, those endpoints cannot reach themselves",
        Set::ClusterIp | Set::ExternalIp | Set::ExternalIpLocal | Set::LoadBalancer if version == Version::V1_30 => {
            "new connections to those ports are rejected (KUBE-IPVS-FILTER)"
        }
        Set::ClusterIp | Set::ExternalIp | Set::ExternalIpLocal | Set::LoadBalancer => {
            "traffic to those ports is not masqueraded"
        }
        Set::LoadBalancerFw => "the source ranges of those ports are not enforced",
        Set::LoadBalancerLocal | Set::NodePortLocalSctp => {
            "traffic to those ports is masqueraded, though it should keep the client's address"
        }
        Set::LoadBalancerSourceIp | Set::LoadBalancerSourceCidr => "traffic from those sources is dropped",
        Set::IpvsIps => "the node's own ports can be reached at those addresses",
        Set::NodePortSctp
        | Set::NodePortTcp
        | Set::NodePortLocalTcp
        | Set::NodePortUdp
        | Set::NodePortLocalUdp
        | Set::HealthCheckNodePort => "traffic to those node ports is not masqueraded",
    }
}

/// What 1.20 does not know.
fn unknown_to_1_20(service: &Service, said: &mut Vec<String>) {
    if service.cluster_ips.v6.is_some() {
        said.push("its IPv6 side: 1.20 programs one family, without the feature gate IPv6DualStack".to_owned());
    }
    if service.internal_policy == TrafficPolicy::Local {
        said.push("internalTrafficPolicy Local: 1.20 takes it for Cluster".to_owned());
    }
    if service.ingress.iter().any(|ingress| ingress.mode == IpMode::Proxy) {
        said.push("ipMode Proxy: 1.20 takes it for VIP, and answers for the address".to_owned());
    }
    if service.topology_aware {
        said.push("topology aware routing: 1.20 sends to the endpoints of all zones".to_owned());
    }
}

/// What does not get in, of a single Service.
fn limits(layout: &Ipvs, cluster: &Cluster, service: &Service, said: &mut Vec<String>) {
    let published = service.ingress.iter().any(|ingress| ingress.mode == IpMode::Vip);
    for range in service.source_ranges.iter().filter(|range| published && range.prefix_len() == 0) {
        let set = Set::LoadBalancerSourceCidr.name(Family::of(range.addr()));
        said.push(format!(
            "source range {range}: {set} has no room for a network of every address; kube-proxy logs an error at every \
             sync, and drops what comes to the load balancer from outside the other ranges"
        ));
    }
    for &family in layout.version.families() {
        let has_node_port = service.ports_of(family).any(|port| port.node_port().is_some());
        if has_node_port && node_port_addresses(layout, &cluster.node, family).is_empty() {
            let family = if family == Family::V4 { "IPv4" } else { "IPv6" };
            said.push(format!("its {family} node ports: the node has no {family} address for them"));
        }
    }
}
