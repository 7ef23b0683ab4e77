//! Endpoint slices.

use crate::field::{address, port_number, protocol};
use crate::gathered::{Gathered, ServiceName};
use crate::note::quoted;
use k8s_openapi::api::discovery::v1 as k8s;
use lab_core::cluster::{Conditions, Endpoint, Family, Place};
use serde_json::Value;
use std::sync::Arc;

/// The label that names a slice's Service.
pub(crate) const SERVICE_NAME: &str = "kubernetes.io/service-name";
/// How many wrong endpoints of a slice are said.
const SAID: usize = 3;

/// Reads a slice. Those of `v1beta1`, which clusters up to 1.20 print, say place and zone in another field.
///
/// # Errors
/// If it does not fit its kind.
pub(crate) fn parse(json: &str, version: &str) -> Result<k8s::EndpointSlice, serde_json::Error> {
    if version.is_empty() || version.ends_with("/v1") {
        return serde_json::from_str(json);
    }
    let mut slice: Value = serde_json::from_str(json)?;
    slice["apiVersion"] = "discovery.k8s.io/v1".into();
    for endpoint in slice["endpoints"].as_array_mut().into_iter().flatten() {
        for (label, field) in [("kubernetes.io/hostname", "nodeName"), ("topology.kubernetes.io/zone", "zone")] {
            let said = endpoint.get("topology").and_then(|topology| topology.get(label)).cloned();
            if let (Some(said), Some(endpoint)) = (said, endpoint.as_object_mut()) {
                endpoint.entry(field).or_insert(said);
            }
        }
    }
    serde_json::from_value(slice)
}

/// Adds a slice's endpoints and returns its Service's name, if kube-proxy looks at it. What of it is left out, and why,
/// is added to `said`.
pub(crate) fn add(
    slice: &k8s::EndpointSlice,
    namespace: &str,
    gathered: &mut Gathered,
    said: &mut Vec<String>,
) -> Option<ServiceName> {
    let family = match slice.address_type.as_str() {
        "IPv4" => Family::V4,
        "IPv6" => Family::V6,
        other => {
            said.push(format!(
                "its addressType is {other}; kube-proxy looks at IPv4 and IPv6 only",
                other = quoted(other)
            ));
            return None;
        }
    };
    let service = slice.metadata.labels.as_ref().and_then(|labels| labels.get(SERVICE_NAME));
    let Some(service) = service.filter(|service| !service.is_empty()) else {
        said.push(format!("it has no label {SERVICE_NAME}; kube-proxy ignores it"));
        return None;
    };
    let service = (namespace.to_owned(), service.clone());
    gathered.know(&service);
    let (mut endpoints, mut wrong) = (Vec::new(), Vec::new());
    for (index, endpoint) in slice.endpoints.iter().flatten().enumerate() {
        let (conditions, place) = (conditions(endpoint), place(endpoint).map(Arc::new));
        if endpoint.addresses.is_empty() {
            wrong.push(format!("endpoint {index} has no address"));
        }
        for text in &endpoint.addresses {
            match address(text, "an endpoint's address") {
                Ok(address) if Family::of(address) == family => {
                    endpoints.push(Endpoint { address, port: 0, conditions, place: place.clone() });
                }
                Ok(address) => wrong.push(format!("{address} is not of the slice's family")),
                Err(problem) => wrong.push(problem),
            }
        }
    }
    if !wrong.is_empty() {
        let more = wrong.len().saturating_sub(SAID);
        let more = if more > 0 { format!("; {more} more like these") } else { String::new() };
        said.push(format!("{}{more}; left out", wrong[..wrong.len().min(SAID)].join("; ")));
    }
    for port in slice.ports.iter().flatten() {
        let name = port.name.clone().unwrap_or_default();
        let Some(number) = port.port else {
            said.push(format!(
                "port {name} has no number, which stands for all ports; kube-proxy ignores it",
                name = quoted(&name)
            ));
            continue;
        };
        match port_number(number).and_then(|number| Ok((number, protocol(port.protocol.as_deref())?))) {
            Ok((number, protocol)) => gathered.add(&service, (name, protocol), number, &endpoints),
            Err(problem) => said.push(format!("port {name}: {problem}; it is left out", name = quoted(&name))),
        }
    }
    Some(service)
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
