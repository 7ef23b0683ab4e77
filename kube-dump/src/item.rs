//! The objects of a document: a list's items, lists in lists included, or the document itself.

use crate::document::Place;
use crate::field::said;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// How deep lists may stand in lists.
const DEEPEST: usize = 8;

/// One object, not yet read as what it is.
pub(crate) struct Item<'a> {
    /// Its kind; empty when nothing tells it.
    pub(crate) kind: String,
    /// Its `apiVersion`; empty when nothing tells it.
    pub(crate) version: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) json: &'a str,
}

impl Item<'_> {
    /// `Service default/web`; a namespace that is left out is `default`, as kubectl takes it.
    pub(crate) fn object(&self) -> String {
        match self.kind.as_str() {
            "Node" | "ServiceCIDR" => format!("{} {}", self.kind, self.name),
            kind => format!("{kind} {}/{}", self.namespace, self.name),
        }
    }
}

/// What an object says of itself.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(default)]
    kind: Option<String>,
    #[serde(default, rename = "apiVersion")]
    version: Option<String>,
    #[serde(default)]
    metadata: Option<Names>,
    #[serde(borrow, default)]
    items: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Names {
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

/// By what objects without a kind are known: some support bundles write them so.
#[derive(Deserialize)]
struct Shape {
    #[serde(default, rename = "addressType")]
    address_type: Option<IgnoredAny>,
    #[serde(default)]
    subsets: Option<IgnoredAny>,
    #[serde(default)]
    spec: Option<SpecShape>,
}

#[derive(Deserialize)]
struct SpecShape {
    #[serde(default, rename = "clusterIP")]
    cluster_ip: Option<IgnoredAny>,
    #[serde(default, rename = "sessionAffinity")]
    affinity: Option<IgnoredAny>,
    #[serde(default, rename = "podCIDRs")]
    pod_cidrs: Option<IgnoredAny>,
}

impl Shape {
    fn kind(json: &str) -> &'static str {
        match serde_json::from_str(json) {
            Ok(Self { address_type: Some(_), .. }) => "EndpointSlice",
            Ok(Self { subsets: Some(_), .. }) => "Endpoints",
            Ok(Self {
                spec: Some(SpecShape { cluster_ip: Some(_), .. } | SpecShape { affinity: Some(_), .. }),
                ..
            }) => "Service",
            Ok(Self { spec: Some(SpecShape { pod_cidrs: Some(_), .. }), .. }) => "Node",
            _ => "",
        }
    }
}

/// Who takes objects.
pub(crate) trait Take {
    /// An object.
    fn object(&mut self, item: Item<'_>, place: &mut Place<'_>);
    /// Something that is no object: what it is called, and why.
    fn wrong(&mut self, what: &str, problem: &str, part: &str, place: &mut Place<'_>);
}

/// Hands every object of `document` to `take`.
pub(crate) fn each(document: &str, place: &mut Place<'_>, take: &mut dyn Take) {
    if document.starts_with('[') {
        return list(document, ("", ""), DEEPEST, place, take);
    }
    one(document, ("", ""), "the document", DEEPEST, place, take);
}

fn list(items: &str, inherited: (&str, &str), depth: usize, place: &mut Place<'_>, take: &mut dyn Take) {
    match serde_json::from_str::<Vec<&RawValue>>(items) {
        Ok(items) => {
            for (index, item) in items.iter().enumerate() {
                one(item.get(), inherited, &format!("item {index}"), depth, place, take);
            }
        }
        Err(error) => take.wrong("the list", &format!("its items are no list ({})", said(&error)), items, place),
    }
}

/// One object or list. Items of a ServiceList and the like leave kind and version to the list.
fn one(
    json: &str,
    (kind, version): (&str, &str),
    called: &str,
    depth: usize,
    place: &mut Place<'_>,
    take: &mut dyn Take,
) {
    let head: Head<'_> = match serde_json::from_str(json) {
        Ok(head) => head,
        Err(error) => {
            return take.wrong(called, &format!("it is no object of Kubernetes ({})", said(&error)), json, place);
        }
    };
    let own = head.kind.unwrap_or_default();
    if own.ends_with("List") && head.items.is_none() {
        // How Go writes a list without items.
        return;
    }
    if let Some(items) = head.items.filter(|_| own.is_empty() || own.ends_with("List")) {
        let Some(depth) = depth.checked_sub(1) else {
            return take.wrong(called, "lists stand too deep in lists", json, place);
        };
        let of_items = own.strip_suffix("List").unwrap_or_default();
        let version = head.version.unwrap_or_default();
        let inherited = if of_items.is_empty() { ("", "") } else { (of_items, version.as_str()) };
        return list(items.get(), inherited, depth, place, take);
    }
    let kind = match (own.as_str(), kind) {
        ("", "") => Shape::kind(json),
        ("", kind) => kind,
        (own, _) => own,
    };
    let names = head.metadata.unwrap_or_default();
    let version = head.version.unwrap_or_else(|| version.to_owned());
    let namespace = names.namespace.filter(|namespace| !namespace.is_empty()).unwrap_or_else(|| "default".to_owned());
    let item = Item { kind: kind.to_owned(), version, namespace, name: names.name.unwrap_or_default(), json };
    take.object(item, place);
}
