//! How addresses and ports are rewritten.

use crate::node::{Rewrite, WrittenPort};
use std::net::SocketAddr;

impl Rewrite {
    /// What `address` becomes. Of several, the first.
    pub(super) fn of(&self, address: SocketAddr) -> SocketAddr {
        let ip = self.addresses.map_or(address.ip(), |span| span.first);
        SocketAddr::new(ip, self.port.of(address.port()))
    }
}

impl WrittenPort {
    /// What `port` becomes. Of several, the first.
    pub(super) fn of(self, port: u16) -> u16 {
        match self {
            Self::Same => port,
            Self::One(port) | Self::Range(port, _) => port,
        }
    }
}
