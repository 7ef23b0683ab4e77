//! kube-proxy's ipvs mode as of 1.20 and 1.30, in kube-proxy's own way or with fewer calls.
//!
//! 1.30 runs a proxier for each family; 1.20 one, for IPv4 here.
//!
//! What differs from kube-proxy:
//! - Graceful termination: kube-proxy keeps a removed TCP or SCTP real server at weight 0 while it has connections, and
//!   looks once a minute whether they are gone. Here it is removed at once, as kube-proxy does with one without any;
//!   [`draining()`] gives it weight 0.
//! - `conn_reuse_mode`: 1.30 sets it on kernels before 5.9. The lab's are newer.
//! - Node ports: 1.20 opens a socket on each, only to hold the port.
//! - A virtual server in one of `excludeCIDRs` stays when its Service goes, and kube-proxy finds it when the Service comes
//!   back. Here it is added once more, which the kernel refuses.

mod caveats;
mod cleanup;
mod conntrack;
mod draining;
mod quick;
mod rule;
mod rules;
mod set;
mod sync;
mod wanted;

pub use draining::{drained, draining};

use crate::change::{Change, Step};
use crate::cluster::{Choice, Cluster, Family, Protocol, SERVICE_PORT};
use crate::layout::{
    Action, Append, Caveat, Count, Installed, Invocation, Layout, Pace, Request, ServerKey, Tool, VirtualServer,
    unused_cluster_ip,
};
use crate::proxy_config::ProxyConfig;
use crate::vocabulary::{Forwarding, LayoutName, Scheduler, Way};
use set::Set;
use std::net::SocketAddr;
use std::sync::Arc;
use sync::Sync;

/// The device that holds the Services' addresses, so that the node accepts packets to them.
pub const DEVICE: &str = "kube-ipvs0";

/// Whose rules and syncs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// kube-proxy 1.20.
    V1_20,
    /// kube-proxy 1.30.
    V1_30,
}

impl Version {
    /// The families that have a proxier. 1.20 has a second one only with the feature gate `IPv6DualStack`.
    fn families(self) -> &'static [Family] {
        match self {
            Self::V1_20 => &[Family::V4],
            Self::V1_30 => &Family::ALL,
        }
    }

    /// How it chooses among endpoints.
    fn choice(self) -> Choice {
        match self {
            Self::V1_20 => Choice::V1_20,
            Self::V1_30 => Choice::V1_30,
        }
    }

    /// Its sets: 1.20 has none for health checks and for the device's addresses.
    fn sets(self) -> &'static [Set] {
        match self {
            Self::V1_20 => &Set::ALL[..15],
            Self::V1_30 => &Set::ALL,
        }
    }
}

/// The layout of kube-proxy's ipvs mode. It is the same for the legacy and the nf_tables variant of iptables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ipvs {
    /// Whose rules and syncs.
    pub version: Version,
    /// kube-proxy's settings.
    pub config: ProxyConfig,
    /// How real servers are picked.
    pub scheduler: Scheduler,
    /// How packets are forwarded to them. kube-proxy only has masquerading.
    pub forwarding: Forwarding,
    /// One of the ways of [`BackendName::Ipvs`](crate::vocabulary::BackendName::Ipvs). Any other means kube-proxy's.
    pub way: Way,
}

/// 1.30 for the lab's own pods, with kube-proxy's defaults.
impl Default for Ipvs {
    fn default() -> Self {
        Self::new(Version::V1_30, &ProxyConfig::default())
    }
}

impl Ipvs {
    /// With the settings of `config`.
    #[must_use]
    pub fn new(version: Version, config: &ProxyConfig) -> Self {
        Self {
            version,
            config: config.clone(),
            scheduler: Scheduler::RoundRobin,
            forwarding: Forwarding::Masquerading,
            way: Way::KubeProxy,
        }
    }

    /// Kernel parameters, in the order in which kube-proxy sets them (`NewProxier`).
    fn parameters(&self) -> Vec<(String, String)> {
        let old = self.version == Version::V1_20;
        let parameters = [
            (old, "net/ipv4/conf/all/route_localnet", "1"),
            (true, "net/ipv4/vs/conntrack", "1"),
            (old, "net/ipv4/vs/conn_reuse_mode", "0"),
            (true, "net/ipv4/vs/expire_nodest_conn", "1"),
            (true, "net/ipv4/vs/expire_quiescent_template", "1"),
            (true, "net/ipv4/ip_forward", "1"),
            (self.config.strict_arp, "net/ipv4/conf/all/arp_ignore", "1"),
            (self.config.strict_arp, "net/ipv4/conf/all/arp_announce", "2"),
        ];
        let set = parameters.into_iter().filter(|(is_set, ..)| *is_set);
        set.map(|(_, name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The sync of every proxier that has something to do.
    ///
    /// kube-proxy's proxiers sync one by one, each when something of its family changed.
    fn sync(&self, syncs: &[Sync<'_>]) -> Vec<Action> {
        match self.way {
            Way::Batched => quick::batched(syncs),
            Way::Ipvsadm => quick::ipvsadm(syncs),
            _ => syncs.iter().flat_map(Sync::as_kube_proxy).collect(),
        }
    }
}

impl Layout for Ipvs {
    fn name(&self) -> LayoutName {
        match self.version {
            Version::V1_20 => LayoutName::KubeProxy120,
            Version::V1_30 => LayoutName::KubeProxy130,
        }
    }

    fn way(&self) -> Way {
        self.way
    }

    fn sync_tool(&self) -> Tool {
        Tool::Ipset
    }

    /// The kernel parameters and the device. Also the chains and jumps, unless every sync makes sure of them.
    fn prepare(&self) -> Vec<Action> {
        let mut actions = vec![Action::Set(self.parameters())];
        if let Way::Batched | Way::Ipvsadm = self.way {
            actions.extend(self.version.families().iter().flat_map(|&family| rules::make(self.version, family)));
        }
        actions.push(Action::Ask(Pace::OneByOne, vec![Request::AddDevice(DEVICE)]));
        actions
    }

    fn full_sync(&self, cluster: &Cluster) -> Vec<Action> {
        let full = |&family: &Family| Sync::full(self, cluster, family);
        let mut actions = self.sync(&self.version.families().iter().map(full).collect::<Vec<_>>());
        if let Way::KubeProxy = self.way {
            for &family in self.version.families() {
                actions.extend(conntrack::clean(self.version, family, cluster.ports(family).map(Step::Added)));
            }
        }
        actions
    }

    /// Always batched.
    fn quick_load(&self, cluster: &Cluster) -> Vec<Action> {
        let batched = Self { way: Way::Batched, ..self.clone() };
        [batched.prepare(), batched.full_sync(cluster)].concat()
    }

    /// In kube-proxy's way this looks at every Service of a family in which something changed, and rewrites all rules.
    /// Every server is checked, as in each sync.
    fn resync(&self, cluster: &Cluster) -> Vec<Action> {
        let cluster = Arc::new(cluster.clone());
        self.partial_sync(&Change { before: Arc::clone(&cluster), after: cluster })
    }

    fn partial_sync(&self, change: &Change) -> Vec<Action> {
        let families = self.version.families();
        let changes = |&family: &Family| change.ports(family).any(|step| !matches!(step, Step::Kept(_)));
        let mut changed: Vec<Family> = families.iter().copied().filter(changes).collect();
        if changed.is_empty() {
            changed.extend(families);
        }
        let partial = |&family: &Family| Sync::partial(self, &change.before, &change.after, family);
        let mut actions = self.sync(&changed.iter().map(partial).collect::<Vec<_>>());
        for family in changed {
            actions.extend(conntrack::clean(self.version, family, change.ports(family)));
        }
        actions
    }

    /// Nothing: a sync leaves nothing stale.
    fn cleanup(&self, _: &Change) -> Vec<Action> {
        Vec::new()
    }

    fn flush(&self, _: &Cluster) -> Vec<Action> {
        match self.way {
            Way::Batched | Way::Ipvsadm => cleanup::at_once(),
            _ => cleanup::by_name(self.version),
        }
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
        for &family in self.version.families() {
            Sync::full(self, cluster, family).count(&mut count);
        }
        count.installed
    }

    fn caveats(&self, cluster: &Cluster) -> Vec<Caveat> {
        caveats::caveats(self, cluster)
    }
}
