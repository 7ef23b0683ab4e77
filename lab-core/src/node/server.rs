//! IPVS's virtual servers, as values.

use std::net::{IpAddr, SocketAddr};

/// A virtual server. Servers by firewall mark are left out: kube-proxy makes none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualServer {
    /// The transport protocol's number: 6, 17 or 132.
    pub protocol: u8,
    /// Its address and port.
    pub address: SocketAddr,
    /// Its scheduler, such as `rr`.
    pub scheduler: Box<str>,
    /// How long a client stays with its real server, in seconds.
    pub persistence: Option<u32>,
    /// The scheduler's flags, such as `mh-port`.
    pub flags: Vec<Box<str>>,
    /// Its real servers.
    pub real: Vec<RealServer>,
    /// The line of the listing, from 1; 0 where it has none.
    pub line: u32,
}

/// A real server of a virtual one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealServer {
    /// Its address and port.
    pub address: SocketAddr,
    /// How packets go there.
    pub forwarding: Forwarding,
    /// Its share of new connections, against those of the others. At 0 it gets none.
    pub weight: u32,
}

/// How IPVS sends a packet to a real server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forwarding {
    /// With its destination rewritten: `Masq`.
    Masquerade,
    /// As it is, by its route: `Route`.
    Route,
    /// In a tunnel: `Tunnel`.
    Tunnel,
}

impl VirtualServer {
    /// Whether it serves this address, port and protocol.
    #[must_use]
    pub fn serves(&self, protocol: u8, address: IpAddr, port: u16) -> bool {
        self.protocol == protocol && self.address.ip() == address && self.address.port() == port
    }
}
