//! What one sync of kube-proxy's iptables mode writes in one address family, as a walk over rules.
//!
//! The order is that of `syncProxyRules` in kube-proxy's `pkg/proxy/iptables/proxier.go`.

use super::chain::{Chain, Table};
use super::rule::Sink;
use super::sync::{Entry, Extent, Sync, differs};
use super::{Iptables, Version, fixed, service, xlb};
use crate::change::Change;
use crate::cluster::{Family, Node, Service, ServicePort};
use crate::layout::hash::ServiceHasher;
use std::collections::HashSet;

/// The sync after `change`.
///
/// In a large cluster the stale chains stay until a later clean-up, except in 1.20.
pub(super) fn partial<'a>(layout: &Iptables, change: &'a Change, family: Family) -> Sync<'a> {
    let mut sync = Sync::partial(layout, change, family);
    if !sync.large || sync.version == Version::V1_20 {
        sync.stale = stale_chains(layout, change, family);
    }
    sync
}

impl Sync<'_> {
    /// Writes it to `sink`.
    pub(super) fn walk(&self, sink: &mut impl Sink) {
        sink.table(Table::Filter);
        fixed::filter_chains(self, sink);
        for entry in &self.entries {
            match self.version {
                Version::V1_20 => xlb::filter_rules(entry, sink),
                _ => service::filter_rules(entry, sink),
            }
        }
        fixed::forwarding(self, sink);
        sink.commit();

        sink.table(Table::Nat);
        fixed::nat_chains(sink);
        for entry in self.entries.iter().filter(|entry| entry.extent == Extent::Whole) {
            match self.version {
                Version::V1_20 => xlb::chains(entry, sink),
                _ => service::chains(entry, sink),
            }
            for (_, name) in self.endpoints(entry) {
                sink.chain(Chain::Endpoint(name));
            }
        }
        for &chain in &self.stale {
            sink.chain(chain);
        }
        fixed::masquerading(self, sink);
        for entry in &self.entries {
            match self.version {
                Version::V1_20 => xlb::nat_rules(self, entry, sink),
                _ => service::nat_rules(self, entry, sink),
            }
        }
        for &chain in &self.stale {
            sink.delete(chain);
        }
        fixed::to_node_ports(self, sink);
        sink.commit();
    }
}

/// The chains that nothing leads to any more after `change`.
pub(super) fn stale_chains(layout: &Iptables, change: &Change, family: Family) -> Vec<Chain> {
    let version = layout.version;
    let mut stale = Vec::new();
    for step in change.services().into_iter().filter(|&step| differs(step, family)) {
        let chains = |service: Option<&Service>, node: &Node| {
            let ports = service.into_iter().flat_map(|service| service.ports_of(family));
            ports.flat_map(|port| own_chains(version, port, node)).collect::<Vec<Chain>>()
        };
        let kept: HashSet<Chain> = chains(step.after(), &change.after.node).into_iter().collect();
        let had = chains(step.before(), &change.before.node);
        stale.extend(had.into_iter().filter(|chain| !kept.contains(chain)));
    }
    stale
}

/// The chains of a Service's port in the nat table.
pub(super) fn own_chains(version: Version, service: ServicePort<'_>, node: &Node) -> Vec<Chain> {
    let reach = service.reach(node, version.choice());
    let hasher = ServiceHasher::iptables(service);
    let endpoints: Vec<Chain> =
        reach.all.iter().map(|endpoint| Chain::Endpoint(hasher.iptables_endpoint(endpoint))).collect();
    let entry = Entry::whole(service, reach, hasher.service());
    let mut chains = match version {
        Version::V1_20 => xlb::own_chains(&entry),
        _ => service::own_chains(&entry),
    };
    chains.extend(endpoints);
    chains
}

/// Deletes the `stale` chains.
pub(super) fn delete_chains(stale: &[Chain], sink: &mut impl Sink) {
    sink.table(Table::Nat);
    for &chain in stale {
        sink.chain(chain);
    }
    for &chain in stale {
        sink.delete(chain);
    }
    sink.commit();
}
