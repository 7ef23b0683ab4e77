//! What is done to a node, as values: calls of tools, and requests to the kernel where there is no tool.

use super::Invocation;
use crate::cluster::Protocol;
use crate::vocabulary::{Forwarding, Scheduler};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A part of a node's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// iptables or nftables: tables, chains, rules, nftables' own sets.
    Rules,
    /// ipsets and their entries.
    Sets,
    /// Addresses bound to a device of the node's.
    Addresses,
    /// IPVS's virtual and real servers.
    VirtualServers,
    /// What is listed before anything is written. It changes nothing.
    Reads,
    /// Entries of conntrack that are removed.
    Conntrack,
}

/// One thing that is done to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A tool is called.
    Call(Part, Invocation),
    /// A tool is called that may refuse, because the chain exists or the rule does not; and that may be missing, if the
    /// release only tries it.
    Try(Part, Invocation),
    /// The kernel is asked over netlink, in this order.
    Ask(Pace, Vec<Request>),
    /// Kernel parameters are set, by their names below `/proc/sys`, such as `net/ipv4/vs/conntrack`.
    Set(Vec<(String, String)>),
}

impl Action {
    /// The call, if it is one. The tool may refuse or not.
    #[must_use]
    pub fn call(&self) -> Option<&Invocation> {
        match self {
            Self::Call(_, call) | Self::Try(_, call) => Some(call),
            Self::Ask(..) | Self::Set(_) => None,
        }
    }
}

/// A call about rules.
impl From<Invocation> for Action {
    fn from(call: Invocation) -> Self {
        Self::Call(Part::Rules, call)
    }
}

/// How requests go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pace {
    /// One at a time, each answered before the next.
    OneByOne,
    /// Many in a message. Only the last one is acknowledged, but errors are reported for all.
    Batched,
}

/// What the kernel is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Adds an nfacct counter, which iptables rules count with. An existing one is left alone.
    AddCounter(&'static str),
    /// Adds a dummy device, which is down. An existing one is left alone.
    AddDevice(&'static str),
    /// Removes a device and its addresses.
    RemoveDevice(&'static str),
    /// Looks a device up by its name.
    GetDevice(&'static str),
    /// Lists the addresses of a device.
    ListAddresses(&'static str),
    /// Lists the addresses of every other device, one device after the other.
    ListOtherAddresses(&'static str),
    /// Lists the routes to the node's own addresses.
    ListLocalRoutes,
    /// Binds an address to a device, with a single host's prefix. An address that is already bound stays.
    AddAddress(&'static str, IpAddr),
    /// Removes an address from a device.
    RemoveAddress(&'static str, IpAddr),
    /// Adds a virtual server.
    AddVirtualServer(VirtualServer),
    /// Changes a virtual server's scheduler or persistence. Its real servers stay.
    UpdateVirtualServer(VirtualServer),
    /// Looks up one virtual server, which need not exist.
    GetVirtualServer(ServerKey),
    /// Lists all virtual servers.
    ListVirtualServers,
    /// Removes all virtual servers and their real servers.
    Clear,
    /// Removes a virtual server and its real servers.
    RemoveVirtualServer(ServerKey),
    /// Adds a real server to a virtual server.
    AddRealServer(ServerKey, RealServer),
    /// Changes a real server's weight or forwarding.
    UpdateRealServer(ServerKey, RealServer),
    /// Lists the real servers of a virtual server.
    ListRealServers(ServerKey),
    /// Removes a real server.
    RemoveRealServer(ServerKey, SocketAddr),
}

impl Request {
    /// What it is about.
    #[must_use]
    pub fn part(&self) -> Part {
        match self {
            Self::GetDevice(_)
            | Self::ListAddresses(_)
            | Self::ListOtherAddresses(_)
            | Self::ListLocalRoutes
            | Self::GetVirtualServer(_)
            | Self::ListVirtualServers
            | Self::ListRealServers(_) => Part::Reads,
            Self::AddCounter(_) => Part::Rules,
            Self::AddDevice(_) | Self::RemoveDevice(_) | Self::AddAddress(..) | Self::RemoveAddress(..) => {
                Part::Addresses
            }
            Self::AddVirtualServer(_)
            | Self::UpdateVirtualServer(_)
            | Self::Clear
            | Self::RemoveVirtualServer(_)
            | Self::AddRealServer(..)
            | Self::UpdateRealServer(..)
            | Self::RemoveRealServer(..) => Part::VirtualServers,
        }
    }
}

/// What tells one virtual server from every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerKey {
    /// The protocol.
    pub protocol: Protocol,
    /// The virtual address and port.
    pub address: SocketAddr,
}

/// An IPVS virtual server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualServer {
    /// Its address, port and protocol.
    pub key: ServerKey,
    /// How it picks a real server for a new connection.
    pub scheduler: Scheduler,
    /// How long a client stays with its real server, in whole seconds; `None` without affinity.
    pub persistence: Option<Duration>,
}

impl VirtualServer {
    /// Whether the scheduler hashes the client's port, too (`IP_VS_SVC_F_SCHED_MH_PORT`). kube-proxy sets this for Maglev
    /// hashing. Otherwise all connections of a client would go to one real server.
    #[must_use]
    pub fn hashes_ports(&self) -> bool {
        self.scheduler == Scheduler::MaglevHashing
    }
}

/// An IPVS real server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RealServer {
    /// Where it listens. Direct routing and tunnels rewrite nothing, so there its port is the virtual server's.
    pub address: SocketAddr,
    /// How packets are forwarded to it.
    pub forwarding: Forwarding,
    /// Its share of new connections. With 0 it only keeps those that it has.
    pub weight: u32,
}
