//! Which rules a backend installs: rules as values, printed as the tools' own input.
//!
//! Pure: a layout says what the tools are to be called with; calling them is the harness's.

mod hash;
pub mod iptables;
pub mod nftables;
mod text;

pub use iptables::Iptables;
pub use nftables::Nftables;

use crate::change::Change;
use crate::cluster::{Cluster, SERVICE_RANGE, ServicePort};
use std::fmt;
use std::net::Ipv4Addr;

/// A command-line tool that programs the kernel. Which binary it is (legacy or nft variant) is the backend's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tool {
    /// `iptables`: one rule or chain a call.
    Iptables,
    /// `iptables-restore`: many at once, from its standard input.
    IptablesRestore,
    /// `nft`.
    Nft,
}

/// One call of a tool: its arguments and what it reads on standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The tool.
    pub tool: Tool,
    /// Its arguments, without its name.
    pub args: Vec<String>,
    /// Its standard input; empty when it reads none.
    pub stdin: Vec<u8>,
}

/// How much of what is in the kernel once a cluster is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Installed {
    /// Rules, jumps from the base chains included, chain policies not.
    pub rules: u64,
    /// Chains the layout makes; in iptables the built-in ones are the tool's and do not count.
    pub chains: u64,
    /// Elements of named sets and maps.
    pub set_elements: u64,
}

impl fmt::Display for Installed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rules, chains, set_elements } = self;
        write!(out, "{rules} rules, {chains} chains and {set_elements} set elements")
    }
}

/// One rule added by the command-line tool, and how to take it away again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Adds the rule.
    pub add: Invocation,
    /// Restores the state before.
    pub undo: Invocation,
}

/// Which rules a backend installs for a cluster, and the calls that install them.
pub trait Layout: Send + Sync {
    /// The layout's name in datasets: whose rules these are.
    fn name(&self) -> &'static str;
    /// The tool that syncs call.
    fn sync_tool(&self) -> Tool;
    /// What is set up once, before the first sync, and does not depend on the Services.
    fn prepare(&self) -> Vec<Invocation>;
    /// Empty node to the whole of `cluster`.
    fn full_sync(&self, cluster: &Cluster) -> Invocation;
    /// From `change.before` to `change.after`, as kube-proxy does it.
    fn partial_sync(&self, change: &Change) -> Invocation;
    /// What kube-proxy removes only some time after the change (stale chains); `None` when nothing is left over.
    fn cleanup(&self, change: &Change) -> Option<Invocation>;
    /// One more rule on top of `cluster`.
    fn append_rule(&self, cluster: &Cluster) -> Append;
    /// What a node holds once `cluster` is in force, by arithmetic rather than by counting what was printed.
    fn installed(&self, cluster: &Cluster) -> Installed;
}

/// The Service that an appended rule leads to: the middle one, or else any that has endpoints.
fn append_service(cluster: &Cluster) -> Option<&ServicePort> {
    let middle = cluster.middle().map(|place| &cluster.services[place]);
    middle.into_iter().chain(&cluster.services).find(|service| !service.endpoints.is_empty())
}

/// A cluster IP that no Service has, for an appended rule to match.
fn unused_cluster_ip(cluster: &Cluster) -> Ipv4Addr {
    // The range's first address is the API server's.
    let mut free = SERVICE_RANGE.hosts().skip(1);
    free.find(|&address| cluster.services.iter().all(|service| service.cluster_ip != address))
        .expect("a cluster has fewer Services than the service range has addresses")
}
