//! The rules of one Service as of 1.20: traffic from outside to a Service with external policy `Local` goes through a
//! chain KUBE-XLB.

use super::chain::Chain;
use super::fixed::{LOOPBACK, LOOPBACK_V6};
use super::jumps::says;
use super::rule::{Comment, Match, Rule, Sink, Target};
use super::service::{shares, to_endpoint};
use super::sync::{Entry, Sync};
use crate::cluster::{Family, ServiceType};
use std::net::IpAddr;

impl<'a> Entry<'a> {
    /// Whether its type lets it keep traffic from outside on its node (`RequestsOnlyLocalTraffic`).
    fn is_only_local(&self) -> bool {
        let published = matches!(self.service.service.kind, ServiceType::NodePort | ServiceType::LoadBalancer);
        published && self.service.is_external_local()
    }

    /// Its load balancer's addresses, `ipMode` or not: 1.20 does not know it.
    fn ingress(&self) -> impl Iterator<Item = IpAddr> + use<'a> {
        let family = self.service.family();
        let addresses = self.service.service.ingress.iter().map(|ingress| ingress.address);
        addresses.filter(move |&address| Family::of(address) == family)
    }

    /// The chain of traffic from outside.
    fn external_chain(&self) -> Chain {
        if self.is_only_local() { Chain::ExternalLocal(self.hash) } else { Chain::Service(self.hash) }
    }

    fn to_host(&self, comment: Match<'a>, address: IpAddr) -> [Match<'a>; 4] {
        let service = self.service;
        [comment, Match::Protocol(service.protocol()), Match::ToHost(address), Match::ToPort(service.port.number)]
    }
}

/// The chains of the nat table that are about all endpoints of a Service.
pub(super) fn own_chains(entry: &Entry<'_>) -> Vec<Chain> {
    let (hash, has_any) = (entry.hash, entry.reach.has_any);
    let chains = [
        (Chain::Service(hash), has_any),
        (Chain::ExternalLocal(hash), entry.is_only_local()),
        (Chain::Firewall(hash), has_any && entry.ingress().next().is_some()),
    ];
    chains.into_iter().filter_map(|(chain, used)| used.then_some(chain)).collect()
}

/// Declares them, KUBE-FW once for each address of the load balancer.
pub(super) fn chains(entry: &Entry<'_>, sink: &mut impl Sink) {
    for chain in own_chains(entry) {
        sink.chain(chain);
        if matches!(chain, Chain::Firewall(_)) {
            entry.ingress().skip(1).for_each(|_| sink.same_chain(chain));
        }
    }
}

/// What is rejected: Services without endpoints.
pub(super) fn filter_rules(entry: &Entry<'_>, sink: &mut impl Sink) {
    if entry.reach.has_any {
        return;
    }
    let service = entry.service;
    let (none, target) = (entry.about("", " has no endpoints"), Target::Reject);
    let matches = entry.to_host(none, service.cluster_ip());
    sink.rule(&Rule { chain: Chain::KubeServices, matches: &matches, target });
    let chain = Chain::KubeExternalServices;
    for address in service.external_ips().chain(entry.ingress()) {
        sink.rule(&Rule { chain, matches: &entry.to_host(none, address), target });
    }
    if let Some(port) = service.node_port() {
        let matches = [none, Match::ToLocal, Match::Protocol(service.protocol()), Match::ToPort(port)];
        sink.rule(&Rule { chain, matches: &matches, target });
    }
}

/// Where traffic goes.
pub(super) fn nat_rules<'a>(sync: &Sync<'a>, entry: &Entry<'a>, sink: &mut impl Sink) {
    if !entry.reach.has_any {
        return;
    }
    cluster_ip(sync, entry, sink);
    for address in entry.service.external_ips() {
        external_ip(entry, address, sink);
    }
    for address in entry.ingress() {
        balancer_address(sync, entry, address, sink);
    }
    if let Some(port) = entry.service.node_port() {
        node_port(sync, entry, port, sink);
    }
    endpoints(sync, entry, sink);
    if entry.is_only_local() {
        local(sync, entry, sink);
    }
}

fn cluster_ip<'a>(sync: &Sync<'a>, entry: &Entry<'a>, sink: &mut impl Sink) {
    let chain = Chain::KubeServices;
    let to = entry.to_host(entry.about("", " cluster IP"), entry.service.cluster_ip());
    let to_mark = Target::Jump(Chain::KubeMarkMasq);
    if sync.masquerade_all {
        sink.rule(&Rule { chain, matches: &to, target: to_mark });
    } else if let Some(pods) = sync.cluster_cidr {
        let [comment, protocol, address, port] = to;
        let from_outside = [comment, protocol, address, port, Match::NotFrom(pods)];
        sink.rule(&Rule { chain, matches: &from_outside, target: to_mark });
    }
    sink.rule(&Rule { chain, matches: &to, target: Target::Jump(Chain::Service(entry.hash)) });
}

/// Only traffic from outside the node goes to an external IP, and traffic to an address of the node.
fn external_ip<'a>(entry: &Entry<'a>, address: IpAddr, sink: &mut impl Sink) {
    let (chain, target) = (Chain::KubeServices, Target::Jump(entry.external_chain()));
    let [comment, protocol, address, port] = entry.to_host(entry.about("", " external IP"), address);
    if !entry.is_only_local() {
        let matches = [comment, protocol, address, port];
        sink.rule(&Rule { chain, matches: &matches, target: Target::Jump(Chain::KubeMarkMasq) });
    }
    let from_outside = [comment, protocol, address, port, Match::NotBridged, Match::NotFromLocal];
    sink.rule(&Rule { chain, matches: &from_outside, target });
    sink.rule(&Rule { chain, matches: &[comment, protocol, address, port, Match::ToLocal], target });
}

/// The chain KUBE-FW, which is written anew for each address.
fn balancer_address<'a>(sync: &Sync<'a>, entry: &Entry<'a>, address: IpAddr, sink: &mut impl Sink) {
    let comment = entry.about("", " loadbalancer IP");
    let chain = Chain::Firewall(entry.hash);
    let matches = entry.to_host(comment, address);
    sink.rule(&Rule { chain: Chain::KubeServices, matches: &matches, target: Target::Jump(chain) });
    let target = Target::Jump(entry.external_chain());
    if !entry.is_only_local() {
        sink.rule(&Rule { chain, matches: &[comment], target: Target::Jump(Chain::KubeMarkMasq) });
    }
    if entry.source_ranges().next().is_none() {
        sink.rule(&Rule { chain, matches: &[comment], target });
    } else {
        for range in entry.source_ranges() {
            sink.rule(&Rule { chain, matches: &[comment, Match::FromNetwork(range)], target });
        }
        if entry.allows_node(sync) {
            sink.rule(&Rule { chain, matches: &[comment, Match::FromHost(address)], target });
        }
    }
    sink.rule(&Rule { chain, matches: &[comment], target: Target::Jump(Chain::KubeMarkDrop) });
}

fn node_port<'a>(sync: &Sync<'a>, entry: &Entry<'a>, port: u16, sink: &mut impl Sink) {
    let (chain, to_mark) = (Chain::KubeNodePorts, Target::Jump(Chain::KubeMarkMasq));
    let comment = Match::Comment(Comment::Service(entry.service));
    let to = [comment, Match::Protocol(entry.service.protocol()), Match::ToPort(port)];
    if entry.is_only_local() {
        let loopback = if sync.family == Family::V4 { LOOPBACK } else { LOOPBACK_V6 };
        let [comment, protocol, port] = to;
        let from_loopback = [comment, protocol, port, Match::FromNetwork(loopback)];
        sink.rule(&Rule { chain, matches: &from_loopback, target: to_mark });
    } else {
        sink.rule(&Rule { chain, matches: &to, target: to_mark });
    }
    sink.rule(&Rule { chain, matches: &to, target: Target::Jump(entry.external_chain()) });
}

/// The chains KUBE-SVC and KUBE-SEP, one rule of the first followed by all of the other.
fn endpoints<'a>(sync: &Sync<'a>, entry: &Entry<'a>, sink: &mut impl Sink) {
    let chain = Chain::Service(entry.hash);
    let comment = Match::Comment(Comment::Service(entry.service));
    // A large cluster leaves out the comments, which always stand first.
    let skipped = usize::from(sync.large);
    if let Some(timeout) = entry.service.service.affinity {
        for (_, name) in sync.endpoints(entry) {
            let sent = [comment, Match::SentTo(name, timeout.as_secs())];
            sink.rule(&Rule { chain, matches: &sent[skipped..], target: Target::Jump(Chain::Endpoint(name)) });
        }
    }
    for ((endpoint, name), share) in sync.endpoints(entry).zip(shares(entry.reach.all.len())) {
        let picked = [comment, Match::OneIn(share)];
        let matches = if share == 1 { &picked[skipped..1] } else { &picked[skipped..] };
        sink.rule(&Rule { chain, matches, target: Target::Jump(Chain::Endpoint(name)) });
        to_endpoint(sync, entry, endpoint, name, Match::FromHost(endpoint.address), sink);
    }
}

/// The chain KUBE-XLB.
fn local<'a>(sync: &Sync<'a>, entry: &Entry<'a>, sink: &mut impl Sink) {
    let (chain, to_all) = (Chain::ExternalLocal(entry.hash), Target::Jump(Chain::Service(entry.hash)));
    if let Some(pods) = sync.cluster_cidr {
        let comment = says("Redirect pods trying to reach external loadbalancer VIP to clusterIP");
        sink.rule(&Rule { chain, matches: &[comment, Match::FromNetwork(pods)], target: to_all });
    }
    let comment = entry.about("masquerade LOCAL traffic for ", " LB IP");
    sink.rule(&Rule { chain, matches: &[comment, Match::FromLocal], target: Target::Jump(Chain::KubeMarkMasq) });
    let comment = entry.about("route LOCAL traffic for ", " LB IP to service chain");
    sink.rule(&Rule { chain, matches: &[comment, Match::FromLocal], target: to_all });
    let endpoints = &entry.reach.local;
    if endpoints.is_empty() {
        let comment = entry.about("", " has no local endpoints");
        sink.rule(&Rule { chain, matches: &[comment], target: Target::Jump(Chain::KubeMarkDrop) });
        return;
    }
    // These comments stay in a large cluster, too.
    if let Some(timeout) = entry.service.service.affinity {
        for (_, name) in sync.among(entry, endpoints) {
            let comment = Match::Comment(Comment::Service(entry.service));
            let sent = [comment, Match::SentTo(name, timeout.as_secs())];
            sink.rule(&Rule { chain, matches: &sent, target: Target::Jump(Chain::Endpoint(name)) });
        }
    }
    for (((_, name), share), number) in sync.among(entry, endpoints).zip(shares(endpoints.len())).zip(0..) {
        let picked = [Match::Comment(Comment::Balancing(number, entry.service)), Match::OneIn(share)];
        let matches = if share == 1 { &picked[..1] } else { &picked[..] };
        sink.rule(&Rule { chain, matches, target: Target::Jump(Chain::Endpoint(name)) });
    }
}
