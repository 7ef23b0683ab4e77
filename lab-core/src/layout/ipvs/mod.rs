//! kube-proxy's ipvs mode as of 1.30: ClusterIP Services over IPv4, in kube-proxy's own way or with less around it.
//!
//! What it leaves out: the IPv6 twin of everything; the list of the addresses of every other device, which only
//! NodePorts need; `conntrack -D` after a change to a UDP Service; and a removed real server that still has
//! connections, which kube-proxy keeps at weight 0 until they are gone. Endpoints count as other nodes', so that
//! KUBE-LOOP-BACK, which is for hairpins, stays empty.

mod rules;
mod sets;
mod sync;

pub use sets::MOST_ENTRIES;

use super::iptables::{Table, empty};
use crate::change::Change;
use crate::cluster::{Cluster, POD_RANGE, Protocol, SERVICE_PORT};
use crate::layout::{
    Action, Append, Count, Installed, Invocation, Layout, Pace, Request, ServerKey, Tool, VirtualServer,
    unused_cluster_ip,
};
use crate::vocabulary::{Forwarding, LayoutName, Scheduler, Way};
use ipnet::Ipv4Net;
use std::net::SocketAddr;
use std::time::Duration;
use sync::Sync;

/// The device that holds every cluster IP, so that the node takes packets to them for its own.
pub const DEVICE: &str = "kube-ipvs0";

/// Kernel parameters, in the order in which kube-proxy sets them. Kernels before 5.9 need `conn_reuse_mode` too.
const PARAMETERS: [(&str, &str); 4] = [
    ("net/ipv4/vs/conntrack", "1"),
    ("net/ipv4/vs/expire_nodest_conn", "1"),
    ("net/ipv4/vs/expire_quiescent_template", "1"),
    ("net/ipv4/ip_forward", "1"),
];

/// The layout of kube-proxy 1.30's ipvs mode, the same for the legacy and the nf_tables variant of iptables.
///
/// At most [`MOST_ENTRIES`] Services fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipvs {
    /// Sources within it are pods; what comes from elsewhere is masqueraded on its way to a Service.
    pub cluster_cidr: Ipv4Net,
    /// How real servers are picked.
    pub scheduler: Scheduler,
    /// How packets are handed on to them; kube-proxy knows masquerading alone.
    pub forwarding: Forwarding,
    /// For how long a client stays with its real server: kube-proxy's session affinity, for all Services or none.
    pub persistence: Option<Duration>,
    /// One of the ways of [`BackendName::Ipvs`](crate::vocabulary::BackendName::Ipvs); any other is kube-proxy's.
    pub way: Way,
}

/// For the lab's own pods, as kube-proxy does it unless told otherwise.
impl Default for Ipvs {
    fn default() -> Self {
        Self {
            cluster_cidr: POD_RANGE,
            scheduler: Scheduler::RoundRobin,
            forwarding: Forwarding::Masquerading,
            persistence: None,
            way: Way::KubeProxy,
        }
    }
}

impl Layout for Ipvs {
    fn name(&self) -> LayoutName {
        LayoutName::KubeProxy130
    }

    fn way(&self) -> Way {
        self.way
    }

    fn sync_tool(&self) -> Tool {
        Tool::Ipset
    }

    /// The kernel parameters and the device; the chains and jumps too, unless every sync looks after them.
    fn prepare(&self) -> Vec<Action> {
        let parameters = PARAMETERS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut actions = vec![Action::Set(parameters.to_vec())];
        if let Way::Batched | Way::Ipvsadm = self.way {
            actions.extend(rules::make());
        }
        actions.push(Action::Ask(Pace::OneByOne, vec![Request::AddDevice(DEVICE)]));
        actions
    }

    fn full_sync(&self, cluster: &Cluster) -> Vec<Action> {
        Sync::full(self, cluster).actions()
    }

    /// Batched, whatever its way is.
    fn quick_load(&self, cluster: &Cluster) -> Vec<Action> {
        let batched = Self { way: Way::Batched, ..*self };
        [batched.prepare(), batched.full_sync(cluster)].concat()
    }

    /// In kube-proxy's way as much as there are Services: it looks at every one of them, and writes all rules anew.
    fn partial_sync(&self, change: &Change) -> Vec<Action> {
        Sync::partial(self, change).actions()
    }

    /// Nothing: a sync leaves nothing behind.
    fn cleanup(&self, _: &Change) -> Vec<Action> {
        Vec::new()
    }

    /// In kube-proxy's order, the sets last: rules refer to them. The tables are emptied where it deletes its chains by
    /// name, and one process destroys all sets, of which the node has no others.
    fn flush(&self) -> Vec<Action> {
        let mut actions = vec![Action::Ask(Pace::OneByOne, vec![Request::Clear, Request::RemoveDevice(DEVICE)])];
        actions.push(empty(&[Table::Nat, Table::Filter]).into());
        actions.push(sets::destroy());
        actions
    }

    /// A virtual server without real ones, at a cluster IP that no Service has.
    fn append_rule(&self, cluster: &Cluster) -> Append {
        let address = SocketAddr::new(unused_cluster_ip(cluster), SERVICE_PORT);
        let key = ServerKey { protocol: Protocol::Tcp, address };
        let server = VirtualServer { key, scheduler: self.scheduler, persistence: self.persistence };
        let call = |request: Request| {
            let args = request.ipvsadm().to_string().split(' ').map(str::to_owned).collect();
            Invocation { tool: Tool::Ipvsadm, args, stdin: Vec::new() }
        };
        Append { add: call(Request::AddVirtualServer(server)), undo: call(Request::RemoveVirtualServer(key)) }
    }

    fn installed(&self, cluster: &Cluster) -> Installed {
        let mut count = Count::default();
        Sync::full(self, cluster).count(&mut count);
        count.installed
    }
}
