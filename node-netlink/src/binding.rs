//! Ways to make addresses a node's own: addresses of a device, or routes that lead to the node itself.

use crate::link::Links;
use crate::socket::SocketError;
use lab_core::layout::Request;
use nix::errno::Errno;
use std::net::{IpAddr, Ipv4Addr};

/// The gateway of a route is on its device, whatever addresses that has (RTNH_F_ONLINK, linux/rtnetlink.h).
const ONLINK: u32 = 4;
/// The index of `lo`, in every namespace.
const LO: u32 = 1;

/// A namespace whose addresses are bound, one request at a time, each answered before the next.
#[derive(Debug)]
pub struct Binder {
    links: Links,
}

impl Binder {
    /// Opens a socket in the calling thread's namespace. It stays there, whichever thread uses it.
    ///
    /// # Errors
    /// When the kernel lacks netlink.
    pub fn open() -> Result<Self, SocketError> {
        Ok(Self { links: Links::open()? })
    }

    /// Makes a dummy device.
    ///
    /// # Errors
    /// `Refused(EOPNOTSUPP)` when the kernel has none.
    pub fn make_dummy(&mut self, name: &str) -> Result<(), SocketError> {
        self.links.ensure_dummy(name)
    }

    /// Binds `address` to `device`, or takes it away from there.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn address(&mut self, device: &'static str, address: Ipv4Addr, there: bool) -> Result<(), SocketError> {
        let index = self.links.known_index(device)?;
        let address = IpAddr::V4(address);
        let request =
            if there { Request::AddAddress(device, address) } else { Request::RemoveAddress(device, address) };
        self.links.queue_change(device, index, &request);
        self.acknowledged()
    }

    /// Adds the route that makes the network of `length` bits around `address` the node's own, or takes it away
    /// (`ip route add local NETWORK dev lo`).
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn local_route(&mut self, address: Ipv4Addr, length: u8, there: bool) -> Result<(), SocketError> {
        let (kind, flags) = kind(there);
        self.links.socket.queue(kind, flags, |writer| {
            let (family, table) = (libc::AF_INET as u8, libc::RT_TABLE_LOCAL);
            writer.header(&[family, length, 0, 0]);
            writer.header(&[table, libc::RTPROT_STATIC, libc::RT_SCOPE_HOST, libc::RTN_LOCAL]);
            writer.header(&[0; 4]);
            writer.attribute(libc::RTA_DST, &address.octets());
            writer.attribute(libc::RTA_OIF, &LO.to_ne_bytes());
        });
        self.acknowledged()
    }

    /// Adds the route to a network by a gateway on a device, or takes it away.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn route(
        &mut self,
        address: Ipv4Addr,
        length: u8,
        (gateway, device): (Ipv4Addr, &str),
        there: bool,
    ) -> Result<(), SocketError> {
        let index = self.links.known_index(device)?;
        let (kind, flags) = kind(there);
        self.links.socket.queue(kind, flags, |writer| {
            let (family, table) = (libc::AF_INET as u8, libc::RT_TABLE_MAIN);
            writer.header(&[family, length, 0, 0]);
            writer.header(&[table, libc::RTPROT_STATIC, libc::RT_SCOPE_UNIVERSE, libc::RTN_UNICAST]);
            writer.header(&ONLINK.to_ne_bytes());
            writer.attribute(libc::RTA_DST, &address.octets());
            writer.attribute(libc::RTA_GATEWAY, &gateway.octets());
            writer.attribute(libc::RTA_OIF, &index.to_ne_bytes());
        });
        self.acknowledged()
    }

    fn acknowledged(&mut self) -> Result<(), SocketError> {
        let mut refused = None;
        self.links.socket.exchange(|answer| {
            if let crate::Answer::Refusal { errno, .. } = answer {
                refused = Some(errno);
            }
        })?;
        refused.map_or(Ok(()), |errno: Errno| Err(SocketError::Refused(errno)))
    }
}

/// The kind of a request about a route, and its flags. What follows is a `struct rtmsg` with its attributes
/// (linux/rtnetlink.h).
fn kind(there: bool) -> (u16, u16) {
    match there {
        true => (libc::RTM_NEWROUTE, (libc::NLM_F_CREATE | libc::NLM_F_EXCL) as u16),
        false => (libc::RTM_DELROUTE, 0),
    }
}
