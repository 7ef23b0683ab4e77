//! What each Service of a generated cluster is like.

use super::address::{AddressPlan, NODE_PORTS, PERIOD};
use super::endpoint::{Conditions, Endpoint, Place, in_picking_order};
use super::node::Node;
use super::service::{Ingress, IpMode, Port, Protocol, Service, ServiceType, TrafficPolicy};
use super::{ENDPOINT_PORT, SERVICE_PORT};
use crate::vocabulary::Mix;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The API's default time of session affinity.
pub(super) const AFFINITY: Duration = Duration::from_secs(10_800);
/// The networks of source ranges: the lab's outside is in the first.
pub(super) const SOURCE_RANGES: [&str; 2] = ["192.0.2.0/24", "203.0.113.0/24"];

impl Service {
    /// Service `index` of a generated cluster.
    pub(super) fn generate(index: u32, plan: &AddressPlan) -> Self {
        let service = Self::plain(index, plan);
        match plan.mix {
            Mix::Uniform => service,
            Mix::NodePort => service.on_node_port(plan.node_port(index)),
            Mix::LoadBalancer => service.on_node_port(plan.node_port(index)).balanced(index, plan),
            Mix::ExternalIp => service.on_external_ip(index, plan),
            Mix::Mixed => service.mixed(index, plan),
        }
    }

    /// One TCP port on an IPv4 cluster IP.
    fn plain(index: u32, plan: &AddressPlan) -> Self {
        Self {
            namespace: "default".to_owned(),
            name: format!("svc-{:05}", index + 1),
            cluster_ips: [plan.cluster_ip(index).into()].into_iter().collect(),
            ports: vec![port("http", Protocol::Tcp, SERVICE_PORT, ENDPOINT_PORT, index, plan)],
            ..Self::default()
        }
    }

    fn on_node_port(mut self, number: u16) -> Self {
        self.kind = ServiceType::NodePort;
        self.ports[0].node_port = Some(number);
        self
    }

    /// Behind a load balancer. The Service is on a node port already.
    fn balanced(mut self, index: u32, plan: &AddressPlan) -> Self {
        self.kind = ServiceType::LoadBalancer;
        self.ingress.push(Ingress { address: plan.balancer_address(index).into(), mode: IpMode::Vip });
        self
    }

    fn on_external_ip(mut self, index: u32, plan: &AddressPlan) -> Self {
        self.external_ips.push(plan.external_ip(index).into());
        self
    }

    /// With external traffic policy `Local`. The first endpoints run on the lab's node, the others on another one.
    fn local(mut self) -> Self {
        self.external_policy = TrafficPolicy::Local;
        let place = |node: String| Some(Arc::new(Place { node, ..Place::default() }));
        let (here, elsewhere) = (place(Node::default().name), place("node-b".to_owned()));
        for port in &mut self.ports {
            let half = port.endpoints.len().div_ceil(2);
            for (number, endpoint) in port.endpoints.iter_mut().enumerate() {
                endpoint.place = if number < half { here.clone() } else { elsewhere.clone() };
            }
        }
        self
    }

    /// With both families. Behind a load balancer already, also on an IPv6 address of it.
    fn dual_stack(mut self, index: u32, plan: &AddressPlan) -> Self {
        self.cluster_ips.v6 = Some(plan.cluster_ip_v6(index));
        if !self.ingress.is_empty() {
            self.ingress.push(Ingress { address: plan.balancer_address_v6(index).into(), mode: IpMode::Vip });
        }
        for port in &mut self.ports {
            let number = port.endpoints.first().map_or(ENDPOINT_PORT, |endpoint| endpoint.port);
            let address = |place| SocketAddr::new(plan.endpoint_v6(index, place).into(), number);
            port.endpoints.extend((0..plan.endpoints).map(|place| Endpoint::ready(address(place))));
            port.endpoints = in_picking_order(std::mem::take(&mut port.endpoints));
        }
        self
    }

    /// A Service of many kinds: 8 of 20 are plain.
    fn mixed(mut self, index: u32, plan: &AddressPlan) -> Self {
        let (period, kind) = (index / PERIOD, index % PERIOD);
        let node_port = |place| plan.node_port(period * NODE_PORTS + place);
        match kind {
            3 => {
                self.ports.push(port("https", Protocol::Tcp, 443, 8443, index, plan));
                self
            }
            5 => self.on_node_port(node_port(0)),
            6 => self.on_node_port(node_port(1)).balanced(index, plan),
            7 => {
                self.source_ranges = SOURCE_RANGES.iter().map(|range| range.parse().expect("a network")).collect();
                self.on_node_port(node_port(2)).balanced(index, plan)
            }
            9 => self.on_external_ip(index, plan),
            10 => {
                self.health_check_node_port = Some(node_port(4));
                self.on_node_port(node_port(3)).balanced(index, plan).local()
            }
            11 => self.on_node_port(node_port(5)).local(),
            13 => {
                self.affinity = Some(AFFINITY);
                self
            }
            14 => {
                // As cluster DNS.
                self.ports = vec![
                    port("dns", Protocol::Udp, 53, 5353, index, plan),
                    port("dns-tcp", Protocol::Tcp, 53, 5353, index, plan),
                ];
                self
            }
            15 => {
                self.ports[0].endpoints.clear();
                self
            }
            17 => {
                // One is going; in every other such Service all are, so that they are used.
                let going = Conditions { ready: false, serving: true, terminating: true };
                let count = if period % 2 == 0 { 1 } else { plan.endpoints as usize };
                self.ports[0].endpoints.iter_mut().take(count).for_each(|endpoint| endpoint.conditions = going);
                self
            }
            18 => self.dual_stack(index, plan),
            19 => self.on_node_port(node_port(6)).balanced(index, plan).dual_stack(index, plan),
            _ => self,
        }
    }
}

/// A port with every endpoint of Service `index`.
fn port(name: &str, protocol: Protocol, number: u16, target: u16, index: u32, plan: &AddressPlan) -> Port {
    let endpoint = |place| SocketAddr::new((*plan.endpoint(index, place).ip()).into(), target);
    let endpoints = in_picking_order((0..plan.endpoints).map(|place| Endpoint::ready(endpoint(place))).collect());
    Port { name: name.to_owned(), protocol, number, node_port: None, endpoints }
}

#[cfg(test)]
mod tests {
    use super::super::{Cluster, Family};
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_mixed_cluster_has_every_kind_and_no_address_or_node_port_twice() {
        let plan = AddressPlan::new(3).of(Mix::Mixed);
        let cluster = Cluster::generate(1_000, &plan);
        let services = || cluster.services.iter();
        let ports = || services().flat_map(|service| &service.ports);
        for (kind, count) in
            [(ServiceType::ClusterIp, 700), (ServiceType::NodePort, 100), (ServiceType::LoadBalancer, 200)]
        {
            assert_eq!(services().filter(|service| service.kind == kind).count(), count, "{kind:?}");
        }
        assert!(services().any(|service| service.affinity.is_some()));
        assert!(ports().any(|port| port.endpoints.is_empty()) && ports().any(|port| port.protocol == Protocol::Udp));
        assert_eq!(cluster.ports(Family::V6).count(), 100);
        let mut node_ports: Vec<u16> = ports().filter_map(|port| port.node_port).collect();
        node_ports.extend(services().filter_map(|service| service.health_check_node_port));
        assert_eq!(node_ports.len(), 350);
        let ingress = services().flat_map(|service| &service.ingress).map(|ingress| ingress.address);
        let addresses: Vec<_> = ingress.chain(services().flat_map(|service| service.external_ips.clone())).collect();
        assert_eq!(addresses.iter().collect::<HashSet<_>>().len(), addresses.len());
        assert_eq!(node_ports.iter().collect::<HashSet<_>>().len(), node_ports.len());
    }

    #[test]
    fn a_service_of_a_uniform_mix_is_the_plain_one_and_one_more_way_in() {
        let service = |mix| Service::generate(7, &AddressPlan::new(2).of(mix));
        let (plain, node_port) = (service(Mix::Uniform), service(Mix::NodePort));
        assert_eq!(node_port.ports[0].node_port, Some(30_007));
        assert_eq!(service(Mix::ExternalIp).external_ips, ["100.64.0.8".parse::<std::net::IpAddr>().unwrap()]);
        assert_eq!(service(Mix::LoadBalancer).ingress[0].address.to_string(), "100.80.0.8");
        assert_eq!(plain.ports[0].endpoints, node_port.ports[0].endpoints);
    }
}
