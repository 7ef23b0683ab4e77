//! The endpoints of each Service's port, gathered from all its endpoint slices.

use crate::field::{parse, port_number, protocol};
use k8s_openapi::api::discovery::v1 as k8s;
use lab_core::cluster::{Conditions, Endpoint, Family, Place, Protocol, in_picking_order};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::Arc;

/// The label that names a slice's Service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// A port's key: namespace, Service, port name, protocol, as in kube-proxy's `endpointslicecache.go`.
type Key = (String, String, String, Protocol);

/// Every port's endpoints, by address and port.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    of: HashMap<Key, HashMap<(IpAddr, u16), Endpoint>>,
}

impl Endpoints {
    /// Adds a slice. kube-proxy ignores slices without a Service's name, and those of names instead of addresses.
    ///
    /// # Errors
    /// If an address or a port is not valid.
    pub(crate) fn add(&mut self, slice: &k8s::EndpointSlice) -> Result<(), String> {
        let metadata = &slice.metadata;
        let service = metadata.labels.as_ref().and_then(|labels| labels.get(SERVICE_NAME));
        let family = match slice.address_type.as_str() {
            "IPv4" => Family::V4,
            "IPv6" => Family::V6,
            _ => return Ok(()),
        };
        let Some(service) = service else { return Ok(()) };
        let mut endpoints = Vec::new();
        for endpoint in slice.endpoints.iter().flatten() {
            let (conditions, place) = (conditions(endpoint), place(endpoint).map(Arc::new));
            for address in &endpoint.addresses {
                let address: IpAddr = parse(address, "an address")?;
                if Family::of(address) == family {
                    endpoints.push(Endpoint { address, port: 0, conditions, place: place.clone() });
                }
            }
        }
        for port in slice.ports.iter().flatten() {
            // A port without a number stands for all ports. kube-proxy ignores it.
            let Some(number) = port.port else { continue };
            let number = port_number(number)?;
            let namespace = metadata.namespace.clone().unwrap_or_default();
            let name = port.name.clone().unwrap_or_default();
            let key = (namespace, service.clone(), name, protocol(port.protocol.as_deref())?);
            let behind = self.of.entry(key).or_default();
            for endpoint in &endpoints {
                let endpoint = Endpoint { port: number, ..endpoint.clone() };
                match behind.entry((endpoint.address, number)) {
                    // If two slices have the same endpoint, the more usable one counts.
                    Entry::Occupied(known) if known.get().usage() <= endpoint.usage() => {}
                    Entry::Occupied(mut known) => _ = known.insert(endpoint),
                    Entry::Vacant(free) => _ = free.insert(endpoint),
                }
            }
        }
        Ok(())
    }

    /// Removes and returns the endpoints of a port, of both families.
    pub(crate) fn take(&mut self, namespace: &str, service: &str, port: &str, protocol: Protocol) -> Vec<Endpoint> {
        let key = (namespace.to_owned(), service.to_owned(), port.to_owned(), protocol);
        in_picking_order(self.of.remove(&key).unwrap_or_default().into_values().collect())
    }
}

/// A missing condition means yes, a missing `terminating` no (`EndpointConditions` in discovery/v1).
fn conditions(endpoint: &k8s::Endpoint) -> Conditions {
    let usual = Conditions::default();
    let Some(said) = &endpoint.conditions else { return usual };
    Conditions {
        ready: said.ready.unwrap_or(usual.ready),
        serving: said.serving.unwrap_or(usual.serving),
        terminating: said.terminating.unwrap_or(usual.terminating),
    }
}

/// Where the endpoint runs, if the slice says it.
fn place(endpoint: &k8s::Endpoint) -> Option<Place> {
    let zones = endpoint.hints.iter().flat_map(|hints| hints.for_zones.iter().flatten());
    let nodes = endpoint.hints.iter().flat_map(|hints| hints.for_nodes.iter().flatten());
    let place = Place {
        node: endpoint.node_name.clone().unwrap_or_default(),
        zone: endpoint.zone.clone().unwrap_or_default(),
        for_zones: zones.map(|hint| hint.name.clone()).collect(),
        for_nodes: nodes.map(|hint| hint.name.clone()).collect(),
    };
    (place != Place::default()).then_some(place)
}
