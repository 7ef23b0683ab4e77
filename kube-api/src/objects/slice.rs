//! The endpoint slices of a Service.

use super::assignment::{Existing, plan};
use super::object::{Object, metadata};
use super::pod::{Group, Pod, PodPort, groups};
use super::service::{families, family_name, is_headless, labels, protocol_name};
use crate::resource::Resource;
use k8s_openapi::api::discovery::v1::{
    Endpoint, EndpointConditions, EndpointHints, EndpointPort, EndpointSlice, ForNode, ForZone,
};
use lab_core::cluster::{Family, Place, Service, ServiceType};
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// The label that names a slice's Service.
pub(crate) const SERVICE_NAME: &str = "kubernetes.io/service-name";
/// The label that says who keeps a slice.
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
/// The label of slices of headless Services, which kube-proxy passes over by it.
const HEADLESS: &str = "service.kubernetes.io/headless";
/// What Kubernetes ends made-up names with: no vowels, so that there are no words.
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
/// How many of these.
const ENDING: usize = 5;

/// The slices of `service`, of which `current` are there: those that stay keep their names and endpoints.
///
/// A Service without pods has an empty slice in each of its families, as the controller makes it; an `ExternalName` one
/// has none.
pub(crate) fn slices(service: &Service, current: &[Arc<Object>]) -> Vec<Object> {
    let current: Vec<EndpointSlice> = current.iter().filter_map(|object| read(object)).collect();
    let mut names: BTreeSet<String> = current.iter().filter_map(|slice| slice.metadata.name.clone()).collect();
    let mut made = Vec::new();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for group in groups(service) {
        let ports: Vec<EndpointPort> = group.ports.iter().map(port).collect();
        let existing = current.iter().filter(|slice| is_of(slice, group.family, &ports)).filter_map(|slice| {
            let name = slice.metadata.name.clone()?;
            let endpoints = slice.endpoints.iter().flatten();
            let addresses = endpoints.filter_map(|endpoint| endpoint.addresses.first()?.parse().ok()).collect();
            // Two groups may have the same ports: a slice belongs to the first.
            taken.insert(name.clone()).then_some(Existing { name, addresses })
        });
        let existing = existing.collect();
        for planned in plan(&group, existing) {
            let name = planned.name.unwrap_or_else(|| fresh(service, &group, &mut names));
            made.push(slice(service, &name, group.family, planned.pods.iter().map(endpoint).collect(), &ports));
        }
    }
    if made.is_empty() && service.kind != ServiceType::ExternalName {
        let families = families(service);
        let families = if families.is_empty() { vec![Family::V4] } else { families };
        for family in families {
            let kept =
                current.iter().find(|slice| is_of(slice, family, &[])).and_then(|slice| slice.metadata.name.clone());
            let group = Group { family, ports: Vec::new(), pods: Vec::new() };
            let name = kept.unwrap_or_else(|| fresh(service, &group, &mut names));
            made.push(slice(service, &name, family, Vec::new(), &[]));
        }
    }
    made
}

fn read(object: &Object) -> Option<EndpointSlice> {
    serde_json::from_slice(object.json()).ok()
}

fn is_of(slice: &EndpointSlice, family: Family, ports: &[EndpointPort]) -> bool {
    slice.address_type == family_name(family) && slice.ports.as_deref().unwrap_or_default() == ports
}

/// A name that no slice of the Service has: the same one in every run.
fn fresh(service: &Service, group: &Group<'_>, names: &mut BTreeSet<String>) -> String {
    let made = |number: u64| {
        let mut hasher = DefaultHasher::new();
        (service.key(), group.family, &group.ports, number).hash(&mut hasher);
        let mut rest = hasher.finish();
        let mut letter = || {
            let letter = LETTERS[(rest % LETTERS.len() as u64) as usize];
            rest /= LETTERS.len() as u64;
            char::from(letter)
        };
        let ending: String = (0..ENDING).map(|_| letter()).collect();
        format!("{}-{ending}", service.name)
    };
    (0..).map(made).find(|name| names.insert(name.clone())).expect("there are more numbers than slices")
}

fn slice(service: &Service, name: &str, family: Family, endpoints: Vec<Endpoint>, ports: &[EndpointPort]) -> Object {
    let mut metadata = metadata(&service.namespace, name);
    let mut labels = labels(service);
    labels.insert(SERVICE_NAME.to_owned(), service.name.clone());
    labels.insert(MANAGED_BY.to_owned(), "endpointslice-controller.k8s.io".to_owned());
    if is_headless(service) {
        labels.insert(HEADLESS.to_owned(), String::new());
    }
    metadata.labels = Some(labels);
    let address_type = family_name(family).to_owned();
    let item = EndpointSlice { address_type, endpoints: Some(endpoints), metadata, ports: Some(ports.to_vec()) };
    Object::of(Resource::EndpointSlices, &item, Vec::new())
}

fn port(&(name, protocol, number): &PodPort<'_>) -> EndpointPort {
    EndpointPort {
        name: Some(name.to_owned()),
        port: Some(i32::from(number)),
        protocol: Some(protocol_name(protocol).to_owned()),
        app_protocol: None,
    }
}

fn endpoint(pod: &Pod<'_>) -> Endpoint {
    let conditions = EndpointConditions {
        ready: Some(pod.conditions.ready),
        serving: Some(pod.conditions.serving),
        terminating: Some(pod.conditions.terminating),
    };
    let text = |of: fn(&Place) -> &String| pod.place.map(of).filter(|text| !text.is_empty()).cloned();
    Endpoint {
        addresses: vec![pod.address.to_string()],
        conditions: Some(conditions),
        hints: pod.place.and_then(hints),
        node_name: text(|place| &place.node),
        zone: text(|place| &place.zone),
        ..Endpoint::default()
    }
}

fn hints(place: &Place) -> Option<EndpointHints> {
    let for_zones: Vec<ForZone> = place.for_zones.iter().map(|name| ForZone { name: name.clone() }).collect();
    let for_nodes: Vec<ForNode> = place.for_nodes.iter().map(|name| ForNode { name: name.clone() }).collect();
    let is_any = !for_zones.is_empty() || !for_nodes.is_empty();
    let some = EndpointHints {
        for_zones: Some(for_zones).filter(|zones| !zones.is_empty()),
        for_nodes: Some(for_nodes).filter(|nodes| !nodes.is_empty()),
    };
    is_any.then_some(some)
}
