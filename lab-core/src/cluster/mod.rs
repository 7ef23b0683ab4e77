//! The Services and endpoints in force, and where their addresses come from.

mod address;

pub use address::{AddressPlan, OverCapacity, Range};

use crate::vocabulary::Position;
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

/// Where cluster IPs come from: kubeadm's default.
pub const SERVICE_RANGE: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 96, 0, 0), 12);
/// Where pods' addresses come from: the cluster CIDR of the layouts, endpoints included.
pub const POD_RANGE: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 128, 0, 0), 9);
/// Where endpoints' addresses come from; it is divided into one block a server pod.
pub const ENDPOINT_RANGE: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 192, 0, 0), 10);
/// The node's own address.
pub const NODE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 11, 0, 1);
/// The client pod's address.
pub const CLIENT_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 128, 0, 2);
/// The port of every generated Service.
pub const SERVICE_PORT: u16 = 80;
/// The port of every generated endpoint.
pub const ENDPOINT_PORT: u16 = 8080;
/// How many server pods a node has unless told otherwise.
pub const SERVER_PODS: u32 = 4;

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// Lower case, as iptables and nft spell it and as kube-proxy hashes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

/// What tells one Service's port from every other: kube-proxy's `ServicePortName`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceKey<'a> {
    /// The Service's namespace.
    pub namespace: &'a str,
    /// The Service's name.
    pub name: &'a str,
    /// The port's name; empty when it has none.
    pub port_name: &'a str,
    /// The port's protocol.
    pub protocol: Protocol,
}

/// As kube-proxy writes it into comments: `namespace/name:port`, without the colon when the port has no name.
impl fmt::Display for ServiceKey<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.namespace, self.name)?;
        if self.port_name.is_empty() { Ok(()) } else { write!(out, ":{}", self.port_name) }
    }
}

/// One port of one Service with the endpoints behind it: the unit kube-proxy programs.
///
/// Every Service that the lab generates has exactly one port, so that Services can be counted by these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePort {
    /// The Service's namespace.
    pub namespace: String,
    /// The Service's name.
    pub name: String,
    /// The port's name; empty when it has none.
    pub port_name: String,
    /// The port's protocol.
    pub protocol: Protocol,
    /// The Service's virtual address.
    pub cluster_ip: Ipv4Addr,
    /// The port on the virtual address.
    pub port: u16,
    /// The endpoints, in the order in which kube-proxy picks among them: see [`in_picking_order`].
    pub endpoints: Vec<SocketAddrV4>,
}

impl ServicePort {
    /// Service `index` of a generated cluster.
    fn generate(index: u32, plan: &AddressPlan) -> Self {
        Self {
            namespace: "default".to_owned(),
            name: format!("svc-{:05}", index + 1),
            port_name: "http".to_owned(),
            protocol: Protocol::Tcp,
            cluster_ip: plan.cluster_ip(index),
            port: SERVICE_PORT,
            endpoints: in_picking_order((0..plan.endpoints).map(|place| plan.endpoint(index, place)).collect()),
        }
    }

    /// What tells it from every other.
    #[must_use]
    pub fn key(&self) -> ServiceKey<'_> {
        ServiceKey { namespace: &self.namespace, name: &self.name, port_name: &self.port_name, protocol: self.protocol }
    }
}

/// Endpoints in the order in which kube-proxy picks among them: sorted as text (`byEndpoint` in its `endpoints.go`).
#[must_use]
pub fn in_picking_order(mut endpoints: Vec<SocketAddrV4>) -> Vec<SocketAddrV4> {
    endpoints.sort_by_cached_key(SocketAddrV4::to_string);
    endpoints
}

/// The Services in force on a node, in the order in which a layout installs them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Every Service's port.
    pub services: Vec<ServicePort>,
}

impl Cluster {
    /// `services` alike Services, `default/svc-00001` and on, with addresses out of `plan`.
    ///
    /// Ask [`AddressPlan::check`] first: beyond the capacity addresses leave their ranges.
    #[must_use]
    pub fn generate(services: u32, plan: &AddressPlan) -> Self {
        Self { services: (0..services).map(|index| ServicePort::generate(index, plan)).collect() }
    }

    /// All endpoints of all Services.
    #[must_use]
    pub fn endpoint_count(&self) -> usize {
        self.services.iter().map(|service| service.endpoints.len()).sum()
    }

    /// The place of the Service that the changes are made to; `None` in an empty cluster.
    #[must_use]
    pub fn middle(&self) -> Option<usize> {
        let count = self.count();
        (count > 0).then(|| Position::Middle.index(count) as usize)
    }

    fn count(&self) -> u32 {
        u32::try_from(self.services.len()).expect("Services number less than 2^32")
    }

    /// With one more Service at the end: the one that `plan` holds in reserve.
    #[must_use]
    pub fn with_service_added(&self, plan: &AddressPlan) -> Self {
        let mut after = self.clone();
        after.services.push(ServicePort::generate(self.count(), plan));
        after
    }

    /// Without its middle Service; an empty cluster stays as it is.
    #[must_use]
    pub fn with_middle_removed(&self) -> Self {
        let mut after = self.clone();
        if let Some(middle) = self.middle() {
            after.services.remove(middle);
        }
        after
    }

    /// With the last endpoint of its middle Service replaced by the spare one that `plan` holds for it.
    ///
    /// It stays as it is when it is empty.
    #[must_use]
    pub fn with_endpoint_replaced(&self, plan: &AddressPlan) -> Self {
        let mut after = self.clone();
        if let Some(middle) = self.middle() {
            let endpoints = &mut after.services[middle].endpoints;
            endpoints.pop();
            endpoints.push(plan.spare(Position::Middle.index(self.count())));
            *endpoints = in_picking_order(std::mem::take(endpoints));
        }
        after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddrV4 {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_service_has_the_names_and_addresses_that_the_captures_use() {
        let cluster = Cluster::generate(1, &AddressPlan::new(2));
        let service = &cluster.services[0];
        assert_eq!(service.key().to_string(), "default/svc-00001:http");
        assert_eq!(service.cluster_ip, Ipv4Addr::new(10, 96, 0, 11));
        assert_eq!(service.endpoints, [address("10.192.0.1:8080"), address("10.192.0.2:8080")]);
    }

    #[test]
    fn a_port_without_a_name_leaves_no_colon() {
        let key = ServiceKey { namespace: "ns", name: "svc", port_name: "", protocol: Protocol::Tcp };
        assert_eq!(key.to_string(), "ns/svc");
    }

    #[test]
    fn endpoints_are_picked_in_the_order_of_their_text() {
        let endpoints = vec![address("10.192.0.9:8080"), address("10.192.0.10:8080")];
        assert_eq!(in_picking_order(endpoints), [address("10.192.0.10:8080"), address("10.192.0.9:8080")]);
    }

    #[test]
    fn the_added_service_is_the_one_after_the_last() {
        let plan = AddressPlan::new(2);
        let after = Cluster::generate(4, &plan).with_service_added(&plan);
        assert_eq!(after, Cluster::generate(5, &plan));
    }

    #[test]
    fn the_middle_service_is_the_one_removed() {
        let after = Cluster::generate(5, &AddressPlan::new(1)).with_middle_removed();
        let names: Vec<&str> = after.services.iter().map(|service| service.name.as_str()).collect();
        assert_eq!(names, ["svc-00001", "svc-00002", "svc-00004", "svc-00005"]);
    }

    #[test]
    fn the_spare_takes_the_last_endpoints_place() {
        let plan = AddressPlan::new(2);
        let after = Cluster::generate(3, &plan).with_endpoint_replaced(&plan);
        assert_eq!(after.services[1].endpoints, [address("10.208.0.1:8080"), address("10.208.0.3:8080")]);
    }

    #[test]
    fn an_empty_cluster_has_no_middle_to_change() {
        let empty = Cluster::default();
        assert_eq!(empty.with_middle_removed(), empty);
        assert_eq!(empty.with_endpoint_replaced(&AddressPlan::new(1)), empty);
    }
}
