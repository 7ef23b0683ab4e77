//! The kernel's side of a network namespace: opens sockets, lists and counts.

use crate::ipvs::Ipvs;
use crate::link::{Links, is_missing};
use crate::socket::SocketError;
use lab_core::layout::{RealServer, ServerKey, VirtualServer};
use nix::errno::Errno;
use std::net::IpAddr;

/// The kernel, seen from the namespace in which this was opened.
#[derive(Debug)]
pub struct Kernel {
    pub(crate) ipvs: Ipvs,
    pub(crate) links: Links,
}

/// Why the kernel cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// ip_vs is neither built in nor a module that can be loaded from here.
    #[error("the kernel has no ip_vs; see whether it has the module with: modprobe ip_vs")]
    NoIpvs,
    /// The kernel does not answer.
    #[error(transparent)]
    Socket(#[from] SocketError),
}

/// What a namespace contains, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// IPVS's virtual servers.
    pub virtual_servers: u64,
    /// Their real servers. One behind several virtual servers counts several times.
    pub real_servers: u64,
    /// The addresses of the device in question.
    pub addresses: u64,
}

impl Kernel {
    /// Opens the sockets, in the calling thread's namespace. They stay there, whichever thread uses them.
    ///
    /// # Errors
    /// When the kernel lacks ip_vs, or netlink.
    pub fn open() -> Result<Self, OpenError> {
        let ipvs = Ipvs::open().map_err(|error| match error {
            SocketError::Refused(Errno::ENOENT) => OpenError::NoIpvs,
            error => error.into(),
        })?;
        Ok(Self { ipvs, links: Links::open()? })
    }

    /// Every virtual server with its real servers, in the kernel's order.
    ///
    /// # Errors
    /// When the kernel does not list them, or a server is of a kind that the lab does not use.
    pub fn list(&mut self) -> Result<Vec<(VirtualServer, Vec<RealServer>)>, SocketError> {
        self.list_of(|_| true)
    }

    /// The virtual servers that `which` picks, with their real servers.
    ///
    /// # Errors
    /// Those of [`list`](Self::list).
    pub fn list_of(
        &mut self,
        which: impl Fn(&ServerKey) -> bool,
    ) -> Result<Vec<(VirtualServer, Vec<RealServer>)>, SocketError> {
        let mut servers = self.ipvs.virtual_servers()?;
        servers.retain(|server| which(&server.key));
        servers.into_iter().map(|server| Ok((server, self.ipvs.real_servers(&server.key)?))).collect()
    }

    /// The addresses of `device`; empty if there is no such device.
    ///
    /// # Errors
    /// When the kernel does not list them.
    pub fn addresses(&mut self, device: &str) -> Result<Vec<IpAddr>, SocketError> {
        match self.links.index(device) {
            Ok(index) => self.links.addresses(index),
            Err(error) if is_missing(error) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Counts the servers, and the addresses of `device`.
    ///
    /// This takes a dump for each virtual server: the kernel does not say how many real servers it has.
    ///
    /// # Errors
    /// Those of [`list`](Self::list) and [`addresses`](Self::addresses).
    pub fn count(&mut self, device: &str) -> Result<Counts, SocketError> {
        let servers = self.ipvs.virtual_servers()?;
        let mut counts = Counts { virtual_servers: servers.len() as u64, ..Counts::default() };
        for server in servers {
            counts.real_servers += self.ipvs.count_real_servers(&server.key)?;
        }
        counts.addresses = self.addresses(device)?.len() as u64;
        Ok(counts)
    }
}
