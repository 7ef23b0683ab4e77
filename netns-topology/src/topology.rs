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
//! A server pod answers as every address of its block, so that a handful of namespaces stands for any number of
//! endpoints. What listens in the pods is not decided here.

use crate::namespace::Namespace;
use anyhow::Result;
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

/// The addresses of a node and its pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wiring {
    /// The node's own address, on its `lo`.
    pub node_address: Ipv4Addr,
    /// The client pod's address.
    pub client: Ipv4Addr,
    /// The server pods.
    pub servers: Vec<Server>,
    /// As what packets to a Service reach them.
    pub delivery: Delivery,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    /// The pod's own address; it may lie in the block.
    pub address: Ipv4Addr,
    /// The endpoints it answers as.
    pub block: Ipv4Net,
}

/// A pod: a namespace with one way out, `eth0`, to its node.
#[derive(Debug)]
pub struct Pod {
    /// Where it lives.
    pub namespace: Namespace,
    /// Its own address.
    pub address: Ipv4Addr,
    /// The endpoints it answers as; the client has none.
    pub block: Option<Ipv4Net>,
}

impl Pod {
    pub(crate) fn create(name: impl Into<String>, address: Ipv4Addr, block: Option<Ipv4Net>) -> Result<Self> {
        Ok(Self { namespace: Namespace::create(name)?, address, block })
    }
}
