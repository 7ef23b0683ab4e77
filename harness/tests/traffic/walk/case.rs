//! A connection that is made and walked.

use crate::lab::Lab;
use crate::wire::Transport;
use anyhow::{Context, Result};
use lab_core::cluster::{Family, Protocol};
use lab_core::path::{Packet, Start, Walk, Walker};
use lab_core::vocabulary::Origin;
use netns_topology::Namespace;
use std::fmt;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// The port that a walked packet comes from. No rule of the lab tests it.
const SOURCE_PORT: u16 = 40_000;

/// Who connects.
#[derive(Debug, Clone, Copy)]
pub(super) enum Client {
    /// One of the usual places.
    Of(Origin),
    /// A server's pod, from this address of it.
    Endpoint(IpAddr),
}

/// A connection.
#[derive(Debug, Clone)]
pub(super) struct Case {
    /// What is asked for: a Service and how it is reached.
    pub(super) target: String,
    pub(super) client: Client,
    pub(super) protocol: Protocol,
    pub(super) to: SocketAddr,
}

impl Case {
    pub(super) fn transport(&self) -> Transport {
        match self.protocol {
            Protocol::Tcp => Transport::Tcp,
            Protocol::Udp => Transport::Udp,
            Protocol::Sctp => Transport::Sctp,
        }
    }

    /// The namespace that connects.
    pub(super) fn place<'a>(&self, lab: &'a Lab) -> Result<&'a Namespace> {
        match self.client {
            Client::Of(origin) => lab.origin(origin),
            Client::Endpoint(address) => Ok(&lab.pod(address)?.namespace),
        }
    }

    /// The address that the client binds; `None` where the kernel chooses.
    pub(super) fn bound(&self) -> Option<IpAddr> {
        match self.client {
            Client::Of(_) => None,
            Client::Endpoint(address) => Some(address),
        }
    }

    /// The address that it connects from.
    pub(super) fn source(&self, lab: &Lab) -> Result<IpAddr> {
        match self.client {
            Client::Of(Origin::Node) => chosen(lab.origin(Origin::Node)?, self.to),
            Client::Of(origin) => Ok(origin.address(Family::of(self.to.ip()))),
            Client::Endpoint(address) => Ok(address),
        }
    }

    /// The walk of its first packet.
    pub(super) fn walk(&self, lab: &Lab, walker: &Walker<'_>) -> Result<Walk> {
        let start = match self.client {
            Client::Of(Origin::Node) => Start::OfNode,
            Client::Of(_) | Client::Endpoint(_) => Start::CameIn,
        };
        let source = SocketAddr::new(self.source(lab)?, SOURCE_PORT);
        Ok(walker.walk(Packet::new(start, self.protocol.number(), source, self.to)))
    }
}

impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} at {}/{:?} ", self.target, self.to, self.protocol)?;
        match self.client {
            Client::Of(origin) => out.write_str(origin.phrase()),
            Client::Endpoint(address) => write!(out, "from the endpoint {address}"),
        }
    }
}

/// The source address that the kernel chooses in `place` on the way to `to`.
fn chosen(place: &Namespace, to: SocketAddr) -> Result<IpAddr> {
    let any: IpAddr = if to.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
    let chosen = place.visit(|| -> std::io::Result<IpAddr> {
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect(to)?;
        Ok(socket.local_addr()?.ip())
    });
    chosen.with_context(|| format!("ask for the way from {} to {to}", place.name()))
}
