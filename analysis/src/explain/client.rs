//! Where a packet comes from: an address that stands for a pod, the node, or a machine outside.

use lab_core::node::{NodeState, Side, Span, Statement, Test};
use lab_core::path::{Packet, Start, Surroundings};
use lab_core::vocabulary::Origin;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Addresses outside of the cluster, from ranges for documentation (RFC 5737, RFC 3849).
const OUTSIDE_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 77));
const OUTSIDE_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 0x77));
/// Pods, where the rules do not tell their range: from ranges that no network routes (RFC 2544, RFC 4193).
const POD_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 19, 255, 254));
const POD_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 0xffff, 0, 0, 0, 0, 0, 0xfffe));
/// The port that packets are sent from.
const PORT: u16 = 40_000;

/// Where a packet comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Client {
    /// One of these places, at an address that stands for it.
    At(Origin),
    /// This address.
    Address(IpAddr),
}

impl Client {
    /// Whether its packets can be to `destination`: of one family.
    pub(super) fn reaches(self, destination: SocketAddr) -> bool {
        match self {
            Self::Address(address) => address.is_ipv4() == destination.is_ipv4(),
            Self::At(_) => true,
        }
    }
}

/// Addresses that stand for the clients of a node.
#[derive(Debug, Clone)]
pub struct Clients {
    /// The pods' range of IPv4, as rules tell it.
    pods_v4: Option<Span>,
    /// And of IPv6.
    pods_v6: Option<Span>,
    surroundings: Surroundings,
}

impl Clients {
    /// Of this node. The pods' range is the one that most rules except from masquerading.
    #[must_use]
    pub fn of(state: &NodeState, surroundings: &Surroundings) -> Self {
        let mut counts: HashMap<Span, usize> = HashMap::new();
        let rules = state.tables.iter().flat_map(|table| table.chains()).flat_map(|chain| &chain.rules);
        let is_range = |span: &Span| !span.is_one() && !span.is_all() && !span.first.is_loopback();
        for rule in rules {
            for statement in &rule.statements {
                match statement {
                    // What is excepted counts for more than what is named.
                    Statement::If(false, Test::Address(Side::Source, span)) if is_range(span) => {
                        *counts.entry(*span).or_default() += 1_000;
                    }
                    Statement::If(true, Test::Address(Side::Source, span))
                        if is_range(span) && rule.comment.as_deref().is_some_and(|text| text.contains("pod")) =>
                    {
                        *counts.entry(*span).or_default() += 1;
                    }
                    _ => {}
                }
            }
        }
        let best = |is_v4: bool| {
            let of_family = counts.iter().filter(|(span, _)| span.first.is_ipv4() == is_v4);
            of_family.max_by_key(|(span, count)| (**count, span.first)).map(|(span, _)| *span)
        };
        Self { pods_v4: best(true), pods_v6: best(false), surroundings: surroundings.clone() }
    }

    /// The pods' range of a family.
    #[must_use]
    pub fn pods(&self, is_v4: bool) -> Option<Span> {
        if is_v4 { self.pods_v4 } else { self.pods_v6 }
    }

    /// The address that packets of `client` come from.
    #[must_use]
    pub fn address(&self, client: Client, is_v4: bool) -> IpAddr {
        match client {
            Client::Address(address) => address,
            Client::At(Origin::Pod) => self.pods(is_v4).map_or(if is_v4 { POD_V4 } else { POD_V6 }, near_the_end),
            Client::At(Origin::Node) => self.surroundings.address(is_v4),
            Client::At(Origin::Outside) => {
                if is_v4 {
                    OUTSIDE_V4
                } else {
                    OUTSIDE_V6
                }
            }
        }
    }

    /// The first packet of a connection of `client` to `destination`.
    #[must_use]
    pub fn packet(&self, client: Client, protocol: u8, destination: SocketAddr) -> Packet {
        let source = self.address(client, destination.is_ipv4());
        let start = match client {
            Client::At(Origin::Node) => Start::OfNode,
            Client::Address(address) if self.surroundings.is_local(address) => Start::OfNode,
            Client::At(_) | Client::Address(_) => Start::CameIn,
        };
        Packet::new(start, protocol, SocketAddr::new(source, PORT), destination)
    }
}

/// An address of a network that hardly any pod has: the last but one.
fn near_the_end(span: Span) -> IpAddr {
    match span.last {
        IpAddr::V4(last) => Ipv4Addr::from_bits(last.to_bits().saturating_sub(1)).into(),
        IpAddr::V6(last) => Ipv6Addr::from_bits(last.to_bits().saturating_sub(1)).into(),
    }
}
