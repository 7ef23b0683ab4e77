//! Endpoints objects of core/v1: what there was before endpoint slices, and still is beside them.

use crate::field::{address, port_number, protocol};
use crate::gathered::{Gathered, ServiceName};
use crate::note::quoted;
use k8s_openapi::api::core::v1 as k8s;
use lab_core::cluster::{Conditions, Endpoint, Place};
use std::sync::Arc;

/// What an address that is not ready is.
const NOT_READY: Conditions = Conditions { ready: false, serving: false, terminating: false };

/// Adds an object's endpoints to those of the Service of its name, and returns whether it has any. What of it is left
/// out, and why, is added to `said`.
pub(crate) fn add(
    endpoints: &k8s::Endpoints,
    service: &ServiceName,
    gathered: &mut Gathered,
    said: &mut Vec<String>,
) -> bool {
    gathered.know(service);
    let mut is_any = false;
    for subset in endpoints.subsets.iter().flatten() {
        let ready = subset.addresses.iter().flatten().map(|address| (address, Conditions::default()));
        let not_ready = subset.not_ready_addresses.iter().flatten().map(|address| (address, NOT_READY));
        let mut behind = Vec::new();
        for (given, conditions) in ready.chain(not_ready) {
            match address(&given.ip, "an endpoint's address") {
                Ok(address) => {
                    let node = given.node_name.clone().filter(|node| !node.is_empty());
                    let place = node.map(|node| Arc::new(Place { node, ..Place::default() }));
                    behind.push(Endpoint { address, port: 0, conditions, place });
                }
                Err(problem) => said.push(format!("{problem}; left out")),
            }
        }
        is_any |= !behind.is_empty();
        for port in subset.ports.iter().flatten() {
            let name = port.name.clone().unwrap_or_default();
            match port_number(port.port).and_then(|number| Ok((number, protocol(port.protocol.as_deref())?))) {
                Ok((number, protocol)) => gathered.add(service, (name, protocol), number, &behind),
                Err(problem) => said.push(format!("port {name}: {problem}; it is left out", name = quoted(&name))),
            }
        }
    }
    is_any
}
