//! What a cluster asks of kube-proxy on a node: where packets are dispatched, and to how many endpoints.

use super::service::{IpMode, Protocol};
use super::{Cluster, Family, ServicePort};

/// Where a packet may be sent that a Service answers: a kind of dispatch entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dispatch {
    /// A cluster IP and a port.
    ClusterIp,
    /// A port of the node.
    NodePort,
    /// An address of a load balancer and a port.
    LoadBalancer,
    /// An external IP and a port.
    ExternalIp,
}

impl Dispatch {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::ClusterIp, Self::NodePort, Self::LoadBalancer, Self::ExternalIp];

    /// In the plural, for counts: `node ports`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClusterIp => "ports of cluster IPs",
            Self::NodePort => "node ports",
            Self::LoadBalancer => "ports of load balancers",
            Self::ExternalIp => "ports of external IPs",
        }
    }
}

/// What a cluster asks of kube-proxy, counted in both families.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demand {
    /// Dispatch entries by [kind](Dispatch::ALL), each in IPv4 and in IPv6.
    pub entries: [[usize; 2]; 4],
    /// Usable endpoints behind each port of each family, ascending.
    pub endpoints: Vec<usize>,
    /// Ports by protocol: TCP, UDP, SCTP.
    pub protocols: [usize; 3],
    /// Ports of Services with session affinity.
    pub sticky: usize,
}

impl Demand {
    /// What `cluster` asks.
    #[must_use]
    pub fn of(cluster: &Cluster) -> Self {
        let mut demand = Self::default();
        for family in Family::ALL {
            cluster.ports(family).for_each(|port| demand.add(port));
        }
        demand.endpoints.sort_unstable();
        demand
    }

    fn add(&mut self, port: ServicePort<'_>) {
        let family = port.family();
        let at = usize::from(family == Family::V6);
        let service = port.service;
        let ingress = service.ingress.iter().filter(|one| one.mode == IpMode::Vip && Family::of(one.address) == family);
        let external = service.external_ips.iter().filter(|address| Family::of(**address) == family);
        let counts = [1, usize::from(port.port.node_port.is_some()), ingress.count(), external.count()];
        for (entries, count) in self.entries.iter_mut().zip(counts) {
            entries[at] += count;
        }
        self.endpoints.push(port.endpoint_count());
        self.protocols[match port.protocol() {
            Protocol::Tcp => 0,
            Protocol::Udp => 1,
            Protocol::Sctp => 2,
        }] += 1;
        self.sticky += usize::from(service.affinity.is_some());
    }

    /// All dispatch entries.
    #[must_use]
    pub fn total(&self) -> usize {
        self.entries.iter().flatten().sum()
    }

    /// Ports on cluster IPs, of both families.
    #[must_use]
    pub fn ports(&self) -> usize {
        self.endpoints.len()
    }

    /// Endpoints behind a port on the average; 0 without ports.
    #[must_use]
    pub fn mean_endpoints(&self) -> f64 {
        share(self.endpoints.iter().sum(), self.ports())
    }

    /// What a cluster is like whatever its size, each as a share of its dispatch entries or of its ports.
    #[must_use]
    pub fn shape(&self) -> Vec<(&'static str, f64)> {
        let (total, ports) = (self.total(), self.ports());
        let kinds = Dispatch::ALL.into_iter().zip(&self.entries).skip(1);
        let kinds = kinds.map(|(kind, entries)| (kind.name(), share(entries.iter().sum(), total)));
        let ipv6 = self.entries.iter().map(|entries| entries[1]).sum();
        let unserved = self.endpoints.partition_point(|endpoints| *endpoints == 0);
        let others = [
            ("entries in IPv6", share(ipv6, total)),
            ("ports of UDP and SCTP", share(self.protocols[1] + self.protocols[2], ports)),
            ("ports with session affinity", share(self.sticky, ports)),
            ("ports without endpoints", share(unserved, ports)),
        ];
        kinds.chain(others).collect()
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of a cluster")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::super::service::{Ingress, Port, Service, ServiceType};
    use super::super::{AddressPlan, Endpoint};
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_generated_service_is_one_entry_with_its_endpoints() {
        let demand = Demand::of(&Cluster::generate(10, &AddressPlan::new(3)));
        assert_eq!((demand.total(), demand.ports(), demand.endpoints.iter().sum::<usize>()), (10, 10, 30));
        assert!(demand.shape().iter().all(|(_, share)| *share == 0.0), "{demand:?}");
    }

    #[test]
    fn every_way_to_a_port_is_an_entry_in_its_own_family() {
        let service = Service {
            namespace: "default".to_owned(),
            name: "web".to_owned(),
            kind: ServiceType::LoadBalancer,
            cluster_ips: ["10.96.0.9".parse().unwrap(), "fd00::9".parse().unwrap()].into_iter().collect(),
            external_ips: vec!["192.0.2.1".parse().unwrap()],
            ingress: vec![
                Ingress { address: "198.51.100.1".parse().unwrap(), mode: IpMode::Vip },
                Ingress { address: "198.51.100.2".parse().unwrap(), mode: IpMode::Proxy },
                Ingress { address: "2001:db8::1".parse().unwrap(), mode: IpMode::Vip },
            ],
            ports: vec![
                Port {
                    number: 80,
                    node_port: Some(30_080),
                    endpoints: vec![Endpoint::ready("10.128.0.7:80".parse().unwrap())],
                    ..Port::default()
                },
                Port { number: 53, protocol: Protocol::Udp, ..Port::default() },
            ],
            ..Service::default()
        };
        let demand = Demand::of(&Cluster { services: vec![Arc::new(service)], ..Cluster::default() });
        assert_eq!(demand.entries, [[2, 2], [1, 1], [2, 2], [2, 0]]);
        assert_eq!((demand.endpoints.as_slice(), demand.protocols), (&[0, 0, 0, 1][..], [2, 2, 0]));
        let shape = demand.shape();
        assert!(shape.contains(&("entries in IPv6", 5.0 / 12.0)) && shape.contains(&("ports without endpoints", 0.75)));
    }
}
