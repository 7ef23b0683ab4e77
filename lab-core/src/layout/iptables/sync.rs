//! What one sync of kube-proxy's iptables mode writes, as a walk over rules.
//!
//! The order is that of `syncProxyRules` in kube-proxy's `pkg/proxy/iptables/proxier.go`.

use super::rule::{Chain, Comment, ConnectionState, Match, Rule, Sink, Table, Target};
use crate::change::{Change, Step};
use crate::cluster::{Cluster, ServicePort};
use crate::layout::FAMILY;
use crate::layout::hash::{Hash, ServiceHasher};
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;
use std::ops::Range;

/// With more endpoints, kube-proxy leaves out comments and cleans up less often (`largeClusterEndpointsThreshold`).
const LARGE_CLUSTER_ENDPOINTS: usize = 1000;

/// The loopback network.
pub(in crate::layout) const LOOPBACK: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);

/// The chains of the filter table that every sync rewrites.
const FILTER_CHAINS: [Chain; 6] = [
    Chain::KubeServices,
    Chain::KubeExternalServices,
    Chain::KubeForward,
    Chain::KubeNodePorts,
    Chain::KubeProxyFirewall,
    Chain::KubeFirewall,
];

/// The chains of the nat table that every sync rewrites.
const NAT_CHAINS: [Chain; 4] = [Chain::KubeServices, Chain::KubeNodePorts, Chain::KubePostrouting, Chain::KubeMarkMasq];

/// Whether kube-proxy treats this as a large cluster.
pub(super) fn is_large(cluster: &Cluster) -> bool {
    cluster.ports(FAMILY).flat_map(ServicePort::endpoints).nth(LARGE_CLUSTER_ENDPOINTS).is_some()
}

/// How much of a Service a sync writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Its rule in KUBE-SERVICES and its own chains.
    Whole,
    /// Only its rule in KUBE-SERVICES, which every sync rewrites.
    Dispatch,
}

/// A Service and the names of its chains.
struct Entry<'a> {
    service: ServicePort<'a>,
    extent: Extent,
    chain: Hash<16>,
    /// Where the names of its endpoints' chains are; empty unless it is written whole.
    endpoints: Range<usize>,
}

/// One sync. Every name is hashed once.
pub struct Sync<'a> {
    cluster_cidr: Ipv4Net,
    large: bool,
    entries: Vec<Entry<'a>>,
    endpoint_chains: Vec<Hash<16>>,
    stale: Vec<Chain>,
}

impl<'a> Sync<'a> {
    /// Every Service of `cluster`, whole.
    #[must_use]
    pub fn full(cluster: &'a Cluster, cluster_cidr: Ipv4Net) -> Self {
        let mut sync = Self::new(cluster, cluster_cidr);
        sync.endpoint_chains.reserve_exact(cluster.endpoint_count(FAMILY));
        for service in cluster.ports(FAMILY) {
            sync.enter(service, Extent::Whole);
        }
        sync
    }

    /// The changed Services whole, and the dispatch to all others.
    ///
    /// In a large cluster the stale chains stay until a later clean-up.
    #[must_use]
    pub fn partial(change: &'a Change, cluster_cidr: Ipv4Net) -> Self {
        let mut sync = Self::new(&change.after, cluster_cidr);
        for step in change.ports(FAMILY) {
            match step {
                Step::Kept(service) => sync.enter(service, Extent::Dispatch),
                Step::Added(service) | Step::Altered { after: service, .. } => sync.enter(service, Extent::Whole),
                Step::Removed(_) => {}
            }
        }
        if !sync.large {
            sync.stale = stale_chains(change);
        }
        sync
    }

    fn new(cluster: &Cluster, cluster_cidr: Ipv4Net) -> Self {
        Self {
            cluster_cidr,
            large: is_large(cluster),
            entries: Vec::with_capacity(cluster.services.len()),
            endpoint_chains: Vec::new(),
            stale: Vec::new(),
        }
    }

    fn enter(&mut self, service: ServicePort<'a>, extent: Extent) {
        let hasher = ServiceHasher::iptables(service);
        let first = self.endpoint_chains.len();
        if extent == Extent::Whole {
            self.endpoint_chains.extend(service.endpoints().map(|endpoint| hasher.iptables_endpoint(endpoint)));
        }
        let endpoints = first..self.endpoint_chains.len();
        self.entries.push(Entry { service, extent, chain: hasher.service(), endpoints });
    }

    /// About how many bytes it prints; too many rather than too few.
    pub(super) fn size_hint(&self) -> usize {
        let comment = if self.large { 0 } else { 180 };
        4096 + self.entries.len() * 460 + self.endpoint_chains.len() * (330 + comment)
    }

    /// Writes it to `sink`.
    pub fn walk(&self, sink: &mut impl Sink) {
        self.walk_filter(sink);
        self.walk_nat(sink);
    }

    fn walk_filter(&self, sink: &mut impl Sink) {
        sink.table(Table::Filter);
        for chain in FILTER_CHAINS {
            sink.chain(chain);
        }
        // The kubelet's rule, which kube-proxy sets up too.
        sink.rule(&Rule {
            chain: Chain::KubeFirewall,
            matches: &[
                Match::Comment(Comment::Says("block incoming localnet connections")),
                Match::ToNetwork(LOOPBACK),
                Match::NotFrom(LOOPBACK),
                Match::Connection(ConnectionState::NeitherEstablishedNorRewritten),
            ],
            target: Target::Drop,
        });
        for Entry { service, .. } in self.entries.iter().filter(|entry| !entry.service.has_endpoints()) {
            sink.rule(&Rule {
                chain: Chain::KubeServices,
                matches: &[
                    Match::Comment(Comment::NoEndpoints(*service)),
                    Match::Protocol(service.protocol()),
                    Match::To(service.cluster_ip()),
                    Match::ToPort(service.port.number),
                ],
                target: Target::Reject,
            });
        }
        let chain = Chain::KubeForward;
        sink.rule(&Rule { chain, matches: &[Match::Connection(ConnectionState::Invalid)], target: Target::Drop });
        sink.rule(&Rule {
            chain,
            matches: &[Match::Comment(Comment::Says("kubernetes forwarding rules")), Match::Marked],
            target: Target::Accept,
        });
        sink.rule(&Rule {
            chain,
            matches: &[
                Match::Comment(Comment::Says("kubernetes forwarding conntrack rule")),
                Match::Connection(ConnectionState::RelatedOrEstablished),
            ],
            target: Target::Accept,
        });
        sink.commit();
    }

    fn walk_nat(&self, sink: &mut impl Sink) {
        sink.table(Table::Nat);
        for chain in NAT_CHAINS {
            sink.chain(chain);
        }
        for entry in self.entries.iter().filter(|entry| !entry.endpoints.is_empty()) {
            sink.chain(Chain::Service(entry.chain));
            for &endpoint in &self.endpoint_chains[entry.endpoints.clone()] {
                sink.chain(Chain::Endpoint(endpoint));
            }
        }
        for &chain in &self.stale {
            sink.chain(chain);
        }

        let chain = Chain::KubePostrouting;
        sink.rule(&Rule { chain, matches: &[Match::NotMarked], target: Target::Return });
        sink.rule(&Rule { chain, matches: &[], target: Target::Unmark });
        let comment = Match::Comment(Comment::Says("kubernetes service traffic requiring SNAT"));
        sink.rule(&Rule { chain, matches: &[comment], target: Target::Masquerade });
        sink.rule(&Rule { chain: Chain::KubeMarkMasq, matches: &[], target: Target::Mark });
        for entry in &self.entries {
            self.walk_service(entry, sink);
        }
        for &chain in &self.stale {
            sink.delete(chain);
        }
        sink.rule(&Rule {
            chain: Chain::KubeServices,
            matches: &[
                Match::Comment(Comment::Says(
                    "kubernetes service nodeports; NOTE: this must be the last rule in this chain",
                )),
                Match::ToLocal,
            ],
            target: Target::Jump(Chain::KubeNodePorts),
        });
        sink.commit();
    }

    fn walk_service(&self, entry: &Entry<'_>, sink: &mut impl Sink) {
        let service = entry.service;
        if !service.has_endpoints() {
            return;
        }
        let chain = Chain::Service(entry.chain);
        let to_service = [
            Match::Comment(Comment::ClusterIp(service)),
            Match::Protocol(service.protocol()),
            Match::To(service.cluster_ip()),
            Match::ToPort(service.port.number),
            Match::NotFrom(self.cluster_cidr),
        ];
        let (dispatch, from_outside) = (&to_service[..4], &to_service[..]);
        sink.rule(&Rule { chain: Chain::KubeServices, matches: dispatch, target: Target::Jump(chain) });
        if entry.extent == Extent::Dispatch {
            return;
        }
        sink.rule(&Rule { chain, matches: from_outside, target: Target::Jump(Chain::KubeMarkMasq) });

        // A large cluster leaves out the comments, which always stand first.
        let skipped = usize::from(self.large);
        let endpoints = || service.endpoints().zip(&self.endpoint_chains[entry.endpoints.clone()]);
        for ((endpoint, &hash), left) in endpoints().zip((1..=service.endpoint_count()).rev()) {
            let share = u32::try_from(left).expect("a Service's endpoints number less than 2^32");
            let picked = [Match::Comment(Comment::Endpoint(service, endpoint)), Match::OneIn(share)];
            // The last one takes whatever the others left.
            let matches = if share == 1 { &picked[skipped..1] } else { &picked[skipped..] };
            sink.rule(&Rule { chain, matches, target: Target::Jump(Chain::Endpoint(hash)) });
        }
        for (endpoint, &hash) in endpoints() {
            let chain = Chain::Endpoint(hash);
            let comment = Match::Comment(Comment::Service(service));
            let to_itself = [comment, Match::From(endpoint.address)];
            let matches = &to_itself[skipped..];
            sink.rule(&Rule { chain, matches, target: Target::Jump(Chain::KubeMarkMasq) });
            let to_endpoint = [comment, Match::Protocol(service.protocol())];
            sink.rule(&Rule { chain, matches: &to_endpoint[skipped..], target: Target::Dnat(endpoint) });
        }
    }
}

/// Deletes the `stale` chains.
pub(super) fn cleanup(stale: &[Chain], sink: &mut impl Sink) {
    sink.table(Table::Nat);
    for &chain in stale {
        sink.chain(chain);
    }
    for &chain in stale {
        sink.delete(chain);
    }
    sink.commit();
}

/// The chains that nothing leads to any more after `change`.
pub(super) fn stale_chains(change: &Change) -> Vec<Chain> {
    let mut stale = Vec::new();
    let changed = change.services().into_iter().filter(|step| !matches!(step, Step::Kept(_)));
    for step in changed.flat_map(|step| step.ports(FAMILY)) {
        let Some(before) = step.before() else { continue };
        let after = step.after();
        let hasher = ServiceHasher::iptables(before);
        if before.has_endpoints() && !after.is_some_and(ServicePort::has_endpoints) {
            stale.push(Chain::Service(hasher.service()));
        }
        let gone = before.endpoints().filter(|endpoint| !after.is_some_and(|after| after.has(endpoint)));
        stale.extend(gone.map(|endpoint| Chain::Endpoint(hasher.iptables_endpoint(endpoint))));
    }
    stale
}

/// The chain of `service`.
pub(super) fn service_chain(service: ServicePort<'_>) -> Chain {
    Chain::Service(ServiceHasher::iptables(service).service())
}
