//! What there is now, and what happened of late: the state of the API server.

mod history;
mod page;

pub(crate) use history::{Event, Gone, Happened};
pub(crate) use page::Page;

use crate::objects::{Key, Object, Objects, SERVICE_NAME, Update};
use crate::resource::Resource;
use history::History;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use tokio::sync::watch;

/// The version of everything that there is at first. Each event has the next one.
const FIRST: u64 = 1;

/// An object and the version in which it became so.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) object: Arc<Object>,
    pub(crate) version: u64,
}

/// The state of the server.
#[derive(Debug)]
pub(crate) struct Store {
    /// By place of the resource in [`Resource::ALL`].
    now: [BTreeMap<Key, Kept>; Resource::ALL.len()],
    history: History,
    /// Wakes the watchers of a resource.
    wakes: [watch::Sender<()>; Resource::ALL.len()],
}

impl Store {
    /// `events` is how many past events are kept at most.
    pub(crate) fn new(objects: &Objects, events: usize) -> Self {
        let mut now: [BTreeMap<Key, Kept>; Resource::ALL.len()] = Default::default();
        for object in &objects.objects {
            let kept = Kept { object: Arc::clone(object), version: FIRST };
            now[object.resource.index()].insert(object.key.clone(), kept);
        }
        Self { now, history: History::new(FIRST, events), wakes: std::array::from_fn(|_| watch::Sender::new(())) }
    }

    /// The version of the last event.
    pub(crate) fn version(&self) -> u64 {
        self.history.version()
    }

    /// Makes `updates` one after the other, and wakes who watches in the order in which resources first changed.
    pub(crate) fn update(&mut self, updates: &[Update]) {
        let mut changed: Vec<Resource> = Vec::new();
        for update in updates {
            let resource = match update {
                Update::Put(object) => object.resource,
                Update::Delete(resource, _) => *resource,
            };
            if self.make(update) && !changed.contains(&resource) {
                changed.push(resource);
            }
        }
        for resource in changed {
            self.wakes[resource.index()].send_replace(());
        }
    }

    /// Whether anything changed.
    fn make(&mut self, update: &Update) -> bool {
        let version = self.history.version() + 1;
        match update {
            Update::Put(object) => {
                let now = &mut self.now[object.resource.index()];
                if now.get(&object.key).is_some_and(|kept| kept.object.json() == object.json()) {
                    return false;
                }
                let before = now.insert(object.key.clone(), Kept { object: Arc::clone(object), version });
                self.history.add(Event { before, after: Some(Arc::clone(object)) });
            }
            Update::Delete(resource, key) => {
                let Some(before) = self.now[resource.index()].remove(key) else { return false };
                self.history.add(Event { before: Some(before), after: None });
            }
        }
        true
    }

    /// One object.
    pub(crate) fn get(&self, resource: Resource, key: &Key) -> Option<&Kept> {
        self.now[resource.index()].get(key)
    }

    /// The endpoint slices of a Service.
    pub(crate) fn slices(&self, namespace: &str, service: &str) -> Vec<Arc<Object>> {
        // Their names begin so.
        let start = format!("{service}-");
        let first: Key = (namespace.to_owned(), start.clone());
        let slices = self.now[Resource::EndpointSlices.index()].range((Bound::Included(&first), Bound::Unbounded));
        slices
            .take_while(|((of, name), _)| of == namespace && name.starts_with(&start))
            .filter(|(_, kept)| kept.object.labels.get(SERVICE_NAME).is_some_and(|name| name == service))
            .map(|(_, kept)| Arc::clone(&kept.object))
            .collect()
    }

    /// Is told whenever an object of `resource` changes.
    pub(crate) fn subscribe(&self, resource: Resource) -> watch::Receiver<()> {
        self.wakes[resource.index()].subscribe()
    }

    /// What happened to objects of `resource` after version `after`, and up to which version that is: see
    /// [`History::after`].
    pub(crate) fn events(
        &self,
        resource: Resource,
        after: u64,
        take: impl FnMut(&Event, u64) -> bool,
    ) -> Result<u64, Gone> {
        self.history.after(resource, after, take)
    }
}
