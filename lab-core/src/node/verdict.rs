//! What becomes of a packet, and what its addresses become.

use super::Span;
use std::net::IpAddr;

/// What becomes of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It passes this base chain.
    Accept,
    /// It is dropped.
    Drop,
    /// It is answered with this error, such as `icmp-port-unreachable`; empty where nothing is said.
    Reject(Box<str>),
    /// It goes back to the calling chain.
    Return,
    /// It goes on with the next rule.
    Continue,
    /// It goes through this chain, and comes back.
    Jump(Box<str>),
    /// It goes through this chain, and comes back to where the last jump was made.
    Goto(Box<str>),
    /// It goes to a program, which decides.
    Queue,
}

/// The port of a rewritten address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrittenPort {
    /// It stays.
    Same,
    /// It becomes this one.
    One(u16),
    /// It becomes one of these.
    Range(u16, u16),
}

/// What an address and a port become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    /// The addresses to choose from; `None` where the address stays.
    pub addresses: Option<Span>,
    /// The port.
    pub port: WrittenPort,
}

impl Rewrite {
    /// To one address and, if there is one, a port.
    #[must_use]
    pub fn to(address: IpAddr, port: Option<u16>) -> Self {
        Self { addresses: Some(Span::one(address)), port: port.map_or(WrittenPort::Same, WrittenPort::One) }
    }
}
