//! What is done to a node, as values: calls of tools, and requests to the kernel for what has no tool of its own.

use super::Invocation;
use crate::cluster::Protocol;
use crate::vocabulary::{Forwarding, Scheduler};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Which part of a node's state something is about.
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
}

/// One thing that is done to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A tool is called.
    Call(Part, Invocation),
    /// A tool is called that may refuse, with exit status 1: the chain is there already, the rule is not.
    Try(Part, Invocation),
    /// The kernel is asked over netlink, in this order.
    Ask(Pace, Vec<Request>),
    /// Kernel parameters are set, by their names below `/proc/sys`, such as `net/ipv4/vs/conntrack`.
    Set(Vec<(String, String)>),
}

impl Action {
    /// The call, when it is one, whether or not the tool may refuse.
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
    /// Many a message; only the last one is acknowledged, errors come back all the same.
    Batched,
}

/// What the kernel is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// A dummy device of this name, down as it is born; one that is there already is left alone.
    AddDevice(&'static str),
    /// A device gone, its addresses with it.
    RemoveDevice(&'static str),
    /// A device, looked up by its name.
    GetDevice(&'static str),
    /// The addresses of a device, listed.
    ListAddresses(&'static str),
    /// An address with the prefix of a single host, bound to a device; one that is bound already stays.
    AddAddress(&'static str, IpAddr),
    /// An address taken from a device.
    RemoveAddress(&'static str, IpAddr),
    /// A new virtual server.
    AddVirtualServer(VirtualServer),
    /// What the kernel knows of one virtual server; that it has none is an answer too.
    GetVirtualServer(ServerKey),
    /// Every virtual server, listed.
    ListVirtualServers,
    /// Every virtual server gone, their real servers with them.
    Clear,
    /// A virtual server gone, its real servers with it.
    RemoveVirtualServer(ServerKey),
    /// A new real server behind a virtual one.
    AddRealServer(ServerKey, RealServer),
    /// A real server's weight or forwarding is another than before.
    UpdateRealServer(ServerKey, RealServer),
    /// The real servers behind a virtual one, listed.
    ListRealServers(ServerKey),
    /// A real server gone.
    RemoveRealServer(ServerKey, SocketAddr),
}

impl Request {
    /// What it is about.
    #[must_use]
    pub fn part(&self) -> Part {
        match self {
            Self::AddDevice(_)
            | Self::RemoveDevice(_)
            | Self::GetDevice(_)
            | Self::ListAddresses(_)
            | Self::AddAddress(..)
            | Self::RemoveAddress(..) => Part::Addresses,
            Self::AddVirtualServer(_)
            | Self::GetVirtualServer(_)
            | Self::ListVirtualServers
            | Self::Clear
            | Self::RemoveVirtualServer(_)
            | Self::AddRealServer(..)
            | Self::UpdateRealServer(..)
            | Self::ListRealServers(_)
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
    /// For how long a client is sent to the same real server; `None` for no such thing. The kernel counts in whole
    /// seconds.
    pub persistence: Option<Duration>,
}

impl VirtualServer {
    /// Whether the scheduler looks at the client's port too (`IP_VS_SVC_F_SCHED_MH_PORT`): so kube-proxy has it for
    /// Maglev hashing, where otherwise a client would have one real server for all its connections.
    #[must_use]
    pub fn hashes_ports(&self) -> bool {
        self.scheduler == Scheduler::MaglevHashing
    }
}

/// An IPVS real server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RealServer {
    /// Where it listens. Its port is the virtual server's with direct routing and tunnels, which rewrite nothing.
    pub address: SocketAddr,
    /// How packets are handed on to it.
    pub forwarding: Forwarding,
    /// Its share of new connections; 0 gets none, but keeps those it has.
    pub weight: u32,
}
