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

impl Rewrite {
    /// The addresses and ports, if it may be one of several.
    pub(super) fn several(&self) -> Option<Box<str>> {
        let addresses =
            self.addresses.filter(|span| !span.is_one()).map(|span| format!("{}-{}", span.first, span.last));
        let ports = match self.port {
            WrittenPort::Range(low, high) if low != high => Some(format!("ports {low}-{high}")),
            _ => None,
        };
        let parts: Vec<String> = addresses.into_iter().chain(ports).collect();
        (!parts.is_empty()).then(|| parts.join(", ").into())
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
