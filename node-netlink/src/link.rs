//! Devices and their addresses over rtnetlink (linux/if_link.h, linux/if_addr.h).

use crate::message::{Writer, attribute};
use crate::socket::{Socket, SocketError};
use lab_core::layout::Request;
use nix::errno::Errno;
use nix::sys::socket::SockProtocol;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The bytes of `struct ifaddrmsg`.
const ADDRESS_HEADER: usize = 8;
/// The bytes of `struct ifinfomsg`.
const LINK_HEADER: usize = 16;
/// The bytes of `struct rtmsg`.
const ROUTE_HEADER: usize = 12;
/// How often a list of addresses is repeated, at most, if it changes meanwhile.
const LISTINGS: usize = 10;

/// A namespace's devices.
#[derive(Debug)]
pub(crate) struct Links {
    pub(crate) socket: Socket,
    /// The last device that was looked up, and its number.
    known: Option<(String, u32)>,
}

impl Links {
    pub(crate) fn open() -> Result<Self, SocketError> {
        Ok(Self { socket: Socket::open(SockProtocol::NetlinkRoute)?, known: None })
    }

    /// Makes a dummy device unless one of its name exists. Like any new one it is down and without ARP.
    pub(crate) fn ensure_dummy(&mut self, name: &str) -> Result<(), SocketError> {
        let made = self.socket.ask(
            libc::RTM_NEWLINK,
            (libc::NLM_F_CREATE | libc::NLM_F_EXCL) as u16,
            |writer| {
                writer.header(&[0; 16]);
                name_attribute(writer, name);
                writer.nested(libc::IFLA_LINKINFO, |writer| writer.attribute(libc::IFLA_INFO_KIND, b"dummy"));
            },
            |_, _| (),
        );
        if made == Err(SocketError::Refused(Errno::EEXIST)) { Ok(()) } else { made }
    }

    /// Removes a device and its addresses.
    ///
    /// # Errors
    /// `Refused(ENODEV)` when there is no such device.
    pub(crate) fn remove(&mut self, name: &str) -> Result<(), SocketError> {
        self.known = None;
        let named = |writer: &mut Writer| {
            writer.header(&[0; 16]);
            name_attribute(writer, name);
        };
        self.socket.ask(libc::RTM_DELLINK, 0, named, |_, _| ())
    }

    /// A device's number.
    ///
    /// # Errors
    /// `Refused(ENODEV)` when there is no such device.
    pub(crate) fn index(&mut self, name: &str) -> Result<u32, SocketError> {
        let mut index = None;
        self.socket.ask(
            libc::RTM_GETLINK,
            0,
            |writer| {
                writer.header(&[0; 16]);
                name_attribute(writer, name);
            },
            |_, payload| index = payload.get(4..).and_then(<[u8]>::first_chunk).copied(),
        )?;
        let index = index.map(u32::from_ne_bytes).ok_or(SocketError::Malformed("a device"))?;
        self.known = Some((name.to_owned(), index));
        Ok(index)
    }

    /// Like [`index`](Self::index), but remembers the last device.
    pub(crate) fn known_index(&mut self, name: &str) -> Result<u32, SocketError> {
        match &self.known {
            Some((known, index)) if known == name => Ok(*index),
            _ => self.index(name),
        }
    }

    /// Queues `request` if it changes an address of `device`, which has the number `index`. Returns whether it did.
    ///
    /// Addresses are added as by kube-proxy (`EnsureAddressBind`): exclusively, so `EEXIST` means that it was there.
    pub(crate) fn queue_change(&mut self, device: &str, index: u32, request: &Request) -> bool {
        let (kind, flags, address) = match request {
            Request::AddAddress(of, address) if *of == device => {
                (libc::RTM_NEWADDR, (libc::NLM_F_CREATE | libc::NLM_F_EXCL) as u16, address)
            }
            Request::RemoveAddress(of, address) if *of == device => (libc::RTM_DELADDR, 0, address),
            _ => return false,
        };
        self.socket.queue(kind, flags, |writer| match address {
            IpAddr::V4(address) => address_payload(writer, libc::AF_INET, 32, index, &address.octets()),
            IpAddr::V6(address) => address_payload(writer, libc::AF_INET6, 128, index, &address.octets()),
        });
        true
    }

    /// A device's addresses, of both families.
    ///
    /// An IPv6 address changes its state some time after it was added, on any device. A list that is being sent is then
    /// marked as changed, and is asked for again.
    pub(crate) fn addresses(&mut self, device: u32) -> Result<Vec<IpAddr>, SocketError> {
        let again = (1..LISTINGS).map(|_| self.list(device)).find(|listed| *listed != Err(SocketError::Changed));
        again.unwrap_or_else(|| self.list(device))
    }

    /// Lists the addresses of every device but `device`, with a listing for each, as kube-proxy 1.30 does
    /// (`GetAllLocalAddressesExcept`).
    pub(crate) fn list_others(&mut self, device: &str) -> Result<(), SocketError> {
        let left_out = self.index(device)?;
        let mut devices = Vec::new();
        self.socket.dump(
            libc::RTM_GETLINK,
            |writer| writer.header(&[0; LINK_HEADER]),
            |_, payload| {
                devices.extend(payload.get(4..).and_then(<[u8]>::first_chunk).copied().map(u32::from_ne_bytes))
            },
        )?;
        devices.retain(|&device| device != left_out);
        devices.into_iter().try_for_each(|device| self.addresses(device).map(drop))
    }

    /// Lists the routes of all tables, of which kube-proxy 1.20 looks for those to the node's own addresses
    /// (`GetLocalAddresses`).
    pub(crate) fn list_local_routes(&mut self) -> Result<(), SocketError> {
        self.socket.dump(libc::RTM_GETROUTE, |writer| writer.header(&[0; ROUTE_HEADER]), |_, _| ())
    }

    fn list(&mut self, device: u32) -> Result<Vec<IpAddr>, SocketError> {
        let mut found = Vec::new();
        let mut malformed = false;
        let everything = |writer: &mut Writer| writer.header(&[0; ADDRESS_HEADER]);
        // The kernel lists the addresses of all devices. Older kernels know no filter.
        self.socket.dump(libc::RTM_GETADDR, everything, |_, payload| match bound_address(payload) {
            Some((of, address)) if of == device => found.push(address),
            Some(_) => {}
            None => malformed = true,
        })?;
        if malformed { Err(SocketError::Malformed("an address")) } else { Ok(found) }
    }
}

fn name_attribute(writer: &mut Writer, name: &str) {
    // IFNAMSIZ, with the NUL. A longer name is cut here, and the kernel refuses it without its NUL.
    let mut padded = [0; libc::IFNAMSIZ];
    let length = name.len().min(padded.len());
    padded[..length].copy_from_slice(&name.as_bytes()[..length]);
    writer.attribute(libc::IFLA_IFNAME, &padded[..(length + 1).min(libc::IFNAMSIZ)]);
}

fn address_payload(writer: &mut Writer, family: i32, prefix: u8, device: u32, octets: &[u8]) {
    writer.header(&[family as u8, prefix, 0, 0]);
    writer.header(&device.to_ne_bytes());
    writer.attribute(libc::IFA_LOCAL, octets);
    writer.attribute(libc::IFA_ADDRESS, octets);
}

/// The device and the address in an address message.
pub(crate) fn bound_address(payload: &[u8]) -> Option<(u32, IpAddr)> {
    let (header, attributes) = payload.split_first_chunk::<ADDRESS_HEADER>()?;
    // IPv6 has the local address in IFA_ADDRESS, unless the peer's is there.
    let octets = attribute(attributes, libc::IFA_LOCAL).or_else(|| attribute(attributes, libc::IFA_ADDRESS))?;
    let address = match i32::from(header[0]) {
        libc::AF_INET => Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?).into(),
        libc::AF_INET6 => Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?).into(),
        _ => return None,
    };
    Some((u32::from_ne_bytes([header[4], header[5], header[6], header[7]]), address))
}

/// Whether `error` says that there is no such device.
pub(crate) fn is_missing(error: SocketError) -> bool {
    error == SocketError::Refused(Errno::ENODEV)
}
