//! A node with its pods: namespaces on veth pairs, wired the way Calico wires them.
//!
//! ```text
//!    client pod                 node (forwards; the rules are here)                 server pod 0
//!   ┌────────────────┐    ┌─────────────────────────────────────────────┐    ┌────────────────────────┐
//!   │ eth0 client/32 ├────┤ client                             server-0 ├────┤ eth0 address/32        │
//!   │ default via    │    │ client/32 dev client                        │    │ default via            │
//!   │  169.254.1.1   │    │ address/32 dev server-0                     │    │  169.254.1.1           │
//!   └────────────────┘    │ block via address dev server-0              │    │ local block dev lo     │
//!                         └─────────────────────────────────────────────┘    └────────────────────────┘
//! ```
//!
//! A server pod answers as every address of its blocks, so that a handful of namespaces stands for any number of
//! endpoints. What listens in the pods is not decided here.
//!
//! A machine outside the cluster, if one is asked for, has a network of its own with the node:
//!
//! ```text
//!    outside                                 node
//!   ┌────────────────────────────┐    ┌─────────────────────────────┐
//!   │ eth0 address/24            ├────┤ outside gateway/24          │
//!   │ what it reaches via gateway│    │ default via address         │
//!   └────────────────────────────┘    └─────────────────────────────┘
//! ```
//!
//! With an IPv6 address of the node, everything has both families. Otherwise IPv6 is off, so that nothing of it is sent.

use crate::namespace::Namespace;
use anyhow::Result;
use ipnet::{IpNet, Ipv4Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses of a node, its pods and what is outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wiring {
    /// The node's own address, on its `lo`. Without an IPv6 one there is no IPv6.
    pub node: Addresses,
    /// The client pod's address.
    pub client: Addresses,
    /// The server pods.
    pub servers: Vec<Server>,
    /// The machine outside the cluster, if there is one.
    pub outside: Option<Outside>,
    /// As what packets to a Service reach them.
    pub delivery: Delivery,
}

/// An IPv4 address, and perhaps an IPv6 one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// The IPv4 one.
    pub v4: Ipv4Addr,
    /// The IPv6 one.
    pub v6: Option<Ipv6Addr>,
}

impl From<Ipv4Addr> for Addresses {
    fn from(v4: Ipv4Addr) -> Self {
        Self { v4, v6: None }
    }
}

impl Addresses {
    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = IpAddr> {
        [IpAddr::V4(self.v4)].into_iter().chain(self.v6.map(IpAddr::V6))
    }

    /// The one of the family of `other`, if there is one.
    #[must_use]
    pub fn like(self, other: IpAddr) -> Option<IpAddr> {
        self.iter().find(|address| address.is_ipv4() == other.is_ipv4())
    }
}

/// As what packets to a Service reach its server pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Delivery {
    /// Addressed to an endpoint.
    #[default]
    Rewritten,
    /// Addressed to the Service, whose address is out of this range: every server pod takes all of it for its own, and
    /// answers from it.
    Unaltered(Ipv4Net),
    /// As `Unaltered`, each in a packet to an endpoint (IP in IP): the pods take it out.
    Tunnelled(Ipv4Net),
}

/// The addresses of a server pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The pod's own address; it may lie in a block.
    pub address: Addresses,
    /// The endpoints it answers as.
    pub blocks: Vec<IpNet>,
}

/// A machine outside the cluster, on a network of its own with the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// Its address; its network is the /24 around it, of IPv6 the /64.
    pub address: Addresses,
    /// The node's address in that network.
    pub gateway: Addresses,
    /// What it reaches through the node.
    pub reaches: Vec<IpNet>,
}

/// A pod: a namespace with one way out, `eth0`, to its node. What is outside has one, too.
#[derive(Debug)]
pub struct Pod {
    /// Where it lives.
    pub namespace: Namespace,
    /// Its own address.
    pub address: Addresses,
    /// The endpoints it answers as; the client has none.
    pub blocks: Vec<IpNet>,
}

impl Pod {
    pub(crate) fn create(name: impl Into<String>, address: Addresses, blocks: Vec<IpNet>) -> Result<Self> {
        Ok(Self { namespace: Namespace::create(name)?, address, blocks })
    }
}
