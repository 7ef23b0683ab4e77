//! The rules of one Service as of 1.24 and later: traffic from outside goes through a chain KUBE-EXT.

use super::chain::Chain;
use super::fixed::{LOCALHOST_COUNTER, LOOPBACK};
use super::rule::{Comment, Match, Rule, Sink, Target};
use super::sync::{Entry, Extent, Sync};
use crate::cluster::{Endpoint, Family, Protocol, ServicePort, ServiceType};
use crate::layout::hash::Hash;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How traffic to a Service is told apart.
impl<'a> Entry<'a> {
    fn is_internal_local(&self) -> bool {
        self.service.service.internal_policy == crate::cluster::TrafficPolicy::Local
    }

    /// Whether traffic to the cluster IP finds an endpoint here.
    fn has_internal(&self) -> bool {
        self.reach.has_any && !(self.is_internal_local() && self.reach.local.is_empty())
    }

    /// Whether traffic from outside finds an endpoint here.
    fn has_external(&self) -> bool {
        self.reach.has_any && !(self.service.is_external_local() && self.reach.local.is_empty())
    }

    fn uses_external_chain(&self) -> bool {
        self.reach.has_any && self.service.is_external()
    }

    fn uses_firewall(&self) -> bool {
        let has_addresses = self.service.balancer_addresses().next().is_some();
        self.reach.has_any && has_addresses && self.source_ranges().next().is_some()
    }

    /// The sources that may use its load balancer, of its family.
    pub(super) fn source_ranges(&self) -> impl Iterator<Item = IpNet> + use<'a> {
        let family = self.service.family();
        let ranges = self.service.service.source_ranges.iter().copied();
        ranges.filter(move |range| Family::of(range.addr()) == family)
    }

    /// Whether the node is among the sources that may use its load balancer. kube-proxy takes the loopback address for
    /// a node without an address of the family.
    pub(super) fn allows_node(&self, sync: &Sync<'_>) -> bool {
        let node = sync.node.address(sync.family).unwrap_or(match sync.family {
            Family::V4 => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Family::V6 => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
        self.source_ranges().any(|range| range.contains(&node))
    }

    fn health_check_node_port(&self) -> Option<u16> {
        let service = self.service.service;
        let needs = service.kind == ServiceType::LoadBalancer && self.service.is_external_local();
        service.health_check_node_port.filter(|&port| needs && port != 0)
    }

    /// The chain that picks among the endpoints for traffic to the cluster IP.
    fn internal_chain(&self) -> Chain {
        if self.is_internal_local() { Chain::ServiceLocal(self.hash) } else { Chain::Service(self.hash) }
    }

    pub(super) fn about(&self, before: &'static str, after: &'static str) -> Match<'a> {
        Match::Comment(Comment::About(before, self.service, after))
    }

    fn to(&self, comment: Match<'a>, address: IpAddr) -> [Match<'a>; 4] {
        let service = self.service;
        [comment, Match::Protocol(service.protocol()), Match::To(address), Match::ToPort(service.port.number)]
    }
}

/// The chains of the nat table that are about all endpoints of a Service.
pub(super) fn own_chains(entry: &Entry<'_>) -> Vec<Chain> {
    let hash = entry.hash;
    let chains = [
        (Chain::External(hash), entry.uses_external_chain()),
        (Chain::Firewall(hash), entry.uses_firewall()),
        (Chain::Service(hash), !entry.reach.cluster.is_empty()),
        (Chain::ServiceLocal(hash), !entry.reach.local.is_empty()),
    ];
    chains.into_iter().filter_map(|(chain, used)| used.then_some(chain)).collect()
}

/// Declares them.
pub(super) fn chains(entry: &Entry<'_>, sink: &mut impl Sink) {
    own_chains(entry).into_iter().for_each(|chain| sink.chain(chain));
}

/// What is rejected, dropped and accepted.
pub(super) fn filter_rules(entry: &Entry<'_>, sink: &mut impl Sink) {
    let service = entry.service;
    let (none, target) = if entry.reach.has_any {
        (entry.about("", " has no local endpoints"), Target::Drop)
    } else {
        (entry.about("", " has no endpoints"), Target::Reject)
    };
    if !entry.has_internal() {
        sink.rule(&Rule { chain: Chain::KubeServices, matches: &entry.to(none, service.cluster_ip()), target });
    }
    let (chain, has_external) = (Chain::KubeExternalServices, entry.has_external());
    if !has_external {
        for address in service.external_ips() {
            sink.rule(&Rule { chain, matches: &entry.to(none, address), target });
        }
    }
    if entry.uses_firewall() {
        let comment = Match::Comment(Comment::NotAccepted(service, entry.hash));
        for address in service.balancer_addresses() {
            let matches = entry.to(comment, address);
            sink.rule(&Rule { chain: Chain::KubeProxyFirewall, matches: &matches, target: Target::Drop });
        }
    }
    if !has_external {
        for address in service.balancer_addresses() {
            sink.rule(&Rule { chain, matches: &entry.to(none, address), target });
        }
        if let Some(port) = service.node_port() {
            let matches = [none, Match::ToLocal, Match::Protocol(service.protocol()), Match::ToPort(port)];
            sink.rule(&Rule { chain, matches: &matches, target });
        }
    }
    if let Some(port) = entry.health_check_node_port() {
        let comment = entry.about("", " health check node port");
        let matches = [comment, Match::Protocol(Protocol::Tcp), Match::ToPort(port)];
        sink.rule(&Rule { chain: Chain::KubeNodePorts, matches: &matches, target: Target::Accept });
    }
}

/// Where traffic goes.
pub(super) fn nat_rules<'a>(sync: &Sync<'a>, entry: &Entry<'a>, sink: &mut impl Sink) {
    dispatch(sync, entry, sink);
    if entry.extent == Extent::Dispatch {
        return;
    }
    if entry.has_internal() {
        masquerade_internal(sync, entry, sink);
    }
    if entry.uses_external_chain() {
        external(sync, entry, sink);
    }
    if entry.uses_firewall() {
        firewall(sync, entry, sink);
    }
    pick(sync, entry, Chain::Service(entry.hash), &entry.reach.cluster, sink);
    pick(sync, entry, Chain::ServiceLocal(entry.hash), &entry.reach.local, sink);
    for (endpoint, name) in sync.endpoints(entry) {
        to_endpoint(sync, entry, endpoint, name, Match::From(endpoint.address), sink);
    }
}

/// The rules in the fixed chains.
fn dispatch<'a>(sync: &Sync<'a>, entry: &Entry<'a>, sink: &mut impl Sink) {
    let service = entry.service;
    let chain = Chain::KubeServices;
    if entry.has_internal() {
        let matches = entry.to(entry.about("", " cluster IP"), service.cluster_ip());
        sink.rule(&Rule { chain, matches: &matches, target: Target::Jump(entry.internal_chain()) });
    }
    if !entry.reach.has_any {
        return;
    }
    let external = Target::Jump(Chain::External(entry.hash));
    for address in service.external_ips() {
        let matches = entry.to(entry.about("", " external IP"), address);
        sink.rule(&Rule { chain, matches: &matches, target: external });
    }
    let balanced = if entry.uses_firewall() { Target::Jump(Chain::Firewall(entry.hash)) } else { external };
    for address in service.balancer_addresses() {
        let matches = entry.to(entry.about("", " loadbalancer IP"), address);
        sink.rule(&Rule { chain, matches: &matches, target: balanced });
    }
    if let Some(port) = service.node_port() {
        let (chain, port) = (Chain::KubeNodePorts, Match::ToPort(port));
        let (comment, protocol) = (Match::Comment(Comment::Service(service)), Match::Protocol(service.protocol()));
        if sync.counted && sync.node_ports.on_localhost {
            let counted = Match::CountedBy(LOCALHOST_COUNTER);
            let matches = [comment, protocol, Match::ToNetwork(LOOPBACK), port, counted];
            sink.rule(&Rule { chain, matches: &matches, target: external });
        }
        sink.rule(&Rule { chain, matches: &[comment, protocol, port], target: external });
    }
}

/// Traffic to the cluster IP from outside the cluster may leave the node again, so it is masqueraded.
fn masquerade_internal<'a>(sync: &Sync<'a>, entry: &Entry<'a>, sink: &mut impl Sink) {
    let [comment, protocol, address, port] = entry.to(entry.about("", " cluster IP"), entry.service.cluster_ip());
    let chain = entry.internal_chain();
    let target = Target::Jump(Chain::KubeMarkMasq);
    if sync.masquerade_all {
        sink.rule(&Rule { chain, matches: &[comment, protocol, address, port], target });
    } else if let Some(pods) = sync.cluster_cidr {
        sink.rule(&Rule { chain, matches: &[comment, protocol, address, port, Match::NotFrom(pods)], target });
    }
}

/// The chain KUBE-EXT.
fn external<'a>(sync: &Sync<'a>, entry: &Entry<'a>, sink: &mut impl Sink) {
    const DESTINATIONS: &str = " external destinations";
    let chain = Chain::External(entry.hash);
    let (to_mark, to_all) = (Target::Jump(Chain::KubeMarkMasq), Target::Jump(Chain::Service(entry.hash)));
    if entry.service.is_external_local() {
        if let Some(pods) = sync.cluster_cidr {
            let matches = [entry.about("pod traffic for ", DESTINATIONS), Match::FromNetwork(pods)];
            sink.rule(&Rule { chain, matches: &matches, target: to_all });
        }
        let comment = entry.about("masquerade LOCAL traffic for ", DESTINATIONS);
        sink.rule(&Rule { chain, matches: &[comment, Match::FromLocal], target: to_mark });
        let comment = entry.about("route LOCAL traffic for ", DESTINATIONS);
        sink.rule(&Rule { chain, matches: &[comment, Match::FromLocal], target: to_all });
        if entry.has_external() {
            sink.rule(&Rule { chain, matches: &[], target: Target::Jump(Chain::ServiceLocal(entry.hash)) });
        }
        return;
    }
    let comment = entry.about("masquerade traffic for ", DESTINATIONS);
    sink.rule(&Rule { chain, matches: &[comment], target: to_mark });
    sink.rule(&Rule { chain, matches: &[], target: to_all });
}

/// The chain KUBE-FW: what it does not let through is dropped by KUBE-PROXY-FIREWALL.
fn firewall<'a>(sync: &Sync<'a>, entry: &Entry<'a>, sink: &mut impl Sink) {
    let (chain, comment) = (Chain::Firewall(entry.hash), entry.about("", " loadbalancer IP"));
    let target = Target::Jump(Chain::External(entry.hash));
    for range in entry.source_ranges() {
        sink.rule(&Rule { chain, matches: &[comment, Match::FromNetwork(range.trunc())], target });
    }
    if entry.allows_node(sync) {
        for address in entry.service.balancer_addresses() {
            sink.rule(&Rule { chain, matches: &[comment, Match::From(address)], target });
        }
    }
    let comment = entry.about("other traffic to ", " will be dropped by KUBE-PROXY-FIREWALL");
    sink.rule(&Rule { chain, matches: &[comment], target: Target::Continue });
}

/// Picks one of `endpoints`: the one that the client had before, or any (`writeServiceToEndpointRules`).
fn pick<'a>(sync: &Sync<'a>, entry: &Entry<'a>, chain: Chain, endpoints: &[&'a Endpoint], sink: &mut impl Sink) {
    let service = entry.service;
    let comment = |endpoint| Match::Comment(Comment::Endpoint(service, endpoint));
    // A large cluster leaves out the comments, which always stand first.
    let skipped = usize::from(sync.large);
    if let Some(timeout) = service.service.affinity {
        for (endpoint, name) in sync.among(entry, endpoints) {
            let sent = [comment(endpoint), Match::SentTo(name, timeout.as_secs())];
            sink.rule(&Rule { chain, matches: &sent[skipped..], target: Target::Jump(Chain::Endpoint(name)) });
        }
    }
    for ((endpoint, name), share) in sync.among(entry, endpoints).zip(shares(endpoints.len())) {
        let picked = [comment(endpoint), Match::OneIn(share)];
        let matches = if share == 1 { &picked[skipped..1] } else { &picked[skipped..] };
        sink.rule(&Rule { chain, matches, target: Target::Jump(Chain::Endpoint(name)) });
    }
}

/// One in how many connections each rule takes of those that come to it. The last one takes whatever the others left.
pub(super) fn shares(endpoints: usize) -> impl Iterator<Item = u32> {
    (1..=u32::try_from(endpoints).expect("a Service's endpoints number less than 2^32")).rev()
}

/// The chain KUBE-SEP: an endpoint's own traffic is masqueraded, and all goes to it. `from` matches the endpoint.
pub(super) fn to_endpoint<'a>(
    sync: &Sync<'a>,
    entry: &Entry<'a>,
    endpoint: &'a Endpoint,
    name: Hash<16>,
    from: Match<'a>,
    sink: &mut impl Sink,
) {
    let service: ServicePort<'a> = entry.service;
    let chain = Chain::Endpoint(name);
    let comment = Match::Comment(Comment::Service(service));
    let skipped = usize::from(sync.large);
    let to_itself = [comment, from];
    sink.rule(&Rule { chain, matches: &to_itself[skipped..], target: Target::Jump(Chain::KubeMarkMasq) });
    let noted = [comment, Match::NoteSentTo(name), Match::Protocol(service.protocol())];
    let plain = [comment, Match::Protocol(service.protocol())];
    let matches = if service.service.affinity.is_some() { &noted[skipped..] } else { &plain[skipped..] };
    sink.rule(&Rule { chain, matches, target: Target::Dnat(endpoint) });
}
