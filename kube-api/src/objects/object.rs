//! One API object as JSON, written once for all who ask for it.

use super::beta;
use crate::resource::{ApiVersion, Resource};
use k8s_openapi::Metadata;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::OnceLock;

/// When all objects were made: 2026-01-01, in seconds since 1970. The lab has no clock, so that its answers are the same.
pub(crate) const MADE: i64 = 1_767_225_600;
/// Where an object's version goes. No text in JSON has this in it, since quotes in texts are escaped.
const VERSION: &[u8] = b"\"resourceVersion\":\"\"";

/// Namespace and name; the namespace is empty where there is none.
pub(crate) type Key = (String, String);

/// An object without its version.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) resource: Resource,
    pub(crate) key: Key,
    pub(crate) labels: BTreeMap<String, String>,
    /// The fields besides name and namespace that clients may select by, with their values.
    pub(crate) fields: Vec<(&'static str, String)>,
    json: Text,
    /// The same in v1beta1, once it was asked for.
    beta: OnceLock<Text>,
}

/// JSON with a place for the version.
#[derive(Debug)]
struct Text {
    json: Box<[u8]>,
    at: usize,
}

impl Object {
    /// `item` has a version that is empty.
    pub(crate) fn of<T: Metadata<Ty = ObjectMeta> + Serialize>(
        resource: Resource,
        item: &T,
        fields: Vec<(&'static str, String)>,
    ) -> Self {
        let metadata = item.metadata();
        let json = serde_json::to_vec(item).expect("objects of the API have text as the keys of their maps");
        Self {
            resource,
            key: (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default()),
            labels: metadata.labels.clone().unwrap_or_default(),
            fields,
            json: Text::of(json),
            beta: OnceLock::new(),
        }
    }

    /// A Service: it can be selected by its cluster IP and its type.
    pub(crate) fn service(item: &Service) -> Self {
        let spec = item.spec.as_ref();
        let field = |value: Option<&String>| value.cloned().unwrap_or_default();
        let fields = vec![
            ("spec.clusterIP", field(spec.and_then(|spec| spec.cluster_ip.as_ref()))),
            ("spec.type", field(spec.and_then(|spec| spec.type_.as_ref()))),
        ];
        Self::of(Resource::Services, item, fields)
    }

    /// Its JSON in v1, without a version.
    pub(crate) fn json(&self) -> &[u8] {
        &self.json.json
    }

    /// Adds it to `out`.
    pub(crate) fn write(&self, api: ApiVersion, version: u64, out: &mut Vec<u8>) {
        let text = match api {
            ApiVersion::V1 => &self.json,
            ApiVersion::V1Beta1 => self.beta.get_or_init(|| Text::of(beta::of(self.resource, &self.json.json))),
        };
        let (head, tail) = text.json.split_at(text.at);
        out.extend_from_slice(head);
        write!(out, "{version}").expect("writing to memory does not fail");
        out.extend_from_slice(tail);
    }

    /// Its own value of a field that clients may select by; `None` if they may not.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        match name {
            "metadata.name" => Some(&self.key.1),
            "metadata.namespace" => Some(&self.key.0),
            _ => self.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str()),
        }
    }
}

impl Text {
    fn of(json: Vec<u8>) -> Self {
        let found = json.windows(VERSION.len()).position(|text| text == VERSION);
        let at = found.expect("every object is made with an empty version") + VERSION.len() - 1;
        Self { json: json.into(), at }
    }
}

/// What every object has. The version is filled in when it is sent.
pub(crate) fn metadata(namespace: &str, name: &str) -> ObjectMeta {
    ObjectMeta {
        namespace: Some(namespace).filter(|namespace| !namespace.is_empty()).map(str::to_owned),
        name: Some(name.to_owned()),
        creation_timestamp: Some(Time(Timestamp::from_second(MADE).expect("a time in range"))),
        resource_version: Some(String::new()),
        ..ObjectMeta::default()
    }
}
