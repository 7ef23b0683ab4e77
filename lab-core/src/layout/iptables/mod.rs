//! kube-proxy's iptables mode as of 1.30: cluster IPs over IPv4.
//!
//! It leaves out one thing. kube-proxy reads the whole nat table with `iptables-save` to find stale chains: at every sync
//! of a small cluster, once in a sync period in a large one. Here the change itself tells which chains are stale.

mod count;
mod rule;
mod sync;

pub use rule::{Chain, Comment, ConnectionState, Match, Rule, Sink, Table, Target};
pub use sync::Sync;

use crate::change::Change;
use crate::cluster::{Cluster, POD_RANGE, Protocol, ServicePort};
use crate::layout::{Action, Append, Count, Installed, Invocation, Layout, Tool, append_service, unused_cluster_ip};
use crate::proxy_config::ProxyConfig;
use crate::vocabulary::{LayoutName, Way};
use ipnet::Ipv4Net;
pub(super) use sync::LOOPBACK;
use sync::{cleanup, is_large, service_chain, stale_chains};

/// How long the tools wait for the xtables lock, in seconds, and how often they try, in microseconds.
const WAIT: [&str; 4] = ["-w", "5", "-W", "100000"];

/// The tables with canary chains, in kube-proxy's order. If a canary is gone, somebody flushed the rules.
const CANARY_TABLES: [Table; 3] = [Table::Mangle, Table::Nat, Table::Filter];

/// A jump from a built-in chain to one of kube-proxy's.
pub(super) struct Jump {
    pub(super) table: Table,
    pub(super) from: Chain,
    to: Chain,
    matches: &'static [Match<'static>],
}

impl Jump {
    pub(super) fn rule(&self) -> Rule<'static> {
        Rule { chain: self.from, matches: self.matches, target: Target::Jump(self.to) }
    }
}

pub(super) const fn jump(table: Table, from: Chain, to: Chain, matches: &'static [Match<'static>]) -> Jump {
    Jump { table, from, to, matches }
}

pub(super) const fn says(text: &'static str) -> Match<'static> {
    Match::Comment(Comment::Says(text))
}

const NEW: Match<'static> = Match::Connection(ConnectionState::New);
const EXTERNAL: &[Match<'static>] = &[NEW, says("kubernetes externally-visible service portals")];
const HEALTH_CHECKS: &[Match<'static>] = &[says("kubernetes health check service ports")];
const NEW_TO_SERVICES: &[Match<'static>] = &[NEW, says("kubernetes service portals")];
const FORWARDING: &[Match<'static>] = &[says("kubernetes forwarding rules")];
const FIREWALL: &[Match<'static>] = &[NEW, says("kubernetes load balancer firewall")];
const TO_SERVICES: &[Match<'static>] = &[says("kubernetes service portals")];
const POSTROUTING: &[Match<'static>] = &[says("kubernetes postrouting rules")];

/// In kube-proxy's order (`iptablesJumpChains`, then `iptablesKubeletJumpChains`). Each is inserted at the top of its
/// chain, so in the kernel their order is reversed.
const JUMPS: [Jump; 14] = [
    jump(Table::Filter, Chain::Input, Chain::KubeExternalServices, EXTERNAL),
    jump(Table::Filter, Chain::Forward, Chain::KubeExternalServices, EXTERNAL),
    jump(Table::Filter, Chain::Input, Chain::KubeNodePorts, HEALTH_CHECKS),
    jump(Table::Filter, Chain::Forward, Chain::KubeServices, NEW_TO_SERVICES),
    jump(Table::Filter, Chain::Output, Chain::KubeServices, NEW_TO_SERVICES),
    jump(Table::Filter, Chain::Forward, Chain::KubeForward, FORWARDING),
    jump(Table::Filter, Chain::Input, Chain::KubeProxyFirewall, FIREWALL),
    jump(Table::Filter, Chain::Output, Chain::KubeProxyFirewall, FIREWALL),
    jump(Table::Filter, Chain::Forward, Chain::KubeProxyFirewall, FIREWALL),
    jump(Table::Nat, Chain::Output, Chain::KubeServices, TO_SERVICES),
    jump(Table::Nat, Chain::Prerouting, Chain::KubeServices, TO_SERVICES),
    jump(Table::Nat, Chain::Postrouting, Chain::KubePostrouting, POSTROUTING),
    jump(Table::Filter, Chain::Input, Chain::KubeFirewall, &[]),
    jump(Table::Filter, Chain::Output, Chain::KubeFirewall, &[]),
];

/// The layout of kube-proxy 1.30's iptables mode. It is the same for the legacy and the nf_tables variant of the tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Iptables {
    /// The pods' network. Traffic to a Service from outside it is masqueraded.
    pub cluster_cidr: Ipv4Net,
}

/// For the lab's own pods.
impl Default for Iptables {
    fn default() -> Self {
        Self { cluster_cidr: POD_RANGE }
    }
}

impl Iptables {
    /// With the settings of `config`.
    #[must_use]
    pub fn new(config: &ProxyConfig) -> Self {
        Self { cluster_cidr: config.ipv4_cluster_cidr() }
    }
}

impl Layout for Iptables {
    fn name(&self) -> LayoutName {
        LayoutName::KubeProxy130
    }

    fn way(&self) -> Way {
        Way::Partial
    }

    fn sync_tool(&self) -> Tool {
        Tool::IptablesRestore
    }

    /// The canaries, then each chain that a built-in chain jumps to, and the jump.
    fn prepare(&self) -> Vec<Action> {
        let mut calls: Vec<Invocation> =
            CANARY_TABLES.into_iter().map(|table| call("-N", Chain::KubeProxyCanary, table, Vec::new())).collect();
        for (place, jump) in JUMPS.iter().enumerate() {
            if !JUMPS[..place].iter().any(|earlier| (earlier.table, earlier.to) == (jump.table, jump.to)) {
                calls.push(call("-N", jump.to, jump.table, Vec::new()));
            }
            calls.push(call("-I", jump.from, jump.table, jump.rule().args()));
        }
        calls.into_iter().map(Action::from).collect()
    }

    fn full_sync(&self, cluster: &Cluster) -> Vec<Action> {
        vec![print(&Sync::full(cluster, self.cluster_cidr)).into()]
    }

    /// Without `--noflush`: with it, the nf_tables variant of iptables-restore takes quadratic time. The canaries and the
    /// jumps come afterwards, because this flushes them.
    fn quick_load(&self, cluster: &Cluster) -> Vec<Action> {
        let mut restore = print(&Sync::full(cluster, self.cluster_cidr));
        restore.args.retain(|argument| argument != "--noflush");
        let canaries = CANARY_TABLES.into_iter().map(|table| call("-N", Chain::KubeProxyCanary, table, Vec::new()));
        let jumps = JUMPS.iter().map(|Jump { table, from, to, matches }| {
            let rule = Rule { chain: *from, matches, target: Target::Jump(*to) };
            call("-I", *from, *table, rule.args())
        });
        std::iter::once(restore).chain(canaries).chain(jumps).map(Action::from).collect()
    }

    fn partial_sync(&self, change: &Change) -> Vec<Action> {
        vec![print(&Sync::partial(change, self.cluster_cidr)).into()]
    }

    /// In a small cluster the sync has already deleted the stale chains.
    fn cleanup(&self, change: &Change) -> Vec<Action> {
        let stale = if is_large(&change.after) { stale_chains(change) } else { Vec::new() };
        if stale.is_empty() {
            return Vec::new();
        }
        let mut text = Vec::new();
        cleanup(&stale, &mut text);
        vec![restore(text).into()]
    }

    /// Empties the tables. kube-proxy deletes its own jumps and chains by name, but a node of the lab has no others.
    fn flush(&self) -> Vec<Action> {
        vec![empty(&CANARY_TABLES).into()]
    }

    /// A rule like those of Services, at the very end of KUBE-SERVICES in the nat table.
    ///
    /// It matches an unused cluster IP and leads to the middle Service; without any Service, to KUBE-MARK-MASQ.
    fn append_rule(&self, cluster: &Cluster) -> Append {
        let service = append_service(cluster);
        let chain = Chain::KubeServices;
        let matches = [
            says("svclab/appended:http cluster IP"),
            Match::Protocol(service.map_or(Protocol::Tcp, ServicePort::protocol)),
            Match::To(unused_cluster_ip(cluster)),
            Match::ToPort(crate::cluster::SERVICE_PORT),
        ];
        let target = Target::Jump(service.map_or(Chain::KubeMarkMasq, service_chain));
        let rule = Rule { chain, matches: &matches, target };
        Append { add: call("-A", chain, Table::Nat, rule.args()), undo: call("-D", chain, Table::Nat, rule.args()) }
    }

    fn installed(&self, cluster: &Cluster) -> Installed {
        let mut count = Count::default();
        Sync::full(cluster, self.cluster_cidr).walk(&mut count);
        // The sync declares every chain that the jumps lead to. The jumps and the canaries are not in it.
        JUMPS.iter().for_each(|jump| count.rule(&jump.rule()));
        CANARY_TABLES.iter().for_each(|_| count.chain(Chain::KubeProxyCanary));
        count.installed
    }
}

fn print(sync: &Sync<'_>) -> Invocation {
    let mut text = Vec::with_capacity(sync.size_hint());
    sync.walk(&mut text);
    restore(text)
}

pub(super) fn restore(stdin: Vec<u8>) -> Invocation {
    let args = WAIT.into_iter().chain(["--noflush", "--counters"]).map(str::to_owned).collect();
    Invocation { tool: Tool::IptablesRestore, args, stdin }
}

/// Empties `tables`, except for their built-in chains.
pub(super) fn empty(tables: &[Table]) -> Invocation {
    let mut stdin = Vec::new();
    for &table in tables {
        stdin.table(table);
        stdin.commit();
    }
    let args = WAIT.map(str::to_owned).to_vec();
    Invocation { tool: Tool::IptablesRestore, args, stdin }
}

/// One call of `iptables`, with the arguments in kube-proxy's order (`makeFullArgs` in `pkg/util/iptables`).
pub(super) fn call(operation: &str, chain: Chain, table: Table, rule: Vec<String>) -> Invocation {
    let chain = chain.name();
    let mut args: Vec<String> =
        WAIT.into_iter().chain([operation, &chain, "-t", table.name()]).map(str::to_owned).collect();
    args.extend(rule);
    Invocation { tool: Tool::Iptables, args, stdin: Vec::new() }
}
