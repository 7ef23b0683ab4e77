//! Services that a cluster of any size repeats: those of a real cluster, or of a described mix.

use super::endpoint::{Endpoint, Place};
use super::family::Family;
use super::node::Node;
use super::service::{Protocol, Service, ServiceType, TrafficPolicy};
use super::{Cluster, ServicePort};
use crate::cell::{ClusterSpec, Source};
use crate::vocabulary::Access;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Services to be repeated, on the node that the lab plays. It has at least one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Where they come from.
    pub source: Source,
    /// The Services, in the order in which they are taken: any number of the first ones has about the shares of all.
    pub services: Vec<Arc<Service>>,
    /// The zone of the node that the lab plays; empty for none.
    pub zone: String,
}

impl Base {
    /// The name of the file in a run's folder that holds it.
    pub const FILE: &str = "cluster.json";

    /// The Services of `cluster` that kube-proxy programs, as its node `node` sees them; `None` if there are none.
    ///
    /// Without `node`, it is the one with the most endpoints: the most that policy `Local` can ask of a node.
    #[must_use]
    pub fn of(cluster: &Cluster, node: Option<&str>, source: Source) -> Option<Self> {
        let programmed = |service: &&Arc<Service>| !service.is_skipped() && !service.ports.is_empty();
        let mut services: Vec<_> = cluster.services.iter().filter(programmed).cloned().collect();
        let played = node.map(str::to_owned).or_else(|| busiest(&services)).unwrap_or_default();
        let mut zone = String::new();
        for service in &mut services {
            let places = service.ports.iter().flat_map(|port| &port.endpoints).filter_map(|end| end.place.as_ref());
            if let Some(place) = places.clone().find(|place| !played.is_empty() && place.node == played) {
                zone.clone_from(&place.zone);
            }
            if places.count() > 0 {
                for port in &mut Arc::make_mut(service).ports {
                    port.endpoints.iter_mut().for_each(|endpoint| play(endpoint, &played));
                }
            }
        }
        spread_evenly(&mut services);
        (!services.is_empty()).then_some(Self { source, services, zone })
    }

    /// What a cluster of so many of its Services is called. Its endpoints are the median over the ports.
    #[must_use]
    pub fn spec(&self, services: u32) -> ClusterSpec {
        let ports = |family| self.services.iter().flat_map(move |service| service.ports_of(family));
        let mut counts: Vec<usize> = Family::ALL.into_iter().flat_map(ports).map(ServicePort::endpoint_count).collect();
        counts.sort_unstable();
        let median = counts.get(counts.len().saturating_sub(1) / 2).copied().unwrap_or_default();
        ClusterSpec { services, endpoints: u32::try_from(median).unwrap_or(u32::MAX), source: self.source }
    }

    /// Whether some of its Services can be reached by `access`.
    #[must_use]
    pub fn offers(&self, access: Access) -> bool {
        let node = Node::default();
        let ports = |family| self.services.iter().flat_map(move |service| service.ports_of(family));
        let tcp = |port: &ServicePort<'_>| port.protocol() == Protocol::Tcp;
        Family::ALL.into_iter().flat_map(ports).filter(tcp).any(|port| port.address_by(access, &node).is_some())
    }

    /// How many Services it has.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.services.len()).unwrap_or(u32::MAX)
    }
}

/// The node with the most endpoints; the first by name of several.
fn busiest(services: &[Arc<Service>]) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let endpoints = services.iter().flat_map(|service| &service.ports).flat_map(|port| &port.endpoints);
    for place in endpoints.filter_map(|endpoint| endpoint.place.as_ref()).filter(|place| !place.node.is_empty()) {
        *counts.entry(&place.node).or_default() += 1;
    }
    let most = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    most.map(|(node, _)| node.to_owned())
}

/// Moves the endpoint to the lab's node if it runs on `played`. Another node of the lab's name gets another name.
fn play(endpoint: &mut Endpoint, played: &str) {
    let own = Node::default().name;
    let renamed = |name: &str| match name {
        name if name == played => own.clone(),
        name if name == own => format!("{name}-elsewhere"),
        name => name.to_owned(),
    };
    if let Some(place) = &mut endpoint.place
        && (place.node == played || place.node == own || !place.for_nodes.is_empty())
    {
        *place = Arc::new(Place {
            node: renamed(&place.node),
            for_nodes: place.for_nodes.iter().map(|node| renamed(node)).collect(),
            ..(**place).clone()
        });
    }
}

/// Orders `services` so that any number of the first ones has about the shares of all: by kind, and then in van der
/// Corput's order. The shares of the first n differ from those of all by at most log₂(N) / n.
pub(super) fn spread_evenly(services: &mut Vec<Arc<Service>>) {
    services.sort_by_cached_key(|service| kind(service));
    let count = services.len();
    let bits = usize::BITS - count.saturating_sub(1).leading_zeros();
    let places = (0..1_usize << bits).map(|place| match bits {
        0 => 0,
        bits => place.reverse_bits() >> (usize::BITS - bits),
    });
    *services = places.filter(|&place| place < count).map(|place| Arc::clone(&services[place])).collect();
}

/// What Services are sorted by: what decides which rules they have.
type Kind = (ServiceType, [bool; 2], usize, Vec<Protocol>, [bool; 2], [usize; 3], bool, usize, (String, String));

fn kind(service: &Service) -> Kind {
    let local = |policy| policy == TrafficPolicy::Local;
    (
        service.kind,
        [service.cluster_ips.v4.is_some(), service.cluster_ips.v6.is_some()],
        service.ports.len(),
        service.ports.iter().map(|port| port.protocol).collect(),
        [local(service.external_policy), local(service.internal_policy)],
        [service.external_ips.len(), service.ingress.len(), service.source_ranges.len()],
        service.affinity.is_some(),
        service.ports.iter().map(|port| port.endpoints.len()).sum(),
        (service.namespace.clone(), service.name.clone()),
    )
}
