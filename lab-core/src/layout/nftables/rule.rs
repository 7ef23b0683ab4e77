//! Rules as values, and how `nft` spells them.

use super::chain::Chain;
use super::set::Set;
use crate::cluster::{Endpoint, Family, Protocol};
use crate::layout::text::Text;
use ipnet::IpNet;
use std::net::IpAddr;

/// What a packet must be for a rule to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match<'a> {
    /// The first of its connection.
    New,
    /// To this address.
    To(IpAddr),
    /// To one of this set's addresses.
    ToOneOf(Set),
    /// To one of these networks.
    ToAny(&'a [IpNet]),
    /// To one of the node's own addresses.
    ToNode,
    /// Not to the node's loopback addresses.
    NotToLoopback,
    /// To this port.
    ToPort(Protocol, u16),
    /// From this address.
    From(IpAddr),
    /// From this network.
    FromWithin(IpNet),
    /// From outside this network.
    NotFrom(IpNet),
    /// From outside these networks and addresses.
    NotFromAny(&'a [IpNet], &'a [IpAddr]),
    /// From the node itself.
    FromNode,
    /// From an address that this endpoint's affinity set remembers.
    Remembered(&'a [u8]),
    /// Without this bit in its mark.
    NotMarked(u32),
    /// With this bit in its mark.
    Marked(u32),
    /// From an endpoint to itself, through a Service.
    Hairpin,
}

/// What a rule does with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statement<'a> {
    /// It goes through another chain.
    Jump(Chain<'a>),
    /// It continues in another chain and does not return.
    Goto(Chain<'a>),
    /// It goes where the verdict map says, if it has an entry.
    Lookup(Set),
    /// It goes to the chain of one of these endpoints, by chance.
    Pick(&'a [&'a [u8]]),
    /// It returns to the calling chain.
    Return,
    /// It is answered with an error.
    Reject,
    /// It is dropped.
    Drop,
    /// This bit of its mark is set: it asks for masquerading.
    Mark(u32),
    /// This bit of its mark is turned.
    Unmark(u32),
    /// Its source becomes the node's address.
    Masquerade,
    /// Its source is remembered in this endpoint's affinity set.
    Remember(&'a [u8]),
    /// Its destination becomes this endpoint, if it is of this protocol.
    Dnat(Protocol, &'a Endpoint),
    /// Its destination becomes one of these endpoints by chance, if it is of this protocol.
    DnatToAny(Protocol, &'a [&'a Endpoint]),
}

/// One rule of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule<'a> {
    /// The chain it is in.
    pub chain: Chain<'a>,
    /// The conditions, all of which must hold.
    pub matches: &'a [Match<'a>],
    /// What happens then, in this order.
    pub statements: &'a [Statement<'a>],
    /// The rule's comment.
    pub comment: Option<&'static str>,
}

impl Rule<'_> {
    pub(super) fn put<'o>(&self, family: Family, out: &'o mut Vec<u8>) -> &'o mut Vec<u8> {
        self.chain.put_name(out);
        for condition in self.matches {
            condition.put(family, out.put(" "));
        }
        for statement in self.statements {
            statement.put(family, out.put(" "));
        }
        match self.comment {
            Some(comment) => out.put(" comment \"").put(comment).put("\""),
            None => out,
        }
    }
}

/// nft's word for the protocol of a family.
pub(super) fn word(family: Family) -> &'static str {
    match family {
        Family::V4 => "ip",
        Family::V6 => "ip6",
    }
}

/// kube-proxy's spelling of a mark: eight digits.
fn put_mark(mark: u32, out: &mut Vec<u8>) -> &mut Vec<u8> {
    out.put("0x");
    for shift in (0..8).rev() {
        out.push(b"0123456789abcdef"[(mark >> (shift * 4) & 15) as usize]);
    }
    out
}

impl Match<'_> {
    fn put(self, family: Family, out: &mut Vec<u8>) -> &mut Vec<u8> {
        let ip = word(family);
        match self {
            Self::New => out.put("ct state new"),
            Self::To(address) => out.put(ip).put(" daddr ").address(address),
            Self::ToOneOf(set) => out.put(ip).put(" daddr @").put(set.name()),
            Self::ToAny(networks) => {
                out.put(ip).put(" daddr { ");
                for (place, &network) in networks.iter().enumerate() {
                    out.put(if place == 0 { "" } else { "," }).network(network);
                }
                out.put(" }")
            }
            Self::ToNode => out.put("fib daddr type local"),
            Self::NotToLoopback => match family {
                Family::V4 => out.put("ip daddr != 127.0.0.0/8"),
                Family::V6 => out.put("ip6 daddr != ::1"),
            },
            Self::ToPort(protocol, port) => out.put(protocol.name()).put(" dport ").number(port.into()),
            Self::From(address) => out.put(ip).put(" saddr ").address(address),
            Self::FromWithin(network) => out.put(ip).put(" saddr ").network(network),
            Self::NotFrom(network) => out.put(ip).put(" saddr != ").network(network),
            Self::NotFromAny(networks, addresses) => {
                out.put(ip).put(" saddr != {");
                for (place, network) in networks.iter().enumerate() {
                    out.put(if place == 0 { " " } else { " , " }).network(network.trunc());
                }
                for &address in addresses {
                    out.put(" , ").address(address);
                }
                out.put(" }")
            }
            Self::FromNode => out.put("fib saddr type local"),
            Self::Remembered(endpoint) => out.put(ip).put(" saddr @affinity-").put(endpoint),
            Self::NotMarked(mark) => put_mark(mark, out.put("mark and ")).put(" == 0"),
            Self::Marked(mark) => put_mark(mark, out.put("mark and ")).put(" != 0"),
            Self::Hairpin => out
                .put("ct status dnat ")
                .put(ip)
                .put(" saddr . ")
                .put(ip)
                .put(" daddr . meta l4proto . th dport @")
                .put(Set::HairpinConnections.name()),
        }
    }
}

impl Statement<'_> {
    fn put(self, family: Family, out: &mut Vec<u8>) -> &mut Vec<u8> {
        match self {
            Self::Jump(chain) => chain.put_name(out.put("jump ")),
            Self::Goto(chain) => chain.put_name(out.put("goto ")),
            Self::Lookup(set) => {
                if set.has_address() {
                    out.put(word(family)).put(" daddr . ");
                }
                out.put("meta l4proto . th dport vmap @").put(set.name())
            }
            Self::Pick(endpoints) => {
                put_choice(endpoints.len(), " vmap", out);
                for (place, &endpoint) in (0..).zip(endpoints) {
                    out.put(if place == 0 { " " } else { " , " }).number(place).put(" : goto ");
                    Chain::Endpoint(endpoint).put_name(out);
                }
                out.put(" }")
            }
            Self::Return => out.put("return"),
            Self::Reject => out.put("reject"),
            Self::Drop => out.put("drop"),
            Self::Mark(mark) => put_mark(mark, out.put("mark set mark or ")),
            Self::Unmark(mark) => put_mark(mark, out.put("mark set mark xor ")),
            Self::Masquerade => out.put("masquerade fully-random"),
            Self::Remember(endpoint) => {
                out.put("update @affinity-").put(endpoint).put(" { ").put(word(family)).put(" saddr }")
            }
            Self::Dnat(protocol, endpoint) => {
                out.put("meta l4proto ").put(protocol.name()).put(" dnat to ").endpoint(endpoint)
            }
            Self::DnatToAny(protocol, endpoints) => {
                out.put("meta l4proto ").put(protocol.name()).put(" dnat ").put(word(family)).put(" addr . port to ");
                put_choice(endpoints.len(), " map", out);
                for (place, endpoint) in (0..).zip(endpoints) {
                    out.put(if place == 0 { " " } else { " , " }).number(place).put(" : ");
                    out.address(endpoint.address).put(" . ").number(endpoint.port.into());
                }
                out.put(" }")
            }
        }
    }
}

fn put_choice<'o>(count: usize, by: &str, out: &'o mut Vec<u8>) -> &'o mut Vec<u8> {
    let count = u32::try_from(count).expect("a Service's endpoints number less than 2^32");
    out.put("numgen random mod ").number(count).put(by).put(" {")
}
