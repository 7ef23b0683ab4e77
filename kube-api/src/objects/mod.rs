//! The API objects of a cluster, and those that a change touches.

mod assignment;
mod beta;
mod node;
mod object;
mod pod;
mod service;
mod slice;

pub(crate) use object::{Key, MADE, Object};
pub(crate) use slice::SERVICE_NAME;

use crate::resource::Resource;
use lab_core::change::{Change, Step};
use lab_core::cluster::{Cluster, Service};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// The namespaces that every cluster has.
const NAMESPACES: [&str; 2] = ["default", "kube-system"];

/// The API objects of a cluster, each written as JSON once.
///
/// Services with names that Kubernetes forbids are left out: no API server has such.
#[derive(Debug, Clone)]
pub struct Objects {
    pub(crate) objects: Vec<Arc<Object>>,
}

/// What happens to one object.
#[derive(Debug, Clone)]
pub(crate) enum Update {
    /// It is this from now on; nothing happens if it is so already.
    Put(Arc<Object>),
    /// It goes, if it is there.
    Delete(Resource, Key),
}

impl Objects {
    /// The node, the namespaces, the Services, their endpoint slices and the ranges of cluster IPs of `cluster`.
    #[must_use]
    pub fn of(cluster: &Cluster) -> Self {
        let mut objects: Vec<Object> = namespaces(cluster).into_iter().map(node::namespace).collect();
        objects.push(node::node(&cluster.node));
        objects.extend(node::ranges(&cluster.service_cidrs));
        for of in cluster.services.iter().filter(|of| of.forbidden_name().is_none()) {
            objects.push(service::service(of));
            objects.extend(slice::slices(of, &[]));
        }
        Self { objects: objects.into_iter().map(Arc::new).collect() }
    }

    /// How many there are of `resource`.
    #[must_use]
    pub fn count(&self, resource: Resource) -> usize {
        self.objects.iter().filter(|object| object.resource == resource).count()
    }
}

/// When an update of a change is to be made known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Before it: the endpoint slices of Services that are new.
    Ahead,
    /// The change itself.
    Change,
    /// After it: the endpoint slices of Services that were removed.
    Behind,
}

/// What `change` does, in order, and in which stage. `current` tells the slices that a Service has, by its namespace and name.
///
/// Slices come before a Service that is new or altered, and go after it: kube-proxy is not to see it without endpoints.
pub(crate) fn updates(change: &Change, current: impl Fn(&str, &str) -> Vec<Arc<Object>>) -> Vec<(Stage, Update)> {
    let (before, after) = (&*change.before, &*change.after);
    let put = |object: Object| Update::Put(Arc::new(object));
    let mut updates: Vec<(Stage, Update)> = Vec::new();
    if before.node != after.node {
        updates.push((Stage::Change, put(node::node(&after.node))));
        if before.node.name != after.node.name {
            let gone = Update::Delete(Resource::Nodes, (String::new(), before.node.name.clone()));
            updates.push((Stage::Change, gone));
        }
    }
    if before.service_cidrs != after.service_cidrs {
        let ranges = node::ranges(&after.service_cidrs);
        let kept: HashSet<Key> = ranges.iter().map(|range| range.key.clone()).collect();
        updates.extend(ranges.into_iter().map(|range| (Stage::Change, put(range))));
        let gone = node::ranges(&before.service_cidrs).into_iter().filter(|range| !kept.contains(&range.key));
        updates.extend(gone.map(|range| (Stage::Change, Update::Delete(Resource::ServiceCidrs, range.key))));
    }
    let mut namespaces = BTreeSet::from(NAMESPACES);
    for step in change.services() {
        if matches!(step, Step::Kept(_)) {
            continue;
        }
        let allowed = |service: &&Service| service.forbidden_name().is_none();
        let (was, becomes) = (step.before().filter(allowed), step.after().filter(allowed));
        let Some(any) = becomes.or(was) else { continue };
        if let Some(of) = becomes
            && namespaces.insert(&of.namespace)
        {
            // It may be there already, which is no event.
            updates.push((Stage::Change, put(node::namespace(&of.namespace))));
        }
        let there = current(&any.namespace, &any.name);
        let slices = becomes.map(|service| slice::slices(service, &there)).unwrap_or_default();
        let kept: HashSet<Key> = slices.iter().map(|slice| slice.key.clone()).collect();
        let first = if was.is_none() { Stage::Ahead } else { Stage::Change };
        updates.extend(slices.into_iter().map(|slice| (first, put(slice))));
        updates.push(match becomes {
            Some(of) => (Stage::Change, put(service::service(of))),
            None => (Stage::Change, Update::Delete(Resource::Services, (any.namespace.clone(), any.name.clone()))),
        });
        let last = if becomes.is_none() { Stage::Behind } else { Stage::Change };
        let gone = there.iter().filter(|slice| !kept.contains(&slice.key));
        updates.extend(gone.map(|slice| (last, Update::Delete(Resource::EndpointSlices, slice.key.clone()))));
    }
    updates
}

fn namespaces(cluster: &Cluster) -> BTreeSet<&str> {
    let services = cluster.services.iter().filter(|service| service.forbidden_name().is_none());
    services.map(|service| service.namespace.as_str()).chain(NAMESPACES).collect()
}
