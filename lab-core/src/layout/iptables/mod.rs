//! kube-proxy's iptables mode as of 1.20, 1.30 and 1.36, in both address families: a proxier each.
//!
//! What the lab leaves out of it: the canary's look-up once a sync period, the periodic full sync, and of the start of 1.20
//! and 1.30 all but the canaries. 1.36 looks at conntrack over netlink after each sync; the lab does not.

mod calls;
mod caveats;
mod chain;
mod cleanup;
pub(super) mod conntrack;
mod count;
mod fixed;
mod jumps;
mod node_ports;
mod rule;
mod service;
mod sync;
mod walk;
mod xlb;

pub(super) use calls::Tools;
pub use chain::{Chain, Table};
pub(super) use rule::words;
pub use rule::{Comment, ConnectionState, Match, Rule, Sink, Target};

use crate::change::{Change, Step};
use crate::cluster::{Choice, Cluster, Family, Protocol, ServicePort};
use crate::layout::hash::ServiceHasher;
use crate::layout::{
    Action, Append, Caveat, Count, Installed, Invocation, Layout, Pace, Part, Request, Tool, unused_cluster_ip,
};
use crate::proxy_config::ProxyConfig;
use crate::vocabulary::{LayoutName, Position, Way};
use fixed::{INVALID_COUNTER, LOCALHOST_COUNTER};
use jumps::{Found, Jump, ensure, jumps, kubelet_chains, says};
use node_ports::opens_localhost;
use sync::{Sync, differs, is_large};
use walk::{delete_chains, stale_chains};

/// The tables with canary chains, in kube-proxy's order. If a canary is gone, somebody flushed the rules.
const CANARY_TABLES: [Table; 3] = [Table::Mangle, Table::Nat, Table::Filter];

/// Packets to 127.0.0.1 may leave the node: node ports on it need this.
const ROUTE_LOCALNET: &str = "net/ipv4/conf/all/route_localnet";

/// A release whose iptables mode is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 1.20.
    V1_20,
    /// 1.30.
    V1_30,
    /// 1.36.
    V1_36,
}

impl Version {
    fn choice(self) -> Choice {
        match self {
            Self::V1_20 => Choice::V1_20,
            Self::V1_30 => Choice::V1_30,
            Self::V1_36 => Choice::V1_36,
        }
    }

    fn tools(self, family: Family) -> Tools {
        match self {
            Self::V1_20 | Self::V1_30 => Tools::patient(family),
            Self::V1_36 => Tools::recent(family),
        }
    }
}

/// The layout of a release's iptables mode. It is the same for the legacy and the nf_tables variant of the tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Iptables {
    /// The release.
    pub version: Version,
    /// kube-proxy's settings.
    pub config: ProxyConfig,
}

/// The newest release, with kube-proxy's defaults.
impl Default for Iptables {
    fn default() -> Self {
        Self::new(Version::V1_36, &ProxyConfig::default())
    }
}

impl Iptables {
    /// `version` with the settings of `config`.
    #[must_use]
    pub fn new(version: Version, config: &ProxyConfig) -> Self {
        Self { version, config: config.clone() }
    }

    fn tools(&self, family: Family) -> Tools {
        self.version.tools(family)
    }

    /// Whether it uses nfacct counters.
    fn has_counters(&self) -> bool {
        self.version >= Version::V1_36 && self.config.nfacct
    }

    /// The families that a proxier runs for. From 1.23 on that is both. In 1.20 it is the one of the node, and both only
    /// with the gate `IPv6DualStack`, which a cluster with cluster IPs of both needs.
    fn families(&self, cluster: &Cluster) -> &'static [Family] {
        let uses = |family| cluster.services.iter().any(|service| service.cluster_ips.of(family).is_some());
        match (self.version, uses(Family::V4), uses(Family::V6)) {
            (Version::V1_20, _, false) => &[Family::V4],
            (Version::V1_20, false, true) if cluster.node.address(Family::V4).is_none() => &[Family::V6],
            _ => &Family::ALL,
        }
    }

    fn canaries(&self, family: Family) -> impl Iterator<Item = Action> {
        let tools = self.tools(family);
        CANARY_TABLES
            .into_iter()
            .map(move |table| tools.call("-N", &Chain::KubeProxyCanary.name(), table, Vec::new()).into())
    }

    /// Makes the nfacct counters.
    fn counters(&self) -> Option<Action> {
        let counters = [INVALID_COUNTER, LOCALHOST_COUNTER].map(Request::AddCounter);
        self.has_counters().then(|| Action::Ask(Pace::OneByOne, counters.to_vec()))
    }

    /// Reads what is there, and writes `sync`.
    fn write(&self, sync: &Sync<'_>, reads: bool) -> Vec<Action> {
        let tools = self.tools(sync.family);
        let tables: &[Table] = match self.version {
            Version::V1_20 => &[Table::Filter, Table::Nat],
            _ if reads => &[Table::Nat],
            _ => &[],
        };
        let reads = tables.iter().map(|&table| tools.save(table));
        reads.chain([tools.restore(print(sync)).into()]).collect()
    }

    fn full_sync_of(&self, cluster: &Cluster, family: Family) -> Vec<Action> {
        let all = || cluster.services.iter().map(|service| Step::Added(&**service));
        let mut actions = if self.starts_late(family) { self.canaries(family).collect() } else { Vec::new() };
        actions.extend(ensure(self.version, self.tools(family), Found::Nothing));
        actions.extend(self.counters());
        let mut write = self.write(&Sync::full(self, cluster, family), true);
        let restore = write.pop();
        actions.extend(write);
        actions.extend(conntrack::open(self, &cluster.node, all(), family));
        actions.extend(restore);
        actions.extend(conntrack::clean(self.version, all(), family));
        actions
    }

    /// Whether only the first sync tells that a proxier runs for `family`.
    fn starts_late(&self, family: Family) -> bool {
        self.version == Version::V1_20 && family == Family::V6
    }

    fn partial_sync_of(&self, change: &Change, family: Family) -> Vec<Action> {
        let steps = change.services();
        if !steps.iter().any(|&step| differs(step, family)) {
            return Vec::new();
        }
        let mut actions = Vec::new();
        if self.version == Version::V1_20 {
            actions.extend(ensure(self.version, self.tools(family), Found::Everything));
        }
        let sync = walk::partial(self, change, family);
        let mut write = self.write(&sync, !sync.large);
        let restore = write.pop();
        actions.extend(write);
        actions.extend(conntrack::open(self, &change.after.node, steps.iter().copied(), family));
        actions.extend(restore);
        actions.extend(conntrack::clean(self.version, steps.into_iter(), family));
        actions
    }

    /// The chains of the jumps and others that the sync does not declare.
    fn undeclared(&self, sync: &Sync<'_>) -> Vec<(Table, Chain)> {
        let mut chains = kubelet_chains(self.version).to_vec();
        if self.version > Version::V1_20 && !sync.node_ports.on_localhost {
            chains.push((Table::Filter, Chain::KubeFirewall));
        }
        chains
    }
}

impl Layout for Iptables {
    fn name(&self) -> LayoutName {
        match self.version {
            Version::V1_20 => LayoutName::KubeProxy120,
            Version::V1_30 => LayoutName::KubeProxy130,
            Version::V1_36 => LayoutName::KubeProxy136,
        }
    }

    fn way(&self) -> Way {
        Way::Partial
    }

    fn sync_tool(&self) -> Tool {
        Tool::IptablesRestore
    }

    /// The node's parameter for node ports on 127.0.0.1, and the canaries; of 1.36 also the look whether nft left anything,
    /// and whether the tools work.
    fn prepare(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        if opens_localhost(self, Family::V4) {
            actions.push(Action::Set(vec![(ROUTE_LOCALNET.to_owned(), "1".to_owned())]));
        }
        if self.version >= Version::V1_36 {
            actions.extend(["ip", "ip6"].into_iter().flat_map(leftovers));
            for family in [Family::V4, Family::V6, Family::V4, Family::V6] {
                let tools = self.tools(family);
                actions.push(tools.version().into());
                actions.push(tools.call("-S", &Chain::Postrouting.name(), Table::Nat, Vec::new()).into());
            }
        }
        let families = Family::ALL.into_iter().filter(|&family| !self.starts_late(family));
        actions.extend(families.flat_map(|family| self.canaries(family)));
        actions
    }

    /// The chains and jumps come first, and in 1.36 the counters.
    fn full_sync(&self, cluster: &Cluster) -> Vec<Action> {
        self.families(cluster).iter().flat_map(|&family| self.full_sync_of(cluster, family)).collect()
    }

    /// Without `--noflush`: with it, the nf_tables variant of iptables-restore takes quadratic time. The canaries and the
    /// jumps come afterwards, because this flushes them.
    fn quick_load(&self, cluster: &Cluster) -> Vec<Action> {
        let mut actions = Vec::new();
        if opens_localhost(self, Family::V4) {
            actions.push(Action::Set(vec![(ROUTE_LOCALNET.to_owned(), "1".to_owned())]));
        }
        actions.extend(self.counters());
        for family in Family::ALL {
            let tools = self.tools(family);
            if !self.families(cluster).contains(&family) {
                actions.extend((!self.starts_late(family)).then(|| self.canaries(family)).into_iter().flatten());
                continue;
            }
            let sync = Sync::full(self, cluster, family);
            actions.push(tools.load(print(&sync)).into());
            actions.extend(self.canaries(family));
            let make =
                |(table, chain): (Table, Chain)| Action::from(tools.call("-N", &chain.name(), table, Vec::new()));
            actions.extend(self.undeclared(&sync).into_iter().map(make));
            let on_jump = |jump: &Jump| tools.call("-I", &jump.from.name(), jump.table, jump.rule().args());
            actions.extend(jumps(self.version).iter().map(on_jump).map(Action::from));
        }
        actions
    }

    fn partial_sync(&self, change: &Change) -> Vec<Action> {
        let before = self.families(&change.before);
        let sync = |&family: &Family| match before.contains(&family) {
            true => self.partial_sync_of(change, family),
            false => self.full_sync_of(&change.after, family),
        };
        self.families(&change.after).iter().flat_map(sync).collect()
    }

    /// In a small cluster the sync has already deleted the stale chains; so it has in 1.20.
    fn cleanup(&self, change: &Change) -> Vec<Action> {
        let mut actions = Vec::new();
        for &family in self.families(&change.after) {
            let stale = if self.version > Version::V1_20 && is_large(self.version, &change.after, family) {
                stale_chains(self, change, family)
            } else {
                Vec::new()
            };
            if !stale.is_empty() {
                let mut text = Vec::new();
                delete_chains(&stale, &mut text);
                actions.push(self.tools(family).restore(text).into());
            }
        }
        actions
    }

    fn flush(&self, cluster: &Cluster) -> Vec<Action> {
        cleanup::by_name(self, cluster)
    }

    /// A rule like those of Services, at the very end of KUBE-SERVICES in the nat table.
    ///
    /// It matches an unused cluster IP and leads to the middle Service or, if that has no chain for it, to the first one
    /// that has; without any, to KUBE-MARK-MASQ.
    fn append_rule(&self, cluster: &Cluster) -> Append {
        let middle = cluster.port_at(Position::Middle, Family::V4);
        let picks = |port: &ServicePort<'_>| !port.reach(&cluster.node, self.version.choice()).cluster.is_empty();
        let service = middle.into_iter().chain(cluster.ports(Family::V4)).find(picks);
        let (chain, tools) = (Chain::KubeServices, self.tools(Family::V4));
        let matches = [
            says("svclab/appended:http cluster IP"),
            Match::Protocol(service.map_or(Protocol::Tcp, ServicePort::protocol)),
            Match::To(unused_cluster_ip(cluster)),
            Match::ToPort(crate::cluster::SERVICE_PORT),
        ];
        let to = |service| Chain::Service(ServiceHasher::iptables(service).service());
        let target = Target::Jump(service.map_or(Chain::KubeMarkMasq, to));
        let args = Rule { chain, matches: &matches, target }.args();
        let undo = tools.call("-D", &chain.name(), Table::Nat, args.clone());
        Append { add: tools.call("-A", &chain.name(), Table::Nat, args), undo }
    }

    fn installed(&self, cluster: &Cluster) -> Installed {
        let mut count = Count::default();
        for &family in self.families(cluster) {
            let sync = Sync::full(self, cluster, family);
            sync.walk(&mut count);
            // The jumps are not in the sync.
            jumps(self.version).iter().for_each(|jump| count.rule(&jump.rule()));
            self.undeclared(&sync).into_iter().for_each(|(_, chain)| count.chain(chain));
        }
        let families = Family::ALL.into_iter();
        let started = families.filter(|&family| !self.starts_late(family) || self.families(cluster).contains(&family));
        started.for_each(|_| CANARY_TABLES.iter().for_each(|_| count.chain(Chain::KubeProxyCanary)));
        count.installed
    }

    fn caveats(&self, cluster: &Cluster) -> Vec<Caveat> {
        caveats::of(self, cluster)
    }
}

fn print(sync: &Sync<'_>) -> Vec<u8> {
    let mut text = Vec::with_capacity(sync.size_hint());
    sync.walk(&mut text);
    text
}

/// Removes the table that nftables mode may have left in a family, if nft is there
/// (`pkg/proxy/nftables`, `CleanupLeftovers`).
fn leftovers(family: &str) -> [Action; 3] {
    let nft = |args: &[&str], stdin: String| {
        let args = args.iter().map(|&word| word.to_owned()).collect();
        Action::Try(Part::Rules, Invocation { tool: Tool::Nft, args, stdin: stdin.into_bytes() })
    };
    [
        nft(&["--version"], String::new()),
        nft(&["--check", "-f", "-"], format!("add table {family} kube-proxy {{ comment \"test\" ; }}\n")),
        nft(&["-f", "-"], format!("delete table {family} kube-proxy\n")),
    ]
}
