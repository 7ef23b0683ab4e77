//! The packet whose way is walked.

use crate::node::States;
use std::net::{IpAddr, SocketAddr};

/// Where a packet starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Start {
    /// It comes in by a device.
    CameIn,
    /// The node itself sends it.
    OfNode,
}

/// A packet, as it is before the first rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Where it starts.
    pub start: Start,
    /// The transport protocol's number.
    pub protocol: u8,
    /// Its source address and port.
    pub source: SocketAddr,
    /// Its destination address and port.
    pub destination: SocketAddr,
    /// The device that it came in by, where that is known.
    pub device: Option<Box<str>>,
    /// Its mark.
    pub mark: u32,
    /// The state of its connection.
    pub state: States,
}

impl Packet {
    /// The first packet of a connection, without a mark.
    #[must_use]
    pub fn new(start: Start, protocol: u8, source: SocketAddr, destination: SocketAddr) -> Self {
        Self { start, protocol, source, destination, device: None, mark: 0, state: States::NEW }
    }

    /// Whether it is of IPv4.
    #[must_use]
    pub fn is_v4(&self) -> bool {
        matches!(self.destination.ip(), IpAddr::V4(_))
    }
}
