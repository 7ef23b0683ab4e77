//! What one sync of kube-proxy's iptables mode is about in one address family: its Services, and the names of their
//! chains.

use super::chain::Chain;
use super::node_ports::NodePorts;
use super::{Iptables, Version};
use crate::change::{Change, Step};
use crate::cluster::{Cluster, Endpoint, Family, Node, Reach, Service, ServicePort, Use};
use crate::layout::hash::{Hash, ServiceHasher};
use ipnet::IpNet;
use std::ops::Range;

/// With more endpoints, kube-proxy leaves out comments and cleans up less often (`largeClusterEndpointsThreshold`).
const LARGE_CLUSTER_ENDPOINTS: usize = 1000;

/// How much of a Service a sync writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Its rules in the fixed chains and its own chains.
    Whole,
    /// Only its rules in the fixed chains, which every sync rewrites.
    Dispatch,
}

/// A Service's port with its endpoints and the names of its chains.
pub(super) struct Entry<'a> {
    pub(super) service: ServicePort<'a>,
    pub(super) extent: Extent,
    pub(super) reach: Reach<'a>,
    pub(super) hash: Hash<16>,
    /// Where the names of its endpoints' chains are, in the order of `reach.all`; empty unless it is written whole.
    names: Range<usize>,
}

/// One sync of one family. Every name is hashed once.
pub(super) struct Sync<'a> {
    pub(super) version: Version,
    pub(super) family: Family,
    pub(super) node: &'a Node,
    /// The pods' network, if it is known.
    pub(super) cluster_cidr: Option<IpNet>,
    pub(super) masquerade_all: bool,
    /// The bit of the packet mark that asks for masquerading.
    pub(super) mark: u32,
    pub(super) node_ports: NodePorts,
    /// Whether nfacct counters count.
    pub(super) counted: bool,
    /// Whether kube-proxy treats this as a large cluster.
    pub(super) large: bool,
    pub(super) entries: Vec<Entry<'a>>,
    names: Vec<Hash<16>>,
    /// The chains that it deletes.
    pub(super) stale: Vec<Chain>,
}

impl<'a> Entry<'a> {
    /// One that is written whole, without the names of its endpoints' chains.
    pub(super) fn whole(service: ServicePort<'a>, reach: Reach<'a>, hash: Hash<16>) -> Self {
        Self { service, extent: Extent::Whole, reach, hash, names: 0..0 }
    }
}

impl<'a> Sync<'a> {
    /// Every Service of `cluster`, whole.
    pub(super) fn full(layout: &Iptables, cluster: &'a Cluster, family: Family) -> Self {
        let mut sync = Self::new(layout, cluster, family);
        for service in cluster.ports(family) {
            sync.enter(service, Extent::Whole);
        }
        sync
    }

    /// The changed Services whole, and of all others what is in the fixed chains. 1.20 writes everything. No chain is
    /// stale yet.
    pub(super) fn partial(layout: &Iptables, change: &'a Change, family: Family) -> Self {
        let mut sync = Self::new(layout, &change.after, family);
        for step in change.services() {
            let changed = sync.version == Version::V1_20 || differs(step, family);
            let extent = if changed { Extent::Whole } else { Extent::Dispatch };
            for service in step.after().into_iter().flat_map(|service| service.ports_of(family)) {
                sync.enter(service, extent);
            }
        }
        sync
    }

    fn new(layout: &Iptables, cluster: &'a Cluster, family: Family) -> Self {
        let config = &layout.config;
        let node_ports = NodePorts::of(layout, &cluster.node, family);
        Self {
            version: layout.version,
            family,
            node: &cluster.node,
            cluster_cidr: config.cluster_cidr(family),
            masquerade_all: config.masquerade_all,
            mark: config.masquerade_mark(),
            node_ports,
            counted: layout.has_counters(),
            large: is_large(layout.version, cluster, family),
            entries: Vec::with_capacity(cluster.services.len()),
            names: Vec::new(),
            stale: Vec::new(),
        }
    }

    fn enter(&mut self, service: ServicePort<'a>, extent: Extent) {
        let reach = service.reach(self.node, self.version.choice());
        let hasher = ServiceHasher::iptables(service);
        let first = self.names.len();
        if extent == Extent::Whole {
            self.names.extend(reach.all.iter().map(|endpoint| hasher.iptables_endpoint(endpoint)));
        }
        let names = first..self.names.len();
        self.entries.push(Entry { service, extent, reach, hash: hasher.service(), names });
    }

    /// Every endpoint of `entry` that has a chain, with the chain's name.
    pub(super) fn endpoints<'s>(
        &'s self,
        entry: &'s Entry<'a>,
    ) -> impl ExactSizeIterator<Item = (&'a Endpoint, Hash<16>)> {
        entry.reach.all.iter().copied().zip(self.names[entry.names.clone()].iter().copied())
    }

    /// Those of `some`, which is a part of them in the same order.
    pub(super) fn among<'s>(
        &'s self,
        entry: &'s Entry<'a>,
        some: &'s [&'a Endpoint],
    ) -> impl ExactSizeIterator<Item = (&'a Endpoint, Hash<16>)> {
        let mut all = self.endpoints(entry);
        some.iter()
            .map(move |&one| all.find(|&(endpoint, _)| std::ptr::eq(endpoint, one)).expect("what is picked is reached"))
    }

    /// About how many bytes it prints; too many rather than too few.
    pub(super) fn size_hint(&self) -> usize {
        let comment = if self.large { 0 } else { 180 };
        4096 + self.entries.len() * 1200 + self.names.len() * (330 + comment)
    }
}

/// Whether kube-proxy treats this as a large cluster: by all endpoints that it knows of, usable or not. 1.20 knows of
/// ready ones alone.
pub(super) fn is_large(version: Version, cluster: &Cluster, family: Family) -> bool {
    let known = |endpoint: &&Endpoint| {
        Family::of(endpoint.address) == family && (version != Version::V1_20 || endpoint.usage() == Use::Ready)
    };
    let mut endpoints = cluster.ports(family).flat_map(|service| &service.port.endpoints).filter(known);
    endpoints.nth(LARGE_CLUSTER_ENDPOINTS).is_some()
}

/// Whether a Service differs in `family`: only then does the proxier of that family sync.
pub(super) fn differs(step: Step<&Service>, family: Family) -> bool {
    if matches!(step, Step::Kept(_)) {
        return false;
    }
    let of_family = |service: &Service| {
        service.ports_of(family).next()?;
        let mut service = service.clone();
        service.cluster_ips = service.cluster_ips.of(family).into_iter().collect();
        service.external_ips.retain(|&address| Family::of(address) == family);
        service.ingress.retain(|ingress| Family::of(ingress.address) == family);
        service.source_ranges.retain(|range| Family::of(range.addr()) == family);
        for port in &mut service.ports {
            port.endpoints.retain(|endpoint| Family::of(endpoint.address) == family);
        }
        Some(service)
    };
    step.before().and_then(of_family) != step.after().and_then(of_family)
}
