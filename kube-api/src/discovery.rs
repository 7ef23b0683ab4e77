//! What the server says it has: groups, versions, resources. Clients such as kubectl ask for that first.

use crate::resource::{ApiVersion, Resource};
use serde_json::{Value, json};

/// The version that the server says it is, so that kubectl finds nothing missing: that of the release the lab knows best.
const RELEASE: [&str; 3] = ["1", "36", "v1.36.0"];

/// A kind of objects that is accepted and dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sink {
    /// What kube-proxy says of itself.
    Events,
    /// Who leads, and who is alive.
    Leases,
}

/// A group in a version, with what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    /// Empty for the core group.
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) api: ApiVersion,
    pub(crate) resources: &'static [Resource],
    pub(crate) sink: Option<Sink>,
}

/// All groups, each with its preferred version first.
pub(crate) const GROUPS: [Group; 8] = {
    use ApiVersion::{V1, V1Beta1};
    let core = &[Resource::Namespaces, Resource::Nodes, Resource::Services];
    let (slices, ranges) = (&[Resource::EndpointSlices], &[Resource::ServiceCidrs]);
    [
        group("", V1, core, Some(Sink::Events)),
        group("discovery.k8s.io", V1, slices, None),
        group("discovery.k8s.io", V1Beta1, slices, None),
        group("networking.k8s.io", V1, ranges, None),
        group("networking.k8s.io", V1Beta1, ranges, None),
        group("events.k8s.io", V1, &[], Some(Sink::Events)),
        group("events.k8s.io", V1Beta1, &[], Some(Sink::Events)),
        group("coordination.k8s.io", V1, &[], Some(Sink::Leases)),
    ]
};

const fn group(name: &'static str, api: ApiVersion, resources: &'static [Resource], sink: Option<Sink>) -> Group {
    Group { name, version: api.name(), api, resources, sink }
}

impl Sink {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Leases => "leases",
        }
    }

    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Events => "Event",
            Self::Leases => "Lease",
        }
    }
}

impl Group {
    /// The group called so in that version.
    pub(crate) fn find(name: &str, version: &str) -> Option<Self> {
        GROUPS.into_iter().find(|group| group.name == name && group.version == version)
    }

    /// As in `apiVersion`.
    pub(crate) fn api_version(self) -> String {
        match self.name {
            "" => self.version.to_owned(),
            name => format!("{name}/{}", self.version),
        }
    }

    /// `/api/v1` and the like: the group's resources.
    pub(crate) fn document(self) -> Value {
        let resource = |resource: &Resource| {
            json!({
                "name": resource.name(), "singularName": resource.singular(), "namespaced": resource.is_namespaced(),
                "kind": resource.kind(), "verbs": ["get", "list", "watch"], "shortNames": resource.short_names(),
            })
        };
        let sink = self.sink.map(|sink| {
            json!({
                "name": sink.name(), "singularName": "", "namespaced": true, "kind": sink.kind(),
                "verbs": ["create", "delete", "get", "list", "patch", "update"],
            })
        });
        let resources: Vec<Value> = self.resources.iter().map(resource).chain(sink).collect();
        json!({
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": self.api_version(), "resources": resources,
        })
    }
}

/// `/api`: the versions of the core group.
pub(crate) fn core() -> Value {
    json!({"kind": "APIVersions", "apiVersion": "v1", "versions": ["v1"], "serverAddressByClientCIDRs": []})
}

/// `/apis`: all other groups.
pub(crate) fn groups() -> Value {
    let mut names: Vec<&str> = GROUPS.iter().map(|group| group.name).filter(|name| !name.is_empty()).collect();
    names.dedup();
    let groups: Vec<Value> = names.into_iter().filter_map(one_group).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `/apis/NAME`: the versions of a group; `None` if there is no such group.
pub(crate) fn one_group(name: &str) -> Option<Value> {
    let of_group = GROUPS.iter().filter(|group| group.name == name && !name.is_empty());
    let versions: Vec<Value> =
        of_group.map(|group| json!({"groupVersion": group.api_version(), "version": group.version})).collect();
    let preferred = versions.first()?.clone();
    Some(json!({
        "kind": "APIGroup", "apiVersion": "v1", "name": name, "versions": versions, "preferredVersion": preferred,
    }))
}

/// `/version`.
pub(crate) fn version() -> Value {
    let [major, minor, release] = RELEASE;
    json!({
        "major": major, "minor": minor, "gitVersion": release, "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z", "goVersion": "", "compiler": "svclab", "platform": "linux",
    })
}
