//! Services, endpoints and the node: one model, for generated and imported clusters.

mod access;
mod address;
mod base;
mod demand;
mod endpoint;
mod family;
mod feature;
mod generate;
mod mix;
mod node;
mod port;
mod reach;
mod repeated;
mod service;
mod shape;
mod supply;

pub use address::{AddressPlan, OverCapacity, Range};
pub use base::Base;
pub use demand::{Demand, Dispatch};
pub use endpoint::{Conditions, Endpoint, Place, Use, in_picking_order};
pub use family::Family;
pub use feature::{Feature, Featured};
pub use node::Node;
pub use port::ServicePort;
pub use reach::{Choice, Hints, Reach};
pub use repeated::Repeated;
pub use service::{ClusterIps, Ingress, IpMode, Port, Protocol, Service, ServiceType, TrafficPolicy};
pub use shape::{Counts, Shape, Share};
pub use supply::Supply;

use crate::vocabulary::Position;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// Where cluster IPs come from: kubeadm's default.
pub const SERVICE_RANGE: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 96, 0, 0), 12);
/// Where pods' addresses come from: the cluster CIDR of the layouts, endpoints included.
pub const POD_RANGE: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 128, 0, 0), 9);
/// Where endpoints' addresses come from. Each server pod has a block of it.
pub const ENDPOINT_RANGE: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 192, 0, 0), 10);
/// The node's own address.
pub const NODE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 11, 0, 1);
/// The client pod's address.
pub const CLIENT_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 128, 0, 2);
/// Where IPv6 cluster IPs come from.
pub const SERVICE_RANGE_V6: Ipv6Net = v6_range([0xfd00, 0x10, 0x96, 0, 0, 0, 0, 0], 108);
/// Where pods' IPv6 addresses come from.
pub const POD_RANGE_V6: Ipv6Net = v6_range([0xfd00, 0x10, 0x128, 0, 0, 0, 0, 0], 48);
/// Where endpoints' IPv6 addresses come from.
pub const ENDPOINT_RANGE_V6: Ipv6Net = v6_range([0xfd00, 0x10, 0x128, 0x192, 0, 0, 0, 0], 106);
/// Where external IPs come from: shared address space, which no machine of this cluster has.
pub const EXTERNAL_RANGE: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 12);
/// Where load balancers' addresses come from.
pub const BALANCER_RANGE: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(100, 80, 0, 0), 12);
/// Where load balancers' IPv6 addresses come from.
pub const BALANCER_RANGE_V6: Ipv6Net = v6_range([0xfd00, 0x100, 0x80, 0, 0, 0, 0, 0], 108);
/// The node's IPv6 address.
pub const NODE_ADDRESS_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x10, 0x11, 0, 0, 0, 0, 1);
/// The client pod's IPv6 address.
pub const CLIENT_ADDRESS_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x10, 0x128, 0, 0, 0, 0, 2);
/// The address of the machine outside the cluster (documentation range).
pub const OUTSIDE_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// Its IPv6 address.
pub const OUTSIDE_ADDRESS_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x192, 0x2, 0, 0, 0, 0, 2);
/// The node's address on the network that it shares with that machine.
pub const OUTSIDE_GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// Its IPv6 address there.
pub const OUTSIDE_GATEWAY_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x192, 0x2, 0, 0, 0, 0, 1);
/// The port of every generated Service.
pub const SERVICE_PORT: u16 = 80;
/// The port of every generated endpoint.
pub const ENDPOINT_PORT: u16 = 8080;
/// How many server pods a node has by default.
pub const SERVER_PODS: u32 = 4;

const fn v6_range([a, b, c, d, e, f, g, h]: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

/// A node and its Services, in the order in which a layout installs them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cluster {
    /// The node.
    pub node: Node,
    /// The Services, with their endpoints. States of a cluster share those that do not differ.
    pub services: Vec<Arc<Service>>,
    /// The networks that cluster IPs are from (`ServiceCIDR` objects); empty if the cluster does not say.
    pub service_cidrs: Vec<IpNet>,
}

impl Cluster {
    /// What kube-proxy programs in `family`: every port of every Service with a cluster IP of that family.
    pub fn ports(&self, family: Family) -> impl DoubleEndedIterator<Item = ServicePort<'_>> {
        self.services.iter().flat_map(move |service| service.ports_of(family))
    }

    /// The Service at `place`, to be changed in this state alone.
    pub fn service_mut(&mut self, place: usize) -> &mut Service {
        Arc::make_mut(&mut self.services[place])
    }

    /// The port at `position` among those of `family`; `None` without any.
    #[must_use]
    pub fn port_at(&self, position: Position, family: Family) -> Option<ServicePort<'_>> {
        let count = u32::try_from(self.ports(family).count()).unwrap_or(u32::MAX);
        self.ports(family).nth(position.index(count) as usize)
    }

    /// All usable endpoints of all ports in `family`.
    #[must_use]
    pub fn endpoint_count(&self, family: Family) -> usize {
        self.ports(family).map(ServicePort::endpoint_count).sum()
    }
}
