//! Where a port of a Service is dialled, by access, and which endpoints may answer.

use super::endpoint::Endpoint;
use super::family::Family;
use super::node::Node;
use super::port::ServicePort;
use super::reach::Choice;
use super::service::Protocol;
use super::{
    CLIENT_ADDRESS, CLIENT_ADDRESS_V6, Cluster, OUTSIDE_ADDRESS, OUTSIDE_ADDRESS_V6, OUTSIDE_GATEWAY,
    OUTSIDE_GATEWAY_V6,
};
use crate::vocabulary::{Access, BackendName, LayoutName, Origin};
use std::net::{IpAddr, SocketAddr};

impl Origin {
    /// The address that the lab dials from.
    #[must_use]
    pub fn address(self, family: Family) -> IpAddr {
        match (self, family) {
            (Self::Pod, Family::V4) => CLIENT_ADDRESS.into(),
            (Self::Pod, Family::V6) => CLIENT_ADDRESS_V6.into(),
            (Self::Node, Family::V4) => OUTSIDE_GATEWAY.into(),
            (Self::Node, Family::V6) => OUTSIDE_GATEWAY_V6.into(),
            (Self::Outside, Family::V4) => OUTSIDE_ADDRESS.into(),
            (Self::Outside, Family::V6) => OUTSIDE_ADDRESS_V6.into(),
        }
    }
}

impl Choice {
    /// How the release behind `layout` chooses.
    #[must_use]
    pub fn of(layout: LayoutName) -> Self {
        match layout {
            LayoutName::KubeProxy120 => Self::V1_20,
            LayoutName::KubeProxy130 | LayoutName::KubeProxy130PartialSync => Self::V1_30,
            LayoutName::None | LayoutName::KubeProxy136 | LayoutName::KubeProxy137 => Self::V1_36,
        }
    }
}

impl<'a> ServicePort<'a> {
    /// Where it is dialled by `access` on `node`; `None` where it is not to be reached so.
    #[must_use]
    pub fn address_by(self, access: Access, node: &Node) -> Option<SocketAddr> {
        let number = self.port.number;
        match access {
            Access::ClusterIp => Some(self.socket()),
            Access::NodePort => Some(SocketAddr::new(node.address(self.family())?, self.node_port()?)),
            Access::LoadBalancer => Some(SocketAddr::new(self.balancer_addresses().next()?, number)),
            Access::ExternalIp => Some(SocketAddr::new(self.external_ips().next()?, number)),
        }
    }

    /// Whether its load balancer accepts connections from `source`.
    #[must_use]
    pub fn accepts(self, source: IpAddr) -> bool {
        let mut ranges = self.service.source_ranges.iter().filter(|range| Family::of(range.addr()) == self.family());
        self.service.source_ranges.is_empty() || ranges.any(|range| range.contains(&source))
    }

    /// The endpoints that may answer a connection by `access` from `origin` on `node`.
    ///
    /// With external traffic policy `Local`, what comes from outside stays on its node. The iptables and nftables modes
    /// lead pods and the node itself to all endpoints; ipvs has one virtual server for all.
    #[must_use]
    pub fn answering(
        self,
        access: Access,
        origin: Origin,
        node: &Node,
        (backend, layout): (BackendName, LayoutName),
    ) -> Vec<&'a Endpoint> {
        let choice = Choice::of(layout);
        let inside = origin != Origin::Outside && backend != BackendName::Ipvs;
        let local = match access {
            Access::ClusterIp => self.is_internal_local(choice),
            _ => self.is_external_local() && !inside,
        };
        let reach = self.reach(node, choice);
        let nowhere = match (backend, layout) {
            // 1.20 leaves out what the node itself sends to an external IP, unless the address is its own.
            (BackendName::IptablesLegacy | BackendName::IptablesNft, LayoutName::KubeProxy120) => {
                (access, origin) == (Access::ExternalIp, Origin::Node)
                    && !node.addresses.iter().any(|own| self.external_ips().any(|ip| ip == *own))
            }
            // 1.30's check for endpoints comes before the node's own packets are led to any.
            (BackendName::Nftables, LayoutName::KubeProxy130 | LayoutName::KubeProxy130PartialSync) => {
                origin == Origin::Node
                    && matches!(access, Access::LoadBalancer | Access::ExternalIp)
                    && self.is_external_local()
                    && reach.local.is_empty()
            }
            _ => false,
        };
        if nowhere {
            return Vec::new();
        }
        // From 1.21 on, ipvs mode leads to all endpoints where none is local (kubernetes/kubernetes#97081).
        let falls_back = backend == BackendName::Ipvs && layout != LayoutName::KubeProxy120 && reach.local.is_empty();
        if local && !falls_back { reach.local } else { reach.cluster }
    }
}

impl Cluster {
    /// The TCP ports that `access` from `origin` reaches, in the cluster's order: those with endpoints, or all if none has
    /// any.
    #[must_use]
    pub fn ports_by(&self, access: Access, origin: Origin, family: Family) -> Vec<ServicePort<'_>> {
        let source = origin.address(family);
        let reached = |port: &ServicePort<'_>| {
            let refused = access == Access::LoadBalancer && !port.accepts(source);
            port.protocol() == Protocol::Tcp && port.address_by(access, &self.node).is_some() && !refused
        };
        let mut ports: Vec<ServicePort<'_>> = self.ports(family).filter(reached).collect();
        if ports.iter().any(|port| port.has_endpoints()) {
            ports.retain(|port| port.has_endpoints());
        }
        ports
    }
}

#[cfg(test)]
mod tests {
    use super::super::AddressPlan;
    use super::*;
    use crate::vocabulary::{Mix, Position, Word};

    #[test]
    fn a_mixed_cluster_has_a_service_for_every_access_and_origin() {
        let cluster = Cluster::generate(40, &AddressPlan::new(2).of(Mix::Mixed));
        for (&access, &origin) in Access::ALL.iter().flat_map(|a| Origin::ALL.iter().map(move |o| (a, o))) {
            let port = *Position::Last.among(&cluster.ports_by(access, origin, Family::V4)).expect("a port");
            assert!(port.has_endpoints(), "{access} {origin}");
        }
        // The eighth has source ranges, which leave pods out.
        let cluster = Cluster::generate(8, &AddressPlan::new(2).of(Mix::Mixed));
        let balanced =
            |origin| *Position::Last.among(&cluster.ports_by(Access::LoadBalancer, origin, Family::V4)).unwrap();
        assert_eq!(balanced(Origin::Pod).name(), "svc-00007");
        assert_eq!(balanced(Origin::Outside).name(), "svc-00008");
    }

    #[test]
    fn local_policy_counts_for_who_comes_from_outside() {
        let cluster = Cluster::generate(20, &AddressPlan::new(2).of(Mix::Mixed));
        let port = cluster.services[10].ports_of(Family::V4).next().unwrap();
        let answering = |access, origin, backend| {
            port.answering(access, origin, &cluster.node, (backend, LayoutName::KubeProxy130)).len()
        };
        assert_eq!(answering(Access::NodePort, Origin::Outside, BackendName::Nftables), 1);
        assert_eq!(answering(Access::NodePort, Origin::Pod, BackendName::Nftables), 2);
        assert_eq!(answering(Access::NodePort, Origin::Pod, BackendName::Ipvs), 1);
        assert_eq!(answering(Access::ClusterIp, Origin::Pod, BackendName::Ipvs), 2);
    }
}
