//! What two Services have that only one can have: a cluster IP, a node port, a port of an external address.

use crate::note::Note;
use lab_core::cluster::{Cluster, Family, Protocol, Service};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

/// What only one Service can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Claim {
    ClusterIp(IpAddr),
    NodePort(Protocol, u16),
    /// Of an external IP or a load balancer, which Services may share as long as their ports differ.
    External(IpAddr, Protocol, u16),
}

impl Claim {
    fn text(self) -> String {
        match self {
            Self::ClusterIp(address) => format!("cluster IP {address}"),
            Self::NodePort(protocol, number) => format!("node port {number} ({})", protocol.name()),
            Self::External(address, protocol, number) => {
                format!("{address} port {number} ({})", protocol.name())
            }
        }
    }
}

/// Everything that a second Service claims, by that Service.
pub(crate) fn notes(cluster: &Cluster) -> Vec<Note> {
    let mut owners: HashMap<Claim, &Service> = HashMap::new();
    let mut notes = Vec::new();
    for service in cluster.services.iter().filter(|service| !service.is_skipped()) {
        for claim in claims(service) {
            match owners.entry(claim) {
                Entry::Vacant(free) => _ = free.insert(service),
                // A Service may well name an address twice itself.
                Entry::Occupied(owner) if owner.get().key() == service.key() => {}
                Entry::Occupied(owner) => {
                    let (namespace, name) = owner.get().key();
                    let what = format!("{} is Service {namespace}/{name}'s, too; only one can have it", claim.text());
                    notes.push(Note::new(&object(service), &what));
                }
            }
        }
    }
    notes
}

pub(crate) fn object(service: &Service) -> String {
    format!("Service {}/{}", service.namespace, service.name)
}

fn claims(service: &Service) -> Vec<Claim> {
    let cluster_ips = Family::ALL.into_iter().filter_map(|family| service.cluster_ips.of(family));
    let node_ports = service.ports.iter().filter_map(|port| Some(Claim::NodePort(port.protocol, port.node_port?)));
    let health = service.health_check_node_port.map(|number| Claim::NodePort(Protocol::Tcp, number));
    let ingress = service.ingress.iter().map(|ingress| ingress.address);
    let mut external: Vec<IpAddr> = service.external_ips.iter().copied().chain(ingress).collect();
    external.sort_unstable();
    external.dedup();
    let of_ports =
        |&address: &IpAddr| service.ports.iter().map(move |port| Claim::External(address, port.protocol, port.number));
    let external: Vec<Claim> = external.iter().flat_map(of_ports).collect();
    cluster_ips.map(Claim::ClusterIp).chain(node_ports).chain(health).chain(external).collect()
}
