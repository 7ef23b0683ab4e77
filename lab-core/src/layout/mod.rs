//! Which rules a backend installs: rules as values, printed as the tools' own input.
//!
//! Pure: a layout says what to call the tools with, and the harness calls them. The table in [`release`] lists all
//! layouts.

mod action;
mod caveat;
mod count;
mod failing;
mod hash;
pub mod iptables;
pub mod ipvs;
pub mod nftables;
mod one_by_one;
pub mod release;
mod show;
mod text;

pub use action::{Action, Pace, Part, RealServer, Request, ServerKey, VirtualServer};
pub use caveat::{Caveat, Severity};
use count::Count;
pub use failing::failing;
pub use iptables::Iptables;
pub use ipvs::Ipvs;
pub use nftables::Nftables;

use crate::change::Change;
use crate::cluster::{Cluster, Family, SERVICE_RANGE, ServicePort};
use crate::vocabulary::{LayoutName, Position, Way};
pub use one_by_one::one_by_one;
use std::collections::HashSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// The address family that layouts program. They leave out the other one.
const FAMILY: Family = Family::V4;

/// A command-line tool that programs the kernel. The backend chooses the binary: the legacy or the nft variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tool {
    /// `iptables`: one rule or chain in each call.
    Iptables,
    /// `iptables-restore`: many at once, from its standard input.
    IptablesRestore,
    /// `iptables-save`: lists them.
    IptablesSave,
    /// `ip6tables`.
    Ip6tables,
    /// `ip6tables-restore`.
    Ip6tablesRestore,
    /// `ip6tables-save`.
    Ip6tablesSave,
    /// `nft`.
    Nft,
    /// `ipset`.
    Ipset,
    /// `ipvsadm`.
    Ipvsadm,
    /// `conntrack`.
    Conntrack,
}

impl Tool {
    /// Every tool.
    pub const ALL: &[Self] = &[
        Self::Iptables,
        Self::IptablesRestore,
        Self::IptablesSave,
        Self::Ip6tables,
        Self::Ip6tablesRestore,
        Self::Ip6tablesSave,
        Self::Nft,
        Self::Ipset,
        Self::Ipvsadm,
        Self::Conntrack,
    ];

    /// The name of the system's default variant.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Iptables => "iptables",
            Self::IptablesRestore => "iptables-restore",
            Self::IptablesSave => "iptables-save",
            Self::Ip6tables => "ip6tables",
            Self::Ip6tablesRestore => "ip6tables-restore",
            Self::Ip6tablesSave => "ip6tables-save",
            Self::Nft => "nft",
            Self::Ipset => "ipset",
            Self::Ipvsadm => "ipvsadm",
            Self::Conntrack => "conntrack",
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

/// What the kernel holds after a cluster was installed, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Installed {
    /// Rules, with the jumps from base chains, without chain policies.
    pub rules: u64,
    /// Chains that the layout makes. The built-in chains of iptables do not count.
    pub chains: u64,
    /// Elements of named sets and maps.
    pub set_elements: u64,
    /// IPVS's virtual servers.
    pub virtual_servers: u64,
    /// IPVS's real servers, of all virtual servers together.
    pub real_servers: u64,
    /// Cluster IPs that are bound to a device of the node.
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

/// One rule added by the command-line tool, and how to remove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Adds the rule.
    pub add: Invocation,
    /// Restores the state before.
    pub undo: Invocation,
}

/// Which rules a backend installs for a cluster, and what installs them.
pub trait Layout: Send + Sync {
    /// The layout's name in datasets.
    fn name(&self) -> LayoutName;
    /// How it applies changes.
    fn way(&self) -> Way;
    /// The tool that syncs call.
    fn sync_tool(&self) -> Tool;
    /// What is set up once before the first sync. It does not depend on the Services.
    fn prepare(&self) -> Vec<Action>;
    /// From an empty node to `cluster`.
    fn full_sync(&self, cluster: &Cluster) -> Vec<Action>;
    /// From an empty node to `cluster` in the quickest way, with the preparations. It is used if the load itself is not
    /// measured. The result is the same.
    fn quick_load(&self, cluster: &Cluster) -> Vec<Action> {
        [self.prepare(), self.full_sync(cluster)].concat()
    }
    /// From `change.before` to `change.after`.
    fn partial_sync(&self, change: &Change) -> Vec<Action>;
    /// Everything is written again to a node that holds `cluster`, as once each `syncPeriod`. A jump is there already, so its
    /// check (`-C`) finds it, and it is not inserted.
    fn resync(&self, cluster: &Cluster) -> Vec<Action> {
        let inserts = |call: &Invocation| {
            matches!(call.tool, Tool::Iptables | Tool::Ip6tables) && call.args.iter().any(|word| word == "-I")
        };
        let mut actions = self.full_sync(cluster);
        actions.retain(|action| !action.call().is_some_and(inserts));
        actions
    }
    /// What a kube-proxy does that starts on a node which holds `cluster`: it prepares the node, and writes everything. A chain
    /// that it makes may be there already.
    fn restart(&self, cluster: &Cluster) -> Vec<Action> {
        let mut actions = self.prepare();
        for action in &mut actions {
            if let Action::Call(part, call) = action
                && call.args.iter().any(|word| word == "-N")
            {
                *action = Action::Try(*part, call.clone());
            }
        }
        actions.extend(self.resync(cluster));
        actions
    }
    /// What kube-proxy removes some time after the change: stale chains.
    fn cleanup(&self, change: &Change) -> Vec<Action>;
    /// From `cluster` to a node that was not prepared, as `kube-proxy --cleanup` does. Only the kernel parameters that
    /// `prepare` sets stay.
    fn flush(&self, cluster: &Cluster) -> Vec<Action>;
    /// One more rule on top of `cluster`.
    fn append_rule(&self, cluster: &Cluster) -> Append;
    /// What a node holds with `cluster`: the rules of a full sync, counted instead of printed.
    fn installed(&self, cluster: &Cluster) -> Installed;
    /// What of `cluster` the layout leaves out or a tool would refuse, and what kube-proxy does with it, by object.
    fn caveats(&self, cluster: &Cluster) -> Vec<Caveat> {
        Caveat::of_names(cluster)
    }
}

/// The port that an appended rule leads to: the middle one or, if that has no endpoints, the first one that has any.
fn append_service(cluster: &Cluster) -> Option<ServicePort<'_>> {
    let middle = cluster.port_at(Position::Middle, FAMILY);
    middle.into_iter().chain(cluster.ports(FAMILY)).find(|service| service.has_endpoints())
}

/// A cluster IP that no Service has. An appended rule matches it.
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
    use std::sync::Arc;

    #[test]
    fn an_unused_cluster_ip_is_the_first_that_no_service_has() {
        let mut cluster = Cluster::generate(300_000, &AddressPlan::new(0));
        assert_eq!(unused_cluster_ip(&cluster), IpAddr::from([10, 96, 0, 2]));
        // Looking through all Services for every address, this would take minutes.
        for (place, service) in (2..).zip(&mut cluster.services) {
            Arc::make_mut(service).cluster_ips.v4 =
                Some(Ipv4Addr::from_bits(SERVICE_RANGE.network().to_bits() + place));
        }
        assert_eq!(unused_cluster_ip(&cluster), IpAddr::from([10, 100, 147, 226]));
    }
}
