//! The rules of kube-proxy 1.30's nftables mode, with the partial sync of later releases: cluster IPs over IPv4.
//!
//! It leaves out two things. kube-proxy lists chains and sets with `nft --json` before every sync, to find stale ones;
//! here the change itself tells which are stale. And kube-proxy shortens names of more than 240 characters.

mod base;
mod count;
mod object;
mod sync;

pub use object::{Chain, Element, Match, Object, Rule, Set, Sink, Statement, Verb};

use crate::change::Change;
use crate::cluster::{Cluster, POD_RANGE, Protocol, SERVICE_PORT, ServicePort};
use crate::layout::{
    Action, Append, Count, FAMILY, Installed, Invocation, Layout, Tool, append_service, unused_cluster_ip,
};
use crate::proxy_config::ProxyConfig;
use crate::vocabulary::{LayoutName, Way};
use base::{SERVICES_RULES, add_rule, set_up};
use ipnet::Ipv4Net;
use std::sync::Arc;
use sync::{Chains, stale_chains, walk, walk_change};

/// The rules of kube-proxy 1.30's nftables mode, with the partial sync of later releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nftables {
    /// The pods' network. Traffic to a Service from outside it is masqueraded.
    pub cluster_cidr: Ipv4Net,
}

/// For the lab's own node and pods.
impl Default for Nftables {
    fn default() -> Self {
        Self { cluster_cidr: POD_RANGE }
    }
}

impl Nftables {
    /// Writes a full sync of `cluster` to `sink`.
    pub fn walk(&self, cluster: &Cluster, sink: &mut impl Sink) {
        set_up(&cluster.node, sink);
        walk(cluster, self.cluster_cidr, sink);
    }
}

impl Nftables {
    /// With the settings of `config`.
    #[must_use]
    pub fn new(config: &ProxyConfig) -> Self {
        Self { cluster_cidr: config.ipv4_cluster_cidr() }
    }
}

impl Layout for Nftables {
    fn name(&self) -> LayoutName {
        LayoutName::KubeProxy130PartialSync
    }

    fn way(&self) -> Way {
        Way::Partial
    }

    fn sync_tool(&self) -> Tool {
        Tool::Nft
    }

    /// Nothing: a full sync also sets up the table.
    fn prepare(&self) -> Vec<Action> {
        Vec::new()
    }

    fn full_sync(&self, cluster: &Cluster) -> Vec<Action> {
        let size = 8192 + cluster.services.len() * 700 + cluster.endpoint_count(FAMILY) * 620;
        let mut text = Vec::with_capacity(size);
        self.walk(cluster, &mut text);
        vec![transaction(text).into()]
    }

    /// In transactions of 1,000 Services: the kernel takes quadratic time in a transaction's anonymous maps. It also takes
    /// quadratic time in all the maps of the table, whose names it compares.
    fn quick_load(&self, cluster: &Cluster) -> Vec<Action> {
        const AT_ONCE: usize = 1000;
        let first = |count: usize| {
            let services = cluster.services[..count].to_vec();
            let (node, service_cidrs) = (cluster.node.clone(), cluster.service_cidrs.clone());
            Arc::new(Cluster { node, services, service_cidrs })
        };
        let mut before = first(cluster.services.len().min(AT_ONCE));
        let mut actions = [self.prepare(), self.full_sync(&before)].concat();
        while before.services.len() < cluster.services.len() {
            let after = first(cluster.services.len().min(before.services.len() + AT_ONCE));
            actions.extend(self.partial_sync(&Change { before, after: Arc::clone(&after) }));
            before = after;
        }
        actions
    }

    fn partial_sync(&self, change: &Change) -> Vec<Action> {
        let mut text = Vec::new();
        walk_change(change, self.cluster_cidr, &mut text);
        vec![transaction(text).into()]
    }

    /// Deletes the stale chains. kube-proxy waits for a second, because kernels before 6.2 only notice late that no map
    /// element refers to a chain.
    fn cleanup(&self, change: &Change) -> Vec<Action> {
        let stale = stale_chains(change);
        if stale.is_empty() {
            return Vec::new();
        }
        let mut text = Vec::new();
        for chain in stale {
            text.command(Verb::Delete, &Object::Chain(chain));
        }
        vec![transaction(text).into()]
    }

    /// Deletes the table.
    fn flush(&self) -> Vec<Action> {
        let mut text = Vec::new();
        text.command(Verb::Delete, &Object::Table);
        vec![transaction(text).into()]
    }

    /// A rule at the end of the chain `services`. It matches an unused cluster IP and leads to the middle Service; without
    /// any Service, to `mark-for-masquerade`.
    ///
    /// nft deletes a rule only by its handle, so undoing this rewrites the chain's two rules.
    fn append_rule(&self, cluster: &Cluster) -> Append {
        let service = append_service(cluster);
        let protocol = service.map_or(Protocol::Tcp, ServicePort::protocol);
        let chain = service.map_or(Chain::MarkForMasquerade, |service| Chains::new(service).service);
        let mut line = Vec::new();
        add_rule(
            Rule {
                chain: Chain::Services,
                matches: &[Match::To(unused_cluster_ip(cluster)), Match::ToPort(protocol, SERVICE_PORT)],
                statement: Statement::Goto(chain),
                comment: None,
            },
            &mut line,
        );
        let line = String::from_utf8(line).expect("rules are ASCII");
        let args = line.split_whitespace().map(str::to_owned).collect();
        let mut undo = Vec::new();
        undo.command(Verb::Flush, &Object::Chain(Chain::Services));
        for rule in SERVICES_RULES {
            add_rule(rule, &mut undo);
        }
        Append { add: Invocation { tool: Tool::Nft, args, stdin: Vec::new() }, undo: transaction(undo) }
    }

    fn installed(&self, cluster: &Cluster) -> Installed {
        let mut count = Count::default();
        self.walk(cluster, &mut count);
        count.installed
    }
}

fn transaction(stdin: Vec<u8>) -> Invocation {
    Invocation { tool: Tool::Nft, args: vec!["-f".to_owned(), "-".to_owned()], stdin }
}
