//! The rules and syncs of kube-proxy's nftables mode: releases 1.30, 1.36 and 1.37, both families.

mod base;
mod caveat;
mod chain;
mod count;
mod object;
mod reads;
mod rule;
mod set;
mod store;
mod sync;
mod view;

pub use chain::Chain;
pub use object::{Object, Script, Sink, Verb};
pub use rule::{Match, Rule, Statement};
pub use set::{Element, Key, Set, Verdict};

use crate::change::{Change, Step};
use crate::cluster::{Choice, Cluster, Family, Protocol, SERVICE_PORT, Service, ServicePort};
use crate::layout::iptables::{self, conntrack};
use crate::layout::{
    Action, Append, Caveat, Count, FAMILY, Installed, Invocation, Layout, Part, Tool, append_service, unused_cluster_ip,
};
use crate::proxy_config::ProxyConfig;
use crate::vocabulary::{LayoutName, Way};
use std::sync::Arc;
use sync::Sync;
use view::View;

/// A release with an nftables mode of its own kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// A chain for each endpoint. Every sync writes everything.
    V1_30,
    /// A rule with a map for each Service. Syncs write what changed.
    V1_36,
    /// As 1.36, but a Service with a single endpoint has no map.
    V1_37,
}

impl Version {
    /// How it chooses among endpoints.
    pub(super) fn choice(self) -> Choice {
        match self {
            Self::V1_30 => Choice::V1_30,
            Self::V1_36 | Self::V1_37 => Choice::V1_36,
        }
    }
}

/// kube-proxy's nftables mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nftables {
    /// The release.
    pub version: Version,
    /// Its settings.
    pub config: ProxyConfig,
    /// kube-proxy's way, or one in pieces.
    pub way: Way,
}

/// The newest release that was compared with a binary, with kube-proxy's defaults.
impl Default for Nftables {
    fn default() -> Self {
        Self::new(Version::V1_36, &ProxyConfig::default())
    }
}

impl Nftables {
    /// A release with the settings of `config`.
    #[must_use]
    pub fn new(version: Version, config: &ProxyConfig) -> Self {
        Self { version, config: config.clone(), way: Way::Partial }
    }

    /// Writes a full sync of `cluster` on an empty node, for one family, to `sink`.
    pub fn walk(&self, cluster: &Cluster, family: Family, sink: &mut impl Sink) {
        sync::walk(self, cluster, family, sink);
    }

    /// The syncs of `change`, each with what is read before it.
    fn syncs(&self, change: &Change, whole: bool) -> Vec<Action> {
        let mut actions = Vec::new();
        for family in Family::ALL {
            let sync = Sync::new(self, change, family, whole);
            if sync.concerns() {
                let mut script = Script::new(family, if whole { self.room(&change.after, family) } else { 4096 });
                sync.walk(&mut script);
                actions.extend(reads::before_sync(self.version, family, sync.is_whole()));
                actions.push(transaction(script).into());
                actions.extend(self.conntrack(change.services().into_iter(), family));
            }
        }
        actions
    }

    /// What 1.30 removes from conntrack after it has written. Later releases do it over netlink; the lab leaves that out.
    fn conntrack<'a>(&self, steps: impl Iterator<Item = Step<&'a Service>>, family: Family) -> Vec<Action> {
        match self.version {
            Version::V1_30 => conntrack::clean(iptables::Version::V1_30, steps, family),
            Version::V1_36 | Version::V1_37 => Vec::new(),
        }
    }

    /// A full sync, a transaction a family.
    fn at_once(&self, cluster: &Cluster) -> Vec<Action> {
        let mut actions = Vec::new();
        for family in Family::ALL {
            let mut script = Script::new(family, self.room(cluster, family));
            self.walk(cluster, family, &mut script);
            actions.extend(reads::before_sync(self.version, family, true));
            actions.push(transaction(script).into());
            let added = cluster.services.iter().map(|service| Step::Added(&**service));
            actions.extend(self.conntrack(added, family));
        }
        actions
    }

    /// The same in transactions of so many Services. Nothing is read but ahead of the first.
    fn in_pieces(&self, cluster: &Cluster, at_once: usize) -> Vec<Action> {
        let first = |count: usize| {
            let services = cluster.services[..count].to_vec();
            let (node, service_cidrs) = (cluster.node.clone(), cluster.service_cidrs.clone());
            Arc::new(Cluster { node, services, service_cidrs })
        };
        let mut before = first(cluster.services.len().min(at_once));
        let mut actions = self.at_once(&before);
        while before.services.len() < cluster.services.len() {
            let after = first(cluster.services.len().min(before.services.len() + at_once));
            let mut piece = self.syncs(&Change { before, after: Arc::clone(&after) }, false);
            piece.retain(|action| !matches!(action, Action::Try(Part::Reads, _)));
            actions.extend(piece);
            before = after;
        }
        actions
    }

    /// About how many bytes a full sync has.
    fn room(&self, cluster: &Cluster, family: Family) -> usize {
        let each = if self.version == Version::V1_30 { 700 } else { 40 };
        16_384 + cluster.ports(family).count() * 800 + cluster.endpoint_count(family) * each
    }
}

impl Layout for Nftables {
    fn name(&self) -> LayoutName {
        match self.version {
            Version::V1_30 => LayoutName::KubeProxy130,
            Version::V1_36 => LayoutName::KubeProxy136,
            Version::V1_37 => LayoutName::KubeProxy137,
        }
    }

    fn way(&self) -> Way {
        self.way
    }

    fn sync_tool(&self) -> Tool {
        Tool::Nft
    }

    /// kube-proxy's look at whether nft works. A full sync also sets up the table.
    fn prepare(&self) -> Vec<Action> {
        reads::at_start()
    }

    fn full_sync(&self, cluster: &Cluster) -> Vec<Action> {
        match self.way.at_once() {
            Some(at_once) => self.in_pieces(cluster, at_once),
            None => self.at_once(cluster),
        }
    }

    /// In transactions of 1,000 Services: the kernel takes quadratic time in a transaction's anonymous maps. It also takes
    /// quadratic time in all the maps of the table, whose names it compares. Nothing is read in between.
    fn quick_load(&self, cluster: &Cluster) -> Vec<Action> {
        const AT_ONCE: usize = 1000;
        let mut actions = [self.prepare(), self.in_pieces(cluster, AT_ONCE)].concat();
        actions.retain(|action| !matches!(action, Action::Try(Part::Reads | Part::Conntrack, _)));
        actions
    }

    fn partial_sync(&self, change: &Change) -> Vec<Action> {
        self.syncs(change, self.version == Version::V1_30)
    }

    /// Deletes the stale chains. kube-proxy waits for a second, because kernels before 6.2 only notice late that no map
    /// element refers to a chain.
    fn cleanup(&self, change: &Change) -> Vec<Action> {
        let mut actions = Vec::new();
        for family in Family::ALL {
            let mut script = Script::new(family, 4096);
            if Sync::new(self, change, family, false).clean_up(&mut script) {
                actions.push(transaction(script).into());
            }
        }
        actions
    }

    /// Deletes both tables (`CleanupLeftovers`). It may be that there are none.
    fn flush(&self, _: &Cluster) -> Vec<Action> {
        let delete = |family| {
            let mut script = Script::new(family, 64);
            script.command(Verb::Delete, &Object::Table);
            Action::Try(Part::Rules, transaction(script))
        };
        Family::ALL.into_iter().map(delete).collect()
    }

    /// A rule at the end of the chain `services`. It matches an unused cluster IP and leads to the middle Service; without
    /// any Service, it returns.
    ///
    /// nft deletes a rule only by its handle, so undoing this rewrites the chain.
    fn append_rule(&self, cluster: &Cluster) -> Append {
        let service = append_service(cluster);
        let protocol = service.map_or(Protocol::Tcp, ServicePort::protocol);
        let view = service.map(|service| View::new(self.version, service, &cluster.node));
        let chain = view.as_ref().and_then(View::internal_chain);
        let mut line = Script::new(FAMILY, 256);
        line.rule(Rule {
            chain: base::SERVICES,
            matches: &[Match::To(unused_cluster_ip(cluster)), Match::ToPort(protocol, SERVICE_PORT)],
            statements: &[chain.map_or(Statement::Return, Statement::Goto)],
            comment: None,
        });
        let line = String::from_utf8(line.into_text()).expect("rules are ASCII");
        let args = line.split_whitespace().map(str::to_owned).collect();
        let mut undo = Script::new(FAMILY, 1024);
        undo.command(Verb::Flush, &Object::Chain(base::SERVICES));
        sync::base(self, cluster, FAMILY).services(&mut undo);
        Append { add: Invocation { tool: Tool::Nft, args, stdin: Vec::new() }, undo: transaction(undo) }
    }

    fn installed(&self, cluster: &Cluster) -> Installed {
        let mut count = Count::default();
        for family in Family::ALL {
            self.walk(cluster, family, &mut count);
        }
        count.installed
    }

    fn caveats(&self, cluster: &Cluster) -> Vec<Caveat> {
        caveat::all(self, cluster)
    }
}

fn transaction(script: Script) -> Invocation {
    Invocation { tool: Tool::Nft, args: vec!["-f".to_owned(), "-".to_owned()], stdin: script.into_text() }
}
