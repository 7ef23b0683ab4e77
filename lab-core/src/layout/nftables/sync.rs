//! What one sync of kube-proxy's nftables mode writes into the table of one family, as a walk over objects.
//!
//! The order is that of `syncProxyRules` in kube-proxy's `pkg/proxy/nftables/proxier.go`.

use super::base::Base;
use super::chain::Chain;
use super::object::{Object, Sink, Verb};
use super::set::Verdict;
use super::store::{At, Store};
use super::view::View;
use super::{Nftables, Version};
use crate::change::{Change, Step};
use crate::cluster::{Cluster, Family, Service};
use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

/// The first sync: everything, on an empty node.
pub(super) fn walk(layout: &Nftables, cluster: &Cluster, family: Family, sink: &mut impl Sink) {
    base(layout, cluster, family).set_up(true, sink);
    let mut store = Store::empty(layout.version == Version::V1_30);
    for port in cluster.ports(family) {
        View::new(layout.version, port, &cluster.node).write(&layout.config, &mut store, sink);
    }
}

pub(super) fn base<'a>(layout: &'a Nftables, cluster: &'a Cluster, family: Family) -> Base<'a> {
    Base { version: layout.version, config: &layout.config, cluster, family }
}

/// A change, in one family.
pub(super) struct Sync<'a> {
    layout: &'a Nftables,
    change: &'a Change,
    family: Family,
    /// Whether the fixed part and all Services are written, too.
    whole: bool,
    /// The Services that differ, before and after; those that do not.
    before: Vec<&'a Service>,
    after: Vec<&'a Service>,
    kept: Vec<&'a Service>,
}

impl<'a> Sync<'a> {
    /// Of the Services that differ, or of everything if the node or the networks of cluster IPs do. `whole` asks for all
    /// Services in any case.
    pub(super) fn new(layout: &'a Nftables, change: &'a Change, family: Family, whole: bool) -> Self {
        let anew = is_anew(change);
        let (mut before, mut after, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for step in change.services() {
            match step {
                Step::Kept(service) if anew => {
                    before.push(service);
                    after.push(service);
                }
                Step::Kept(service) => kept.push(service),
                step => {
                    before.extend(step.before());
                    after.extend(step.after());
                }
            }
        }
        Self { layout, change, family, whole: whole || anew, before, after, kept }
    }

    /// Whether kube-proxy syncs the family: a Service that differs has or had ports of it.
    pub(super) fn concerns(&self) -> bool {
        let mut differing = self.before.iter().chain(&self.after);
        self.before.is_empty() && self.after.is_empty()
            || differing.any(|service| service.ports_of(self.family).next().is_some())
    }

    /// Whether the fixed part is written, too.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    fn views<'s>(&'s self, services: &'s [&'a Service], state: &'a Cluster) -> impl Iterator<Item = View<'a>> + 's {
        let ports = services.iter().flat_map(|service| service.ports_of(self.family));
        ports.map(|port| View::new(self.layout.version, port, &state.node))
    }

    /// Writes it.
    pub(super) fn walk(&self, sink: &mut impl Sink) {
        let Change { before, after } = self.change;
        if self.whole {
            base(self.layout, after, self.family).set_up(false, sink);
        }
        let flushes_sets = self.whole && self.layout.version == Version::V1_30;
        let mut store = if flushes_sets { Store::empty(true) } else { self.store(before, after) };
        let mut write = |service: &'a Service| {
            for view in self.views(&[service], after) {
                view.write(&self.layout.config, &mut store, sink);
            }
        };
        if self.whole {
            after.services.iter().for_each(|service| write(service));
        } else {
            self.after.iter().for_each(|service| write(service));
        }
        let (chains, sets) = self.stale();
        for chain in &chains {
            sink.command(Verb::Flush, &Object::Chain(Chain::Stale(chain)));
        }
        for set in &sets {
            sink.command(Verb::Delete, &Object::Affinity(set, Duration::ZERO));
        }
        store.clean_up(sink);
    }

    /// The elements that are held before it.
    fn store(&self, before: &'a Cluster, after: &'a Cluster) -> Store {
        let mut held: Vec<(At, _)> = Vec::new();
        for view in self.views(&self.before, before) {
            view.elements(&mut |element| {
                held.push(((element.set, element.key), element.verdict.map(Verdict::identity)));
            });
        }
        let mut store = Store::holding(held);
        let mut wanted: HashSet<At> = HashSet::new();
        for view in self.views(&self.after, after) {
            view.elements(&mut |element| _ = wanted.insert((element.set, element.key)));
        }
        let left: Vec<At> = store.all().filter(|at| !wanted.contains(at)).collect();
        let differing: HashSet<At> = left.into_iter().chain(wanted.into_iter().filter(|at| !store.holds(at))).collect();
        self.keep(&differing, after, &mut store);
        store
    }

    /// Finds which of the elements `differing` the other Services have, too: they share endpoints or addresses.
    fn keep(&self, differing: &HashSet<At>, after: &'a Cluster, store: &mut Store) {
        let addresses: HashSet<IpAddr> = differing.iter().filter_map(|(_, key)| key.address()).collect();
        if addresses.is_empty() {
            return;
        }
        for service in &self.kept {
            let given = service.external_ips.iter().copied();
            let given = given.chain(service.ingress.iter().map(|ingress| ingress.address));
            let endpoints = service.ports.iter().flat_map(|port| &port.endpoints).map(|endpoint| endpoint.address);
            if given.chain(endpoints).any(|address| addresses.contains(&address)) {
                for view in self.views(&[service], after) {
                    view.elements(&mut |element| {
                        let at = (element.set, element.key);
                        if differing.contains(&at) {
                            store.keep(at);
                        }
                    });
                }
            }
        }
    }

    /// The chains and affinity sets that nothing leads to afterwards, by their names and by what follows their prefix.
    fn stale(&self) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let Change { before, after } = self.change;
        let (mut chains, mut sets) = (HashSet::new(), HashSet::new());
        for view in self.views(&self.after, after) {
            chains.extend(view.chains().map(Chain::name));
            sets.extend(view.affinity_sets().map(<[u8]>::to_vec));
        }
        let (mut stale_chains, mut stale_sets) = (Vec::new(), Vec::new());
        for view in self.views(&self.before, before) {
            stale_chains.extend(view.chains().map(Chain::name).filter(|chain| !chains.contains(chain)));
            stale_sets.extend(view.affinity_sets().map(<[u8]>::to_vec).filter(|set| !sets.contains(set)));
        }
        (stale_chains, stale_sets)
    }

    /// Deletes the chains that it emptied. Whether there are any.
    pub(super) fn clean_up(&self, sink: &mut impl Sink) -> bool {
        let (chains, _) = self.stale();
        for chain in &chains {
            sink.command(Verb::Delete, &Object::Chain(Chain::Stale(chain)));
        }
        !chains.is_empty()
    }
}

/// Whether kube-proxy writes everything for a change of the node or of the networks of cluster IPs.
fn is_anew(change: &Change) -> bool {
    change.before.node != change.after.node || change.before.service_cidrs != change.after.service_cidrs
}
