//! The endpoints of each Service's port, gathered from all objects that name them.

use lab_core::cluster::{Endpoint, Protocol, Service, in_picking_order};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

/// Namespace and name of a Service.
pub(crate) type ServiceName = (String, String);

/// Of a port: its name and protocol, as in kube-proxy's `endpointslicecache.go`.
type PortName = (String, Protocol);

/// A port's endpoints, by address and port.
type Behind = HashMap<(IpAddr, u16), Endpoint>;

/// Every port's endpoints.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    of: HashMap<ServiceName, HashMap<PortName, Behind>>,
}

impl Gathered {
    /// Whether anything was gathered for `service`, be it without an endpoint.
    pub(crate) fn knows(&self, service: &ServiceName) -> bool {
        self.of.contains_key(service)
    }

    /// Adds nothing but that there is something for `service`.
    pub(crate) fn know(&mut self, service: &ServiceName) {
        self.of.entry(service.clone()).or_default();
    }

    /// Adds `endpoints` of a port, at its number `number`.
    pub(crate) fn add(&mut self, service: &ServiceName, port: PortName, number: u16, endpoints: &[Endpoint]) {
        let behind = self.of.entry(service.clone()).or_default().entry(port).or_default();
        for endpoint in endpoints {
            let endpoint = Endpoint { port: number, ..endpoint.clone() };
            match behind.entry((endpoint.address, number)) {
                // If two slices have the same endpoint, the more usable one counts.
                Entry::Occupied(known) if known.get().usage() <= endpoint.usage() => {}
                Entry::Occupied(mut known) => _ = known.insert(endpoint),
                Entry::Vacant(free) => _ = free.insert(endpoint),
            }
        }
    }

    /// Gives `service` its endpoints, of both families. Returns the ports with endpoints that it does not have.
    pub(crate) fn give(&mut self, service: &mut Service) -> Vec<PortName> {
        let key = (service.namespace.clone(), service.name.clone());
        let mut ports = self.of.remove(&key).unwrap_or_default();
        for port in &mut service.ports {
            let found = ports.remove(&(port.name.clone(), port.protocol)).unwrap_or_default();
            port.endpoints = in_picking_order(found.into_values().collect());
        }
        let left: BTreeMap<_, _> = ports.into_iter().filter(|(_, endpoints)| !endpoints.is_empty()).collect();
        left.into_keys().collect()
    }
}
