//! Which rules a backend installs: rules as values, printed as the tools' own input.
//!
//! Pure: a layout says what the tools are to be called with; calling them is the harness's. Which layouts there are is the
//! table in [`release`].

mod action;
mod count;
mod hash;
pub mod iptables;
pub mod ipvs;
pub mod nftables;
pub mod release;
mod show;
mod text;

pub use action::{Action, Pace, Part, RealServer, Request, ServerKey, VirtualServer};
use count::Count;
pub use iptables::Iptables;
pub use ipvs::Ipvs;
pub use nftables::Nftables;

use crate::change::Change;
use crate::cluster::{Cluster, Family, SERVICE_RANGE, ServicePort};
use crate::vocabulary::{LayoutName, Position, Way};
use std::collections::HashSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// The family that layouts program. They leave out the ports of the other one.
const FAMILY: Family = Family::V4;

/// A command-line tool that programs the kernel. Which binary it is (legacy or nft variant) is the backend's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tool {
    /// `iptables`: one rule or chain a call.
    Iptables,
    /// `iptables-restore`: many at once, from its standard input.
    IptablesRestore,
    /// `nft`.
    Nft,
    /// `ipset`.
    Ipset,
    /// `ipvsadm`.
    Ipvsadm,
}

impl Tool {
    /// Its name, that of the variant which is the system's default.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Iptables => "iptables",
            Self::IptablesRestore => "iptables-restore",
            Self::Nft => "nft",
            Self::Ipset => "ipset",
            Self::Ipvsadm => "ipvsadm",
        }
    }
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
    /// IPVS's virtual servers.
    pub virtual_servers: u64,
    /// IPVS's real servers, behind all virtual ones.
    pub real_servers: u64,
    /// Cluster IPs bound to a device of the node's.
    pub addresses: u64,
}

impl fmt::Display for Installed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rules, chains, set_elements, virtual_servers, real_servers, addresses } = self;
        write!(out, "{rules} rules, {chains} chains and {set_elements} set elements")?;
        match virtual_servers + real_servers + addresses {
            0 => Ok(()),
            _ => write!(
                out,
                ", {virtual_servers} virtual servers, {real_servers} real servers and {addresses} addresses"
            ),
        }
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

/// Which rules a backend installs for a cluster, and what installs them.
pub trait Layout: Send + Sync {
    /// The layout's name in datasets: whose rules these are.
    fn name(&self) -> LayoutName;
    /// How it applies changes.
    fn way(&self) -> Way;
    /// The tool that syncs call.
    fn sync_tool(&self) -> Tool;
    /// What is set up once, before the first sync, and does not depend on the Services.
    fn prepare(&self) -> Vec<Action>;
    /// Empty node to the whole of `cluster`.
    fn full_sync(&self, cluster: &Cluster) -> Vec<Action>;
    /// Empty node to the whole of `cluster` by the quickest way there is, preparations included: for a node that is to be
    /// asked, where the load itself is not measured. What is installed in the end is the same.
    fn quick_load(&self, cluster: &Cluster) -> Vec<Action> {
        [self.prepare(), self.full_sync(cluster)].concat()
    }
    /// From `change.before` to `change.after`.
    fn partial_sync(&self, change: &Change) -> Vec<Action>;
    /// What kube-proxy removes only some time after the change (stale chains).
    fn cleanup(&self, change: &Change) -> Vec<Action>;
    /// From any state to that of a node that was not prepared yet, as a restart that cleans up does (`kube-proxy
    /// --cleanup`). What `prepare` sets up is gone as well, but for kernel parameters.
    fn flush(&self) -> Vec<Action>;
    /// One more rule on top of `cluster`.
    fn append_rule(&self, cluster: &Cluster) -> Append;
    /// What a node holds once `cluster` is in force: what a full sync writes, counted on the walk over it.
    fn installed(&self, cluster: &Cluster) -> Installed;
}

/// The port that an appended rule leads to: the middle one, or else any that has endpoints.
fn append_service(cluster: &Cluster) -> Option<ServicePort<'_>> {
    let middle = cluster.port_at(Position::Middle, FAMILY);
    middle.into_iter().chain(cluster.ports(FAMILY)).find(|service| service.has_endpoints())
}

/// A cluster IP that no Service has, for an appended rule to match.
fn unused_cluster_ip(cluster: &Cluster) -> IpAddr {
    let used: HashSet<Ipv4Addr> = cluster.services.iter().filter_map(|service| service.cluster_ips.v4).collect();
    // The range's first address is the API server's.
    let mut free = SERVICE_RANGE.hosts().skip(1);
    free.find(|address| !used.contains(address))
        .expect("a cluster has fewer Services than the service range has addresses")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::AddressPlan;

    #[test]
    fn an_unused_cluster_ip_is_the_first_that_no_service_has() {
        let mut cluster = Cluster::generate(300_000, &AddressPlan::new(0));
        assert_eq!(unused_cluster_ip(&cluster), IpAddr::from([10, 96, 0, 2]));
        // Looking through all Services for every address, this would take minutes.
        for (place, service) in (2..).zip(&mut cluster.services) {
            service.cluster_ips.v4 = Some(Ipv4Addr::from_bits(SERVICE_RANGE.network().to_bits() + place));
        }
        assert_eq!(unused_cluster_ip(&cluster), IpAddr::from([10, 100, 147, 226]));
    }
}
