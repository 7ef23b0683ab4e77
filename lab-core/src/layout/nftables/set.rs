//! Named sets and verdict maps, and their elements.

use super::chain::Chain;
use crate::cluster::{Family, Protocol, ServicePort};
use crate::layout::text::Text;
use std::net::IpAddr;

/// A named set or verdict map that does not depend on the Services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "Set::name spells them")]
pub enum Set {
    ClusterIps,
    ServiceIps,
    FirewallIps,
    NoEndpointServices,
    NoEndpointNodePorts,
    ServiceNodePorts,
    HairpinConnections,
    NodePortIps,
}

impl Set {
    /// Those that hold the Services, in the order in which kube-proxy goes through them.
    pub(super) const OF_SERVICES: [Self; 7] = [
        Self::ClusterIps,
        Self::ServiceIps,
        Self::FirewallIps,
        Self::NoEndpointServices,
        Self::NoEndpointNodePorts,
        Self::ServiceNodePorts,
        Self::HairpinConnections,
    ];

    /// Its spelling.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClusterIps => "cluster-ips",
            Self::ServiceIps => "service-ips",
            Self::FirewallIps => "firewall-ips",
            Self::NoEndpointServices => "no-endpoint-services",
            Self::NoEndpointNodePorts => "no-endpoint-nodeports",
            Self::ServiceNodePorts => "service-nodeports",
            Self::HairpinConnections => "hairpin-connections",
            Self::NodePortIps => "nodeport-ips",
        }
    }

    /// `set` or `map`.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::ClusterIps | Self::NodePortIps | Self::HairpinConnections => "set",
            _ => "map",
        }
    }

    /// Whether its keys begin with an address.
    pub(super) fn has_address(self) -> bool {
        !matches!(self, Self::NoEndpointNodePorts | Self::ServiceNodePorts)
    }

    pub(super) fn put_type(self, family: Family, out: &mut Vec<u8>) -> &mut Vec<u8> {
        let address = address_type(family);
        match self {
            Self::ClusterIps | Self::NodePortIps => out.put(address),
            Self::HairpinConnections => out.put(address).put(" . ").put(address).put(" . inet_proto . inet_service"),
            Self::NoEndpointServices | Self::FirewallIps | Self::ServiceIps => {
                out.put(address).put(" . inet_proto . inet_service : verdict")
            }
            Self::NoEndpointNodePorts | Self::ServiceNodePorts => out.put("inet_proto . inet_service : verdict"),
        }
    }

    pub(super) fn comment(self) -> &'static str {
        match self {
            Self::ClusterIps => "Active ClusterIPs",
            Self::NodePortIps => "IPs that accept NodePort traffic",
            Self::HairpinConnections => "service hairpin connections",
            Self::NoEndpointServices => "vmap to drop or reject packets to services with no endpoints",
            Self::NoEndpointNodePorts => "vmap to drop or reject packets to service nodeports with no endpoints",
            Self::FirewallIps => "destinations that are subject to LoadBalancerSourceRanges",
            Self::ServiceIps => "ClusterIP, ExternalIP and LoadBalancer IP traffic",
            Self::ServiceNodePorts => "NodePort traffic",
        }
    }
}

/// nft's type of an address.
pub(super) fn address_type(family: Family) -> &'static str {
    match family {
        Family::V4 => "ipv4_addr",
        Family::V6 => "ipv6_addr",
    }
}

/// What an element is looked up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// An address.
    Address(IpAddr),
    /// An address, a protocol and a port.
    Socket(IpAddr, Protocol, u16),
    /// A protocol and a port.
    Port(Protocol, u16),
    /// A connection of an endpoint to itself.
    Hairpin(IpAddr, Protocol, u16),
}

impl Key {
    /// Its address, if it has one.
    pub(super) fn address(self) -> Option<IpAddr> {
        match self {
            Self::Address(address) | Self::Socket(address, ..) | Self::Hairpin(address, ..) => Some(address),
            Self::Port(..) => None,
        }
    }

    fn put(self, out: &mut Vec<u8>) -> &mut Vec<u8> {
        let (protocol, port) = match self {
            Self::Address(address) => return out.address(address),
            Self::Socket(address, protocol, port) => {
                out.address(address).put(" . ");
                (protocol, port)
            }
            Self::Hairpin(address, protocol, port) => {
                out.address(address).put(" . ").address(address).put(" . ");
                (protocol, port)
            }
            Self::Port(protocol, port) => (protocol, port),
        };
        out.put(protocol.name()).put(" . ").number(port.into())
    }
}

/// What happens to a packet that a map has an element for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It continues in this chain.
    Goto(Chain<'a>),
    /// It is dropped.
    Drop,
}

/// Tells one verdict from another: the chain's prefix and hash.
pub(super) type Identity = (&'static str, [u8; 8]);

impl Verdict<'_> {
    pub(super) fn identity(self) -> Identity {
        let mut hash = [0; 8];
        match self {
            Self::Drop => ("drop", hash),
            Self::Goto(chain) => {
                let (prefix, base) = chain.parts();
                let shown = base.len().min(8);
                hash[..shown].copy_from_slice(&base[..shown]);
                (prefix, hash)
            }
        }
    }
}

/// An element of a named set or verdict map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// Where it is.
    pub set: Set,
    /// Its key.
    pub key: Key,
    /// What the map leads to; `None` in a set.
    pub verdict: Option<Verdict<'a>>,
    /// Its comment, if it has one.
    pub comment: Option<Comment<'a>>,
}

/// A comment that names a Service's port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comment<'a> {
    /// The port.
    pub port: ServicePort<'a>,
    /// Whether it is cut to what nft takes (from 1.37 on).
    pub cut: bool,
}

/// The most characters of a comment (`NFTNL_UDATA_COMMENT_MAXLEN`).
pub(super) const LONGEST_COMMENT: usize = 128;

impl Element<'_> {
    /// As knftables writes it (`objects.go`). Only an added one has more than its key.
    pub(super) fn put(self, whole: bool, out: &mut Vec<u8>) -> &mut Vec<u8> {
        out.put(self.set.name()).put(" { ");
        self.key.put(out);
        if whole {
            if let Some(comment) = self.comment {
                out.put(" comment \"").service_name(comment.port);
                if comment.cut {
                    let start = out.iter().rposition(|&letter| letter == b'"').map_or(0, |quote| quote + 1);
                    out.truncate(out.len().min(start + LONGEST_COMMENT));
                }
                out.put("\"");
            }
            match self.verdict {
                Some(Verdict::Goto(chain)) => _ = chain.put_name(out.put(" : goto ")),
                Some(Verdict::Drop) => _ = out.put(" : drop"),
                None => {}
            }
        }
        out.put(" }")
    }
}
