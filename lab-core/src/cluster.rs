//! The Services and endpoints in force, and where their addresses come from.

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, SocketAddrV4};

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
}

impl Protocol {
    /// Lower case, as iptables and nft spell it and as kube-proxy hashes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
        }
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
    /// The endpoints, in the order in which kube-proxy picks among them (sorted).
    pub endpoints: Vec<SocketAddrV4>,
}

/// The Services in force on a node, in the order in which a layout installs them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Every Service's port.
    pub services: Vec<ServicePort>,
}
