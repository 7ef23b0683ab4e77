//! Objects in v1beta1, for releases that ask for nothing newer.

use crate::resource::{ApiVersion, Resource};
use serde_json::{Map, Value};

/// `json`, an object of v1, in v1beta1.
///
/// Endpoint slices up to Kubernetes 1.20 say node and zone in a map, `topology`. The fields of v1 that v1beta1 has, too,
/// stay beside it. A ServiceCIDR is the same in both.
pub(crate) fn of(resource: Resource, json: &[u8]) -> Vec<u8> {
    let mut object: Value = serde_json::from_slice(json).expect("what was written as JSON can be read");
    object["apiVersion"] = resource.api_version(ApiVersion::V1Beta1).into();
    for endpoint in object.get_mut("endpoints").and_then(Value::as_array_mut).into_iter().flatten() {
        let mut topology = Map::new();
        for (field, label) in [("nodeName", "kubernetes.io/hostname"), ("zone", "topology.kubernetes.io/zone")] {
            if let Some(value) = endpoint.get(field) {
                topology.insert(label.to_owned(), value.clone());
            }
        }
        if let Some(endpoint) = endpoint.as_object_mut().filter(|_| !topology.is_empty()) {
            endpoint.remove("zone");
            endpoint.insert("topology".to_owned(), topology.into());
        }
    }
    serde_json::to_vec(&object).expect("a value can be written")
}
