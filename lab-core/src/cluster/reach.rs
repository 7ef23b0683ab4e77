//! Which endpoints traffic to a Service's port may go to, from where (`CategorizeEndpoints` in kube-proxy's
//! `topology.go`).

use super::endpoint::{Endpoint, Use};
use super::family::Family;
use super::node::Node;
use super::port::ServicePort;
use super::service::{IpMode, TrafficPolicy};

/// How a release chooses among endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Terminating endpoints that still serve take over when none is ready (1.22 and later).
    pub terminating: bool,
    /// The internal traffic policy is followed (1.22 and later).
    pub internal_policy: bool,
    /// Which hints of endpoint slices are followed.
    pub hints: Hints,
}

/// Which hints a release follows: where an endpoint's traffic should come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hints {
    /// None (before 1.21).
    None,
    /// Those about zones, of Services that ask for it by annotation (1.21 to 1.30).
    Annotated,
    /// Those about nodes, else those about zones (later).
    All,
}

impl Choice {
    /// Of 1.20: ready endpoints only.
    pub const V1_20: Self = Self { terminating: false, internal_policy: false, hints: Hints::None };
    /// Of 1.30.
    pub const V1_30: Self = Self { terminating: true, internal_policy: true, hints: Hints::Annotated };
    /// Of 1.36 and later.
    pub const V1_36: Self = Self { terminating: true, internal_policy: true, hints: Hints::All };
}

/// The endpoints behind a Service's port, by who may use them. Each list is in the order of picking.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach<'a> {
    /// Those for traffic with policy `Cluster`; empty if no traffic has it.
    pub cluster: Vec<&'a Endpoint>,
    /// Those on this node, for traffic with policy `Local`; empty if no traffic has it.
    pub local: Vec<&'a Endpoint>,
    /// Those that any traffic on this node may reach: what needs a chain of its own.
    pub all: Vec<&'a Endpoint>,
    /// Whether there is a usable endpoint anywhere: without one, traffic is rejected; with one elsewhere, traffic with
    /// policy `Local` is dropped.
    pub has_any: bool,
}

impl<'a> ServicePort<'a> {
    /// Its node port. A Service of type `ClusterIP` has none.
    #[must_use]
    pub fn node_port(self) -> Option<u16> {
        self.port.node_port.filter(|&port| port != 0)
    }

    /// The addresses of its load balancer in its family, for which the node answers.
    pub fn balancer_addresses(self) -> impl Iterator<Item = std::net::IpAddr> + Clone + 'a {
        let family = self.family();
        let vip = self.service.ingress.iter().filter(|ingress| ingress.mode == IpMode::Vip);
        vip.map(|ingress| ingress.address).filter(move |&address| Family::of(address) == family)
    }

    /// Its external IPs of its family.
    pub fn external_ips(self) -> impl Iterator<Item = std::net::IpAddr> + Clone + 'a {
        let family = self.family();
        self.service.external_ips.iter().copied().filter(move |&address| Family::of(address) == family)
    }

    /// Whether traffic from outside the cluster can reach it (`ExternallyAccessible`).
    #[must_use]
    pub fn is_external(self) -> bool {
        self.node_port().is_some() || self.balancer_addresses().next().is_some() || self.external_ips().next().is_some()
    }

    /// Whether traffic to its cluster IP stays on the node.
    #[must_use]
    pub fn is_internal_local(self, choice: Choice) -> bool {
        choice.internal_policy && self.service.internal_policy == TrafficPolicy::Local
    }

    /// Whether traffic from outside stays on the node where it arrives (`ExternalPolicyLocal`).
    #[must_use]
    pub fn is_external_local(self) -> bool {
        self.service.external_policy == TrafficPolicy::Local
    }

    /// Whether any traffic may go to endpoints of all nodes (`UsesClusterEndpoints`).
    #[must_use]
    pub fn uses_cluster_endpoints(self, choice: Choice) -> bool {
        !self.is_internal_local(choice) || (!self.is_external_local() && self.is_external())
    }

    /// Whether any traffic must stay on its node (`UsesLocalEndpoints`).
    #[must_use]
    pub fn uses_local_endpoints(self, choice: Choice) -> bool {
        self.is_internal_local(choice) || (self.is_external_local() && self.is_external())
    }

    /// Its endpoints, by who may use them on `node`.
    #[must_use]
    pub fn reach(self, node: &Node, choice: Choice) -> Reach<'a> {
        let family = self.family();
        let of_family = |endpoint: &&'a Endpoint| Family::of(endpoint.address) == family;
        let usage = |endpoint: &Endpoint| match endpoint.usage() {
            Use::Fallback if !choice.terminating => Use::Unused,
            usage => usage,
        };
        let known: Vec<&'a Endpoint> = self.port.endpoints.iter().filter(of_family).collect();
        let those = |wanted: Use| known.iter().copied().filter(move |endpoint| usage(endpoint) == wanted);
        let any = |wanted: Use| those(wanted).next().is_some();
        let mut reach = Reach { has_any: any(Use::Ready) || any(Use::Fallback), ..Reach::default() };
        let mut near = None;
        if self.uses_cluster_endpoints(choice) {
            let ready: Vec<&Endpoint> = those(Use::Ready).collect();
            near = self.hinted(&ready, node, choice.hints);
            let chosen = match near {
                Some(by) => ready.into_iter().filter(|endpoint| by(endpoint, node)).collect(),
                None => ready,
            };
            reach.cluster = if chosen.is_empty() { those(Use::Fallback).collect() } else { chosen };
        }
        if !self.uses_local_endpoints(choice) {
            reach.all.clone_from(&reach.cluster);
            return reach;
        }
        let local = |wanted: Use| those(wanted).filter(|endpoint| endpoint.is_on(node));
        reach.local = local(Use::Ready).collect();
        let terminating = reach.local.is_empty();
        if terminating {
            reach.local = local(Use::Fallback).collect();
        }
        let terminating = terminating && !reach.local.is_empty();
        reach.all = if !self.uses_cluster_endpoints(choice) {
            reach.local.clone()
        } else if near.is_none() && !terminating {
            reach.cluster.clone()
        } else {
            let in_either = |endpoint: &&Endpoint| {
                let is = |other: &&Endpoint| std::ptr::eq(*other, *endpoint);
                reach.cluster.iter().any(is) || reach.local.iter().any(is)
            };
            known.iter().copied().filter(in_either).collect()
        };
        reach
    }

    /// How hints choose among the `ready` endpoints; `None` if they do not (`topologyModeFromHints`; before 1.31
    /// `canUseTopology`).
    fn hinted(self, ready: &[&Endpoint], node: &Node, hints: Hints) -> Option<fn(&Endpoint, &Node) -> bool> {
        let for_node = |endpoint: &Endpoint, node: &Node| endpoint.hints(|place| &place.for_nodes).contains(&node.name);
        let for_zone = |endpoint: &Endpoint, node: &Node| endpoint.hints(|place| &place.for_zones).contains(&node.zone);
        let usable = |by: fn(&Endpoint, &Node) -> bool, has: fn(&Endpoint) -> bool| {
            let all_have = !ready.is_empty() && ready.iter().all(|endpoint| has(endpoint));
            (all_have && ready.iter().any(|endpoint| by(endpoint, node))).then_some(by)
        };
        let has_node = |endpoint: &Endpoint| !endpoint.hints(|place| &place.for_nodes).is_empty();
        let has_zone = |endpoint: &Endpoint| !endpoint.hints(|place| &place.for_zones).is_empty();
        let by_zone = || if node.zone.is_empty() { None } else { usable(for_zone, has_zone) };
        match hints {
            Hints::None => None,
            Hints::Annotated => by_zone().filter(|_| self.service.topology_aware),
            Hints::All => usable(for_node, has_node).or_else(by_zone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Place, Port, Service};
    use super::*;
    use std::sync::Arc;

    fn node() -> Node {
        Node { name: "node-a".to_owned(), zone: "z1".to_owned(), ..Node::default() }
    }

    fn endpoint(address: &str, on: &str, usage: Use) -> Endpoint {
        let mut endpoint = Endpoint::ready(format!("{address}:80").parse().unwrap());
        endpoint.place = Some(Arc::new(Place { node: on.to_owned(), ..Place::default() }));
        endpoint.conditions.ready = usage == Use::Ready;
        endpoint.conditions.terminating = usage == Use::Fallback;
        endpoint
    }

    fn service(external: TrafficPolicy, endpoints: Vec<Endpoint>) -> Service {
        Service {
            cluster_ips: [[10, 96, 0, 11].into()].into_iter().collect(),
            external_policy: external,
            ports: vec![Port { node_port: Some(30080), endpoints, ..Port::default() }],
            ..Service::default()
        }
    }

    /// The last numbers of the addresses in each list.
    fn reached(service: &Service, choice: Choice) -> ([Vec<u8>; 3], bool) {
        let reach = service.ports_of(Family::V4).next().unwrap().reach(&node(), choice);
        let last = |endpoints: &[&Endpoint]| {
            let octets = endpoints.iter().map(|endpoint| match endpoint.address {
                std::net::IpAddr::V4(address) => address.octets()[3],
                std::net::IpAddr::V6(_) => unreachable!("all are IPv4"),
            });
            octets.collect::<Vec<u8>>()
        };
        ([last(&reach.cluster), last(&reach.local), last(&reach.all)], reach.has_any)
    }

    #[test]
    fn local_traffic_goes_to_local_endpoints_and_the_rest_anywhere() {
        let endpoints = vec![endpoint("10.0.0.1", "node-a", Use::Ready), endpoint("10.0.0.2", "node-b", Use::Ready)];
        let local = service(TrafficPolicy::Local, endpoints.clone());
        assert_eq!(reached(&local, Choice::V1_36), ([vec![1, 2], vec![1], vec![1, 2]], true));
        let cluster = service(TrafficPolicy::Cluster, endpoints);
        assert_eq!(reached(&cluster, Choice::V1_36), ([vec![1, 2], vec![], vec![1, 2]], true));
    }

    #[test]
    fn a_terminating_local_endpoint_serves_local_traffic_only_while_others_are_ready() {
        let endpoints = vec![endpoint("10.0.0.1", "node-a", Use::Fallback), endpoint("10.0.0.2", "node-b", Use::Ready)];
        let local = service(TrafficPolicy::Local, endpoints);
        assert_eq!(reached(&local, Choice::V1_36), ([vec![2], vec![1], vec![1, 2]], true));
        // 1.20 knows only ready ones.
        assert_eq!(reached(&local, Choice::V1_20), ([vec![2], vec![], vec![2]], true));
    }

    #[test]
    fn hints_count_when_every_ready_endpoint_has_them_and_one_is_for_here() {
        let zoned = |address: &str, zone: &str| {
            let mut endpoint = endpoint(address, "node-b", Use::Ready);
            let place = Arc::make_mut(endpoint.place.as_mut().unwrap());
            place.for_zones.push(zone.to_owned());
            endpoint
        };
        let mut hinted = service(TrafficPolicy::Cluster, vec![zoned("10.0.0.1", "z1"), zoned("10.0.0.2", "z2")]);
        assert_eq!(reached(&hinted, Choice::V1_36).0[0], [1]);
        // Before, the Service had to ask for it.
        assert_eq!(reached(&hinted, Choice::V1_30).0[0], [1, 2]);
        hinted.topology_aware = true;
        assert_eq!(reached(&hinted, Choice::V1_30).0[0], [1]);
        hinted.ports[0].endpoints.push(endpoint("10.0.0.3", "node-b", Use::Ready));
        assert_eq!(reached(&hinted, Choice::V1_36).0[0], [1, 2, 3]);
    }

    #[test]
    fn without_any_usable_endpoint_nothing_is_reached() {
        let none = service(TrafficPolicy::Local, vec![endpoint("10.0.0.1", "node-a", Use::Unused)]);
        assert_eq!(reached(&none, Choice::V1_36), ([vec![], vec![], vec![]], false));
    }
}
