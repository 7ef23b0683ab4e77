//! What a rule tests and does, whichever tool wrote it.

use super::{Outcome, Rewrite, SetRef, Span, Verdict, WrittenPort};
use std::net::SocketAddr;

/// The source or the destination of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Where it comes from.
    Source,
    /// Where it goes to.
    Destination,
}

/// The device that a packet came in by, or goes out by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It came in by it.
    In,
    /// It goes out by it.
    Out,
}

/// A part of a packet that is looked up in a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// An address.
    Address(Side),
    /// A port.
    Port(Side),
    /// The transport protocol's number.
    Protocol,
    /// The packet mark.
    Mark,
    /// A bit set of [`States`].
    State,
    /// A device's name.
    Device(Direction),
    /// Something else, as it stands.
    Other(Box<str>),
}

/// What kind of address one is to the node: `addrtype`, `fib … type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// One of the node's own.
    Local,
    /// One of another host.
    Unicast,
    /// A broadcast address.
    Broadcast,
    /// A multicast address.
    Multicast,
    /// Another kind, which no packet of the walk has.
    Other,
}

/// States of a connection, as a bit set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct States(pub u8);

impl States {
    /// The packet belongs to no connection.
    pub const INVALID: Self = Self(1);
    /// A packet in a direction that was answered.
    pub const ESTABLISHED: Self = Self(1 << 1);
    /// The first packet of a connection that another one announced.
    pub const RELATED: Self = Self(1 << 2);
    /// The first packet.
    pub const NEW: Self = Self(1 << 3);
    /// It is not tracked.
    pub const UNTRACKED: Self = Self(1 << 4);
    /// The connection's source is rewritten.
    pub const SNAT: Self = Self(1 << 5);
    /// The connection's destination is rewritten.
    pub const DNAT: Self = Self(1 << 6);

    /// The states of this name, as iptables and nft write it; `None` for no state.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        match word {
            _ if word.eq_ignore_ascii_case("invalid") => Some(Self::INVALID),
            _ if word.eq_ignore_ascii_case("established") => Some(Self::ESTABLISHED),
            _ if word.eq_ignore_ascii_case("related") => Some(Self::RELATED),
            _ if word.eq_ignore_ascii_case("new") => Some(Self::NEW),
            _ if word.eq_ignore_ascii_case("untracked") => Some(Self::UNTRACKED),
            _ if word.eq_ignore_ascii_case("snat") => Some(Self::SNAT),
            _ if word.eq_ignore_ascii_case("dnat") => Some(Self::DNAT),
            _ => None,
        }
    }

    /// Both together.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether they share a state.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// How one of several is picked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pick {
    /// At random, with this probability for a packet to match, as the kernel keeps it.
    Random(f64),
    /// Each so-many-th packet, from this one on: `--mode nth --every N --packet K`.
    Nth(u32, u32),
}

/// What a packet is tested for.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// An address is one of these.
    Address(Side, Span),
    /// A port is from the first to the last.
    Port(Side, u16, u16),
    /// A port is in one of these ranges, both ends included.
    Ports(Side, Box<[(u16, u16)]>),
    /// Either port is in one of these ranges: `multiport --ports`.
    EitherPort(Box<[(u16, u16)]>),
    /// The transport protocol has this number.
    Protocol(u8),
    /// Packets of IPv4 (`true`) or IPv6.
    IsV4(bool),
    /// The mark, under the mask, is this value: `(mark & mask) == value`.
    Mark {
        /// The value.
        value: u32,
        /// The mask.
        mask: u32,
    },
    /// The connection is in one of these states.
    State(States),
    /// An address is of this kind to the node.
    Kind(Side, AddressKind),
    /// A device's name; a `+` or `*` at its end stands for any ending.
    Device(Direction, Box<str>),
    /// Parts of the packet are in a set of nftables, or in one written in the rule.
    Member(Box<[Field]>, SetRef),
    /// Parts of the packet are in a set of ipset. The set's type says which: each side is its address, or its port.
    InIpset(Box<str>, Box<[Side]>),
    /// One of several is picked. Not decided by the packet.
    Pick(Pick),
    /// The client was noted in this list in the last so many seconds, or ever where it is 0: `recent --rcheck`. Not decided
    /// by the packet.
    Seen(Box<str>, u64),
    /// It came in by a port of a bridge: `physdev --physdev-is-in`.
    Bridged,
    /// IPVS took it by the virtual server of this protocol and address: `ipvs --vproto --vaddr --vport`.
    Virtual(u8, SocketAddr),
    /// Of these flags of TCP, those that are set: `(flags & mask) == set`.
    TcpFlags {
        /// The flags that are looked at, as in the header's byte: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32.
        mask: u8,
        /// Those of them that are set.
        set: u8,
    },
    /// At a limited rate: `limit`, `hashlimit`. Not decided by the packet. As it stands.
    Limited(Box<str>),
    /// A test that is not known here, as it stands.
    Unknown(Box<str>),
}

/// One thing that a rule tests or does.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// The rule goes on only if the test holds (`true`) or does not (`false`).
    If(bool, Test),
    /// The mark becomes `(mark & keep) ^ flip`.
    Mark {
        /// The bits that stay.
        keep: u32,
        /// The bits that are turned after that.
        flip: u32,
    },
    /// A verdict.
    Go(Verdict),
    /// The verdict that a map has for parts of the packet. Where it has none, the rule does not apply.
    Look(Box<[Field]>, SetRef),
    /// The verdict of a number between 0 and the first one, excluded: `numgen`. Where the map has none, the rule does not
    /// apply.
    Spread {
        /// How many numbers there are.
        modulus: u32,
        /// At random (`true`), or one after the other.
        is_random: bool,
        /// What the numbers lead to, each from a first to a last number.
        map: Box<[(u32, u32, Outcome)]>,
    },
    /// The destination is rewritten.
    Dnat(Rewrite),
    /// The destination is rewritten to what a map has for parts of the packet.
    DnatBy(Box<[Field]>, SetRef),
    /// The destination becomes the node itself, with this port.
    Redirect(WrittenPort),
    /// The source is rewritten.
    Snat(Rewrite),
    /// The source becomes the node's address.
    Masquerade,
    /// The client is noted in this list or set: `recent --set`, `update @affinity-… { ip saddr }`.
    Note(Box<str>),
    /// The connection is not tracked.
    NoTrack,
    /// It changes nothing on the packet's way, such as a counter or a log.
    Aside(Box<str>),
    /// A statement that is not known here, as it stands.
    Unknown(Box<str>),
}
