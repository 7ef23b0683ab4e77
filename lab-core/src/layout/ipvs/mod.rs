//! kube-proxy's ipvs mode as of 1.30: cluster IPs over IPv4, in kube-proxy's own way or with fewer calls.
//!
//! It leaves out:
//! - IPv6;
//! - the list of the addresses of every other device, which only node ports need;
//! - `conntrack -D` after a change to a UDP Service;
//! - graceful termination: kube-proxy keeps a removed real server at weight 0 while it has connections;
//! - KUBE-LOOP-BACK, which is for hairpins: all endpoints count as those of other nodes.

mod rules;
mod sets;
mod sync;

pub use sets::MOST_ENTRIES;

use super::iptables::Table;
use crate::change::Change;
use crate::cluster::{Cluster, POD_RANGE, Protocol, SERVICE_PORT};
use crate::layout::{
    Action, Append, Count, Installed, Invocation, Layout, Pace, Request, ServerKey, Tool, VirtualServer,
    unused_cluster_ip,
};
use crate::proxy_config::ProxyConfig;
use crate::vocabulary::{Forwarding, LayoutName, Scheduler, Way};
use ipnet::Ipv4Net;
use std::net::SocketAddr;
use sync::Sync;

/// The device that holds every cluster IP, so that the node accepts packets to them.
pub const DEVICE: &str = "kube-ipvs0";

/// Kernel parameters, in the order in which kube-proxy sets them. Kernels before 5.9 need `conn_reuse_mode` too.
const PARAMETERS: [(&str, &str); 4] = [
    ("net/ipv4/vs/conntrack", "1"),
    ("net/ipv4/vs/expire_nodest_conn", "1"),
    ("net/ipv4/vs/expire_quiescent_template", "1"),
    ("net/ipv4/ip_forward", "1"),
];

/// The layout of kube-proxy 1.30's ipvs mode. It is the same for the legacy and the nf_tables variant of iptables.
///
/// At most [`MOST_ENTRIES`] Services fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipvs {
    /// The pods' network. Traffic to a Service from outside it is masqueraded.
    pub cluster_cidr: Ipv4Net,
    /// How real servers are picked.
    pub scheduler: Scheduler,
    /// How packets are forwarded to them. kube-proxy only has masquerading.
    pub forwarding: Forwarding,
    /// One of the ways of [`BackendName::Ipvs`](crate::vocabulary::BackendName::Ipvs). Any other means kube-proxy's.
    pub way: Way,
}

/// For the lab's own pods, with kube-proxy's defaults.
impl Default for Ipvs {
    fn default() -> Self {
        Self {
            cluster_cidr: POD_RANGE,
            scheduler: Scheduler::RoundRobin,
            forwarding: Forwarding::Masquerading,
            way: Way::KubeProxy,
        }
    }
}

impl Ipvs {
    /// With the settings of `config`.
    #[must_use]
    pub fn new(config: &ProxyConfig) -> Self {
        Self { cluster_cidr: config.ipv4_cluster_cidr(), ..Self::default() }
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

    /// The kernel parameters and the device. Also the chains and jumps, unless every sync makes sure of them.
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

    /// Always batched.
    fn quick_load(&self, cluster: &Cluster) -> Vec<Action> {
        let batched = Self { way: Way::Batched, ..*self };
        [batched.prepare(), batched.full_sync(cluster)].concat()
    }

    /// In kube-proxy's way this looks at every Service and rewrites all rules.
    fn partial_sync(&self, change: &Change) -> Vec<Action> {
        Sync::partial(self, change).actions()
    }

    /// Nothing: a sync leaves nothing stale.
    fn cleanup(&self, _: &Change) -> Vec<Action> {
        Vec::new()
    }

    /// In kube-proxy's order. The sets come last, because rules refer to them. kube-proxy deletes its own chains and sets
    /// by name, but a node of the lab has no others.
    fn flush(&self) -> Vec<Action> {
        let mut actions = vec![Action::Ask(Pace::OneByOne, vec![Request::Clear, Request::RemoveDevice(DEVICE)])];
        actions.push(rules::TOOLS.empty(&[Table::Nat, Table::Filter]).into());
        actions.push(sets::destroy());
        actions
    }

    /// A virtual server without real servers, at an unused cluster IP.
    fn append_rule(&self, cluster: &Cluster) -> Append {
        let address = SocketAddr::new(unused_cluster_ip(cluster), SERVICE_PORT);
        let key = ServerKey { protocol: Protocol::Tcp, address };
        let server = VirtualServer { key, scheduler: self.scheduler, persistence: None };
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
