//! Devices and their addresses over rtnetlink (linux/if_link.h, linux/if_addr.h).

use crate::message::{Writer, attribute};
use crate::socket::{Socket, SocketError};
use lab_core::layout::Request;
use nix::errno::Errno;
use nix::sys::socket::SockProtocol;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The bytes of `struct ifaddrmsg`.
const ADDRESS_HEADER: usize = 8;
/// How often addresses are listed at most when they change meanwhile.
const LISTINGS: usize = 10;

/// A namespace's devices.
#[derive(Debug)]
pub(crate) struct Links {
    pub(crate) socket: Socket,
    /// The device that was looked up last, and its number.
    known: Option<(String, u32)>,
}

impl Links {
    pub(crate) fn open() -> Result<Self, SocketError> {
        Ok(Self { socket: Socket::open(SockProtocol::NetlinkRoute)?, known: None })
    }

    /// Makes a dummy device, down and without ARP as the kernel makes it, unless one of its name is there.
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

    /// Removes a device and whatever is bound to it.
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

    /// As [`index`](Self::index), without asking again for the device that was asked for last.
    pub(crate) fn known_index(&mut self, name: &str) -> Result<u32, SocketError> {
        match &self.known {
            Some((known, index)) if known == name => Ok(*index),
            _ => self.index(name),
        }
    }

    /// Queues `request` when it changes an address of `device`, which has the number `index`; whether it did.
    ///
    /// A new address is asked for as kube-proxy does (`EnsureAddressBind`): exclusively, so that `EEXIST` says that it
    /// was there.
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
    /// IPv6 addresses settle some time after they are added, on any device, and each time a list that is being given
    /// out is marked as changed; it is asked for again then.
    pub(crate) fn addresses(&mut self, device: u32) -> Result<Vec<IpAddr>, SocketError> {
        let again = (1..LISTINGS).map(|_| self.list(device)).find(|listed| *listed != Err(SocketError::Changed));
        again.unwrap_or_else(|| self.list(device))
    }

    fn list(&mut self, device: u32) -> Result<Vec<IpAddr>, SocketError> {
        let mut found = Vec::new();
        let mut malformed = false;
        let everything = |writer: &mut Writer| writer.header(&[0; ADDRESS_HEADER]);
        // The kernel lists every device's addresses, unless asked in a way that older ones do not know.
        self.socket.dump(libc::RTM_GETADDR, everything, |_, payload| match bound_address(payload) {
            Some((of, address)) if of == device => found.push(address),
            Some(_) => {}
            None => malformed = true,
        })?;
        if malformed { Err(SocketError::Malformed("an address")) } else { Ok(found) }
    }
}

fn name_attribute(writer: &mut Writer, name: &str) {
    // IFNAMSIZ, its NUL included. A longer name is cut here and refused by the kernel, which wants the NUL.
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

/// The device and the address that an address message is about.
fn bound_address(payload: &[u8]) -> Option<(u32, IpAddr)> {
    let (header, attributes) = payload.split_first_chunk::<ADDRESS_HEADER>()?;
    // IPv6 has the local address in IFA_ADDRESS, unless the other end's stands there.
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
