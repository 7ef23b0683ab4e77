//! IPVS over generic netlink: writes and reads virtual and real servers (linux/ip_vs.h).
//!
//! It sends what kube-proxy's library (moby/ipvs) sends, and nothing about connections, statistics or the sync daemon.

use crate::generic;
use crate::message::{Writer, attribute, attributes};
use crate::socket::{Socket, SocketError};
use lab_core::cluster::Protocol;
use lab_core::layout::{RealServer, Request, ServerKey, VirtualServer};
use lab_core::vocabulary::{Forwarding, Scheduler, Word};
use nix::errno::Errno;
use nix::sys::socket::SockProtocol;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

const FAMILY: &[u8] = b"IPVS\0";
const VERSION: u8 = 1;

/// A change to a server. The numbers are the kernel's commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Command {
    NewService = 1,
    SetService = 2,
    DelService = 3,
    GetService = 4,
    NewDest = 5,
    SetDest = 6,
    DelDest = 7,
    GetDest = 8,
    Flush = 17,
}

// Attributes of a command.
const SERVICE: u16 = 1;
const DEST: u16 = 2;

// Attributes of a virtual server.
const SERVICE_FAMILY: u16 = 1;
const SERVICE_PROTOCOL: u16 = 2;
const SERVICE_ADDRESS: u16 = 3;
const SERVICE_PORT: u16 = 4;
const SERVICE_SCHEDULER: u16 = 6;
const SERVICE_FLAGS: u16 = 7;
const SERVICE_TIMEOUT: u16 = 8;
const SERVICE_NETMASK: u16 = 9;

// Attributes of a real server.
const DEST_ADDRESS: u16 = 1;
const DEST_PORT: u16 = 2;
const DEST_FORWARDING: u16 = 3;
const DEST_WEIGHT: u16 = 4;
const DEST_UPPER_THRESHOLD: u16 = 5;
const DEST_LOWER_THRESHOLD: u16 = 6;
const DEST_FAMILY: u16 = 11;

// IP_VS_SVC_F_PERSISTENT, and IP_VS_SVC_F_SCHED2, which mh reads as its port flag (ipvsadm's `-b mh-port`).
const PERSISTENT: u32 = 0x1;
const MAGLEV_PORT: u32 = 0x10;

// IP_VS_CONN_F_…, without that for the local node, which is not used here.
const MASQUERADING: u32 = 0;
const TUNNEL: u32 = 2;
const DIRECT_ROUTING: u32 = 3;

#[derive(Debug)]
pub(crate) struct Ipvs {
    pub(crate) socket: Socket,
    family: u16,
}

impl Ipvs {
    /// `Refused(ENOENT)` when the kernel has no ip_vs.
    pub(crate) fn open() -> Result<Self, SocketError> {
        let mut socket = Socket::open(SockProtocol::NetlinkGeneric)?;
        let family = generic::family(&mut socket, FAMILY)?;
        Ok(Self { socket, family })
    }

    /// Queues `request` if it changes a server. Returns whether it did.
    pub(crate) fn queue_change(&mut self, request: &Request) -> bool {
        match request {
            Request::AddVirtualServer(server) => {
                self.queue(Command::NewService, |writer| writer.nested(SERVICE, |writer| service(writer, server)));
            }
            Request::UpdateVirtualServer(server) => {
                self.queue(Command::SetService, |writer| writer.nested(SERVICE, |writer| service(writer, server)));
            }
            Request::RemoveVirtualServer(key) => {
                self.queue(Command::DelService, |writer| writer.nested(SERVICE, |writer| service_key(writer, key)));
            }
            Request::AddRealServer(key, server) => {
                self.queue_real(Command::NewDest, key, |writer| dest(writer, server));
            }
            Request::UpdateRealServer(key, server) => {
                self.queue_real(Command::SetDest, key, |writer| dest(writer, server));
            }
            Request::RemoveRealServer(key, address) => {
                self.queue_real(Command::DelDest, key, |writer| dest_key(writer, *address));
            }
            _ => return false,
        }
        true
    }

    /// Removes every virtual server.
    pub(crate) fn clear(&mut self) -> Result<(), SocketError> {
        self.ask(Command::Flush, 0, |_| (), |_| ())
    }

    /// A virtual server as the kernel has it; `None` if it has none.
    pub(crate) fn virtual_server(&mut self, key: &ServerKey) -> Result<Option<VirtualServer>, SocketError> {
        let mut found = None;
        let which = |writer: &mut Writer| writer.nested(SERVICE, |writer| service_key(writer, key));
        match self.ask(Command::GetService, 0, which, |payload| found = Some(read_service(payload))) {
            Ok(()) => found.flatten().ok_or(MALFORMED_SERVICE).map(Some),
            Err(SocketError::Refused(Errno::ESRCH | Errno::ENOENT)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn virtual_servers(&mut self) -> Result<Vec<VirtualServer>, SocketError> {
        let mut found = Vec::new();
        let mut malformed = false;
        self.ask(
            Command::GetService,
            libc::NLM_F_DUMP as u16,
            |_| (),
            |payload| match read_service(payload) {
                Some(server) => found.push(server),
                None => malformed = true,
            },
        )?;
        if malformed { Err(MALFORMED_SERVICE) } else { Ok(found) }
    }

    /// The real servers behind a virtual one; empty if there is no such virtual server.
    pub(crate) fn real_servers(&mut self, key: &ServerKey) -> Result<Vec<RealServer>, SocketError> {
        let mut found = Vec::new();
        let mut malformed = false;
        self.each_real_server(key, |payload| match read_dest(payload) {
            Some(server) => found.push(server),
            None => malformed = true,
        })?;
        if malformed { Err(SocketError::Malformed("a real server")) } else { Ok(found) }
    }

    /// How many real servers there are behind a virtual one.
    pub(crate) fn count_real_servers(&mut self, key: &ServerKey) -> Result<u64, SocketError> {
        let mut count = 0;
        self.each_real_server(key, |_| count += 1)?;
        Ok(count)
    }

    fn each_real_server(&mut self, key: &ServerKey, each: impl FnMut(&[u8])) -> Result<(), SocketError> {
        let which = |writer: &mut Writer| writer.nested(SERVICE, |writer| service_key(writer, key));
        self.ask(Command::GetDest, libc::NLM_F_DUMP as u16, which, each)
    }

    fn ask(
        &mut self,
        command: Command,
        flags: u16,
        attributes: impl FnOnce(&mut Writer),
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), SocketError> {
        self.socket.ask(self.family, flags, |writer| payload(writer, command, attributes), |_, payload| each(payload))
    }

    fn queue_real(&mut self, command: Command, key: &ServerKey, real: impl FnOnce(&mut Writer)) {
        self.queue(command, |writer| {
            writer.nested(SERVICE, |writer| service_key(writer, key));
            writer.nested(DEST, real);
        });
    }

    fn queue(&mut self, command: Command, attributes: impl FnOnce(&mut Writer)) {
        self.socket.queue(self.family, 0, |writer| payload(writer, command, attributes));
    }
}

const MALFORMED_SERVICE: SocketError = SocketError::Malformed("a virtual server");

fn payload(writer: &mut Writer, command: Command, attributes: impl FnOnce(&mut Writer)) {
    writer.header(&generic::header(command as u8, VERSION));
    attributes(writer);
}

fn service_key(writer: &mut Writer, key: &ServerKey) {
    writer.attribute(SERVICE_FAMILY, &family(key.address.ip()).to_ne_bytes());
    writer.attribute(SERVICE_PROTOCOL, &protocol_number(key.protocol).to_ne_bytes());
    writer.attribute(SERVICE_ADDRESS, &octets(key.address.ip()));
    writer.attribute(SERVICE_PORT, &key.address.port().to_be_bytes());
}

fn service(writer: &mut Writer, server: &VirtualServer) {
    let mut flags = [0xff; 8];
    flags[..4].copy_from_slice(&service_flags(server).to_ne_bytes());
    let seconds = server.persistence.map_or(0, |time| u32::try_from(time.as_secs()).unwrap_or(u32::MAX));
    // For IPv4 a mask in network byte order, but for IPv6 the prefix's length.
    let netmask = if server.key.address.is_ipv4() { u32::MAX } else { 128 };
    service_key(writer, &server.key);
    scheduler_attribute(writer, server.scheduler);
    writer.attribute(SERVICE_FLAGS, &flags);
    writer.attribute(SERVICE_TIMEOUT, &seconds.to_ne_bytes());
    writer.attribute(SERVICE_NETMASK, &netmask.to_ne_bytes());
}

/// The flags that kube-proxy gives a virtual server. With `mh` the client's port is hashed, too.
fn service_flags(server: &VirtualServer) -> u32 {
    let persistent = if server.persistence.is_some() { PERSISTENT } else { 0 };
    let maglev = if server.scheduler == Scheduler::MaglevHashing { MAGLEV_PORT } else { 0 };
    persistent | maglev
}

fn scheduler_attribute(writer: &mut Writer, scheduler: Scheduler) {
    let (name, mut terminated) = (scheduler.name().as_bytes(), [0; 8]);
    terminated[..name.len()].copy_from_slice(name);
    writer.attribute(SERVICE_SCHEDULER, &terminated[..=name.len()]);
}

fn dest_key(writer: &mut Writer, address: SocketAddr) {
    writer.attribute(DEST_ADDRESS, &octets(address.ip()));
    writer.attribute(DEST_PORT, &address.port().to_be_bytes());
    writer.attribute(DEST_FAMILY, &family(address.ip()).to_ne_bytes());
}

fn dest(writer: &mut Writer, server: &RealServer) {
    let forwarding = match server.forwarding {
        Forwarding::Masquerading => MASQUERADING,
        Forwarding::Tunnel => TUNNEL,
        Forwarding::DirectRouting => DIRECT_ROUTING,
    };
    dest_key(writer, server.address);
    writer.attribute(DEST_FORWARDING, &forwarding.to_ne_bytes());
    writer.attribute(DEST_WEIGHT, &server.weight.to_ne_bytes());
    // No thresholds. The kernel requires the attributes.
    writer.attribute(DEST_UPPER_THRESHOLD, &[0; 4]);
    writer.attribute(DEST_LOWER_THRESHOLD, &[0; 4]);
}

fn family(address: IpAddr) -> u16 {
    (if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 }) as u16
}

fn protocol_number(protocol: Protocol) -> u16 {
    (match protocol {
        Protocol::Tcp => libc::IPPROTO_TCP,
        Protocol::Udp => libc::IPPROTO_UDP,
        Protocol::Sctp => libc::IPPROTO_SCTP,
    }) as u16
}

/// An address as the kernel's `union nf_inet_addr`: IPv4 in the first 4 bytes.
fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => {
            let mut octets = [0; 16];
            octets[..4].copy_from_slice(&address.octets());
            octets
        }
        IpAddr::V6(address) => address.octets(),
    }
}

pub(crate) fn read_service(payload: &[u8]) -> Option<VirtualServer> {
    let (mut family, mut protocol, mut ip, mut port) = (None, None, None, None);
    let (mut scheduler, mut flags, mut timeout) = (None, None, None);
    for (kind, value) in attributes(attribute(payload.get(generic::HEADER..)?, SERVICE)?) {
        match kind {
            SERVICE_FAMILY => family = Some(u16::from_ne_bytes(value.try_into().ok()?)),
            SERVICE_PROTOCOL => protocol = Some(read_protocol(u16::from_ne_bytes(value.try_into().ok()?))?),
            SERVICE_ADDRESS => ip = Some(value),
            SERVICE_PORT => port = Some(u16::from_be_bytes(value.try_into().ok()?)),
            SERVICE_SCHEDULER => scheduler = Some(read_scheduler(value)?),
            SERVICE_FLAGS => flags = Some(u32::from_ne_bytes(*value.first_chunk()?)),
            SERVICE_TIMEOUT => timeout = Some(u32::from_ne_bytes(value.try_into().ok()?)),
            _ => {}
        }
    }
    let key = ServerKey { protocol: protocol?, address: SocketAddr::new(read_address(family?, ip?)?, port?) };
    let persistence = if flags? & PERSISTENT == 0 { None } else { Some(Duration::from_secs(timeout?.into())) };
    Some(VirtualServer { key, scheduler: scheduler?, persistence })
}

pub(crate) fn read_dest(payload: &[u8]) -> Option<RealServer> {
    let (mut family, mut ip, mut port, mut forwarding, mut weight) = (None, None, None, None, None);
    for (kind, value) in attributes(attribute(payload.get(generic::HEADER..)?, DEST)?) {
        match kind {
            DEST_FAMILY => family = Some(u16::from_ne_bytes(value.try_into().ok()?)),
            DEST_ADDRESS => ip = Some(value),
            DEST_PORT => port = Some(u16::from_be_bytes(value.try_into().ok()?)),
            DEST_FORWARDING => forwarding = Some(read_forwarding(u32::from_ne_bytes(value.try_into().ok()?))?),
            DEST_WEIGHT => weight = Some(u32::from_ne_bytes(value.try_into().ok()?)),
            _ => {}
        }
    }
    let address = SocketAddr::new(read_address(family?, ip?)?, port?);
    Some(RealServer { address, forwarding: forwarding?, weight: weight? })
}

fn read_protocol(number: u16) -> Option<Protocol> {
    [Protocol::Tcp, Protocol::Udp, Protocol::Sctp].into_iter().find(|protocol| protocol_number(*protocol) == number)
}

fn read_scheduler(name: &[u8]) -> Option<Scheduler> {
    let name = name.strip_suffix(&[0]).unwrap_or(name);
    Scheduler::ALL.iter().copied().find(|scheduler| scheduler.name().as_bytes() == name)
}

fn read_forwarding(method: u32) -> Option<Forwarding> {
    match method {
        MASQUERADING => Some(Forwarding::Masquerading),
        TUNNEL => Some(Forwarding::Tunnel),
        DIRECT_ROUTING => Some(Forwarding::DirectRouting),
        _ => None,
    }
}

fn read_address(family: u16, octets: &[u8]) -> Option<IpAddr> {
    match i32::from(family) {
        libc::AF_INET => Some(Ipv4Addr::from(*octets.first_chunk::<4>()?).into()),
        libc::AF_INET6 => Some(Ipv6Addr::from(*octets.first_chunk::<16>()?).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
