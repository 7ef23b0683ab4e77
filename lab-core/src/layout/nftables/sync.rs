//! What one sync of kube-proxy's nftables mode writes for the Services, as a walk over objects.
//!
//! The order is that of `syncProxyRules` in kube-proxy's `pkg/proxy/nftables/proxier.go`.

use super::base::{add_rule, ensure};
use super::object::{Chain, Element, Match, Object, Rule, Sink, Statement, Verb};
use crate::change::{Change, Step};
use crate::cluster::{Cluster, ServicePort};
use crate::layout::FAMILY;
use crate::layout::hash::ServiceHasher;
use ipnet::Ipv4Net;
use std::collections::HashSet;

/// A Service's chains and their names.
pub(super) struct Chains<'a> {
    pub(super) service: Chain<'a>,
    pub(super) endpoints: Vec<Chain<'a>>,
}

impl<'a> Chains<'a> {
    pub(super) fn new(service: ServicePort<'a>) -> Self {
        let hasher = ServiceHasher::nftables(service);
        let endpoint = |endpoint| Chain::Endpoint(service, endpoint, hasher.nftables_endpoint(endpoint));
        Self {
            service: Chain::Service(service, hasher.service()),
            endpoints: service.endpoints().map(endpoint).collect(),
        }
    }

    /// The chains that exist: none without endpoints.
    fn existing(&self) -> impl Iterator<Item = Chain<'a>> {
        let service = (!self.endpoints.is_empty()).then_some(self.service);
        self.endpoints.iter().copied().chain(service)
    }
}

/// A Service's elements in sets and maps.
fn elements<'a>(service: ServicePort<'a>, chains: &Chains<'a>) -> [Element<'a>; 2] {
    let verdict = match chains.endpoints.is_empty() {
        true => Element::NoEndpoints(service),
        false => Element::Service(service, chains.service),
    };
    [Element::ClusterIp(service), verdict]
}

/// Every Service of `cluster`, whole.
pub(super) fn walk(cluster: &Cluster, cluster_cidr: Ipv4Net, sink: &mut impl Sink) {
    for service in cluster.ports(FAMILY) {
        let chains = Chains::new(service);
        walk_service(service, &chains, &elements(service, &chains), cluster_cidr, sink);
    }
}

/// Only what `change` changes: the partial sync of releases after 1.30.
///
/// Stale chains are emptied here and deleted later: see [`stale_chains`].
pub(super) fn walk_change(change: &Change, cluster_cidr: Ipv4Net, sink: &mut impl Sink) {
    let mut left_over = Vec::new();
    for step in changed(change) {
        match step {
            Step::Kept(_) => {}
            Step::Added(service) => {
                let chains = Chains::new(service);
                walk_service(service, &chains, &elements(service, &chains), cluster_cidr, sink);
            }
            Step::Altered { before, after } => {
                let (chains_before, chains) = (Chains::new(before), Chains::new(after));
                let (were, are) = (elements(before, &chains_before), elements(after, &chains));
                let new: Vec<Element<'_>> =
                    are.into_iter().filter(|element| !were.iter().any(|was| was.is_at(*element))).collect();
                walk_service(after, &chains, &new, cluster_cidr, sink);
                left_over.extend(were.into_iter().filter(|was| !are.iter().any(|element| element.is_at(*was))));
            }
            Step::Removed(service) => left_over.extend(elements(service, &Chains::new(service))),
        }
    }
    for chain in stale_chains(change) {
        sink.command(Verb::Flush, &Object::Chain(chain));
    }
    // Another port of the same Service may still need the address.
    let addresses: HashSet<_> = match left_over.is_empty() {
        true => HashSet::new(),
        false => change.after.ports(FAMILY).map(ServicePort::cluster_ip).collect(),
    };
    left_over
        .retain(|element| !matches!(element, Element::ClusterIp(service) if addresses.contains(&service.cluster_ip())));
    // kube-proxy goes through one set after the other.
    left_over.sort_by_key(|element| match element {
        Element::ClusterIp(_) | Element::NodePortIp(_) => 0,
        Element::Service(..) => 1,
        Element::NoEndpoints(_) => 2,
    });
    for element in left_over {
        sink.command(Verb::Delete, &Object::Element(element));
    }
}

/// What happens to the ports of the Services that differ.
fn changed(change: &Change) -> impl Iterator<Item = Step<ServicePort<'_>>> {
    let differs = |step: &Step<_>| !matches!(step, Step::Kept(_));
    change.services().into_iter().filter(differs).flat_map(|step| step.ports(FAMILY))
}

/// The chains that nothing leads to any more after `change`.
pub(super) fn stale_chains(change: &Change) -> Vec<Chain<'_>> {
    let mut stale = Vec::new();
    for step in changed(change) {
        match step {
            Step::Kept(_) | Step::Added(_) => {}
            Step::Removed(before) => stale.extend(Chains::new(before).existing()),
            Step::Altered { before, after } => {
                let is_gone = |chain: &Chain<'_>| match chain {
                    Chain::Endpoint(_, endpoint, _) => !after.has(endpoint),
                    _ => !after.has_endpoints(),
                };
                stale.extend(Chains::new(before).existing().filter(is_gone));
            }
        }
    }
    stale
}

fn walk_service(
    service: ServicePort<'_>,
    chains: &Chains<'_>,
    elements: &[Element<'_>],
    cluster_cidr: Ipv4Net,
    sink: &mut impl Sink,
) {
    for chain in chains.existing() {
        ensure(chain, sink);
    }
    for &element in elements {
        sink.command(Verb::Add, &Object::Element(element));
    }
    if !service.has_endpoints() {
        return;
    }
    let mut add =
        |chain, matches: &[Match], statement| add_rule(Rule { chain, matches, statement, comment: None }, sink);
    let mark = Statement::Jump(Chain::MarkForMasquerade);
    let from_outside = [
        Match::To(service.cluster_ip()),
        Match::ToPort(service.protocol(), service.port.number),
        Match::NotFrom(cluster_cidr),
    ];
    add(chains.service, &from_outside, mark);
    add(chains.service, &[], Statement::Pick(&chains.endpoints));
    for (endpoint, &chain) in service.endpoints().zip(&chains.endpoints) {
        add(chain, &[Match::From(endpoint.address)], mark);
        add(chain, &[], Statement::Dnat(service.protocol(), endpoint));
    }
}
