//! The pods behind a Service, grouped by the ports that they have: endpoint slices are made of one group each.

use lab_core::cluster::{Conditions, Endpoint, Family, Place, Protocol, Service};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A pod behind a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pod<'a> {
    pub(crate) address: IpAddr,
    pub(crate) conditions: Conditions,
    pub(crate) place: Option<&'a Place>,
}

/// A pod's port: name, protocol and number.
pub(crate) type PodPort<'a> = (&'a str, Protocol, u16);

/// Pods of one family that have the same ports.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    pub(crate) family: Family,
    pub(crate) ports: Vec<PodPort<'a>>,
    pub(crate) pods: Vec<Pod<'a>>,
}

/// One address as a Service's ports tell of it, with the ports that tell the same.
struct Told<'a> {
    pod: Pod<'a>,
    ports: Vec<PodPort<'a>>,
}

/// The pods of `service` by family and ports, each group's pods by address. Ports are in the Service's order.
///
/// A pod has a port of a name once. Where a dump says several numbers for one port and address, or conditions that differ
/// from port to port, the address comes in several groups.
pub(crate) fn groups(service: &Service) -> Vec<Group<'_>> {
    let mut told: BTreeMap<IpAddr, Vec<Told<'_>>> = BTreeMap::new();
    for port in &service.ports {
        for endpoint in &port.endpoints {
            let Endpoint { address, port: number, conditions, place } = endpoint;
            let pod = Pod { address: *address, conditions: *conditions, place: place.as_deref() };
            let pod_port = (port.name.as_str(), port.protocol, *number);
            let of_address = told.entry(*address).or_default();
            let has_port = |told: &Told<'_>| {
                told.ports.iter().any(|&(name, protocol, _)| (name, protocol) == (pod_port.0, pod_port.1))
            };
            match of_address.iter_mut().find(|told| told.pod == pod && !has_port(told)) {
                Some(same) => same.ports.push(pod_port),
                None => of_address.push(Told { pod, ports: vec![pod_port] }),
            }
        }
    }
    let mut groups: BTreeMap<(Family, Vec<PodPort<'_>>), Vec<Pod<'_>>> = BTreeMap::new();
    let mut again = Vec::new();
    for Told { pod, ports } in told.into_values().flatten() {
        let pods = groups.entry((Family::of(pod.address), ports.clone())).or_default();
        if pods.last().is_some_and(|last| last.address == pod.address) {
            // The same address and ports under other conditions: a slice has an address once.
            again.push(Group { family: Family::of(pod.address), ports, pods: vec![pod] });
        } else {
            pods.push(pod);
        }
    }
    let groups = groups.into_iter().map(|((family, ports), pods)| Group { family, ports, pods });
    groups.chain(again).collect()
}
