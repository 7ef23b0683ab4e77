//! The last events: what a watch goes on from, and what a list of an earlier version is found by.
//!
//! It is the queue of all watchers at once. A slow one holds nothing but its place in it, and keeps nobody.

use super::Kept;
use crate::objects::Object;
use crate::resource::Resource;
use std::collections::VecDeque;
use std::sync::Arc;

/// The most bytes of objects that past events keep.
const MOST_BYTES: usize = 256 << 20;

/// One object changed. At least one of both is there.
#[derive(Debug)]
pub(crate) struct Event {
    /// What it was, if it was there.
    pub(crate) before: Option<Kept>,
    /// What it is now, if it is there.
    pub(crate) after: Option<Arc<Object>>,
}

/// What an event is to one watcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happened {
    Added,
    Modified,
    Deleted,
}

/// What was asked for is no longer kept, or never was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

/// The last events.
#[derive(Debug)]
pub(crate) struct History {
    /// Each has the version after the one before it.
    events: VecDeque<Event>,
    most: usize,
    bytes: usize,
    /// The version of the last event.
    version: u64,
    /// Of each resource, the version of the last event that is not kept any more.
    dropped: [u64; Resource::ALL.len()],
}

impl Event {
    fn object(&self) -> Option<&Arc<Object>> {
        self.after.as_ref().or(self.before.as_ref().map(|kept| &kept.object))
    }

    fn is_of(&self, resource: Resource) -> bool {
        self.object().is_some_and(|object| object.resource == resource)
    }

    fn bytes(&self) -> usize {
        self.object().map_or(0, |object| object.json().len())
    }

    /// What it is to a watcher of the objects that `matches`, and the object to tell of; `None` if it is nothing to it.
    ///
    /// An object that no longer matches is deleted for that watcher: it is told what it was.
    pub(crate) fn seen(&self, matches: impl Fn(&Object) -> bool) -> Option<(Happened, &Arc<Object>)> {
        let before = self.before.as_ref().map(|kept| &kept.object).filter(|object| matches(object));
        let after = self.after.as_ref().filter(|object| matches(object));
        match (before, after) {
            (None, None) => None,
            (None, Some(after)) => Some((Happened::Added, after)),
            (Some(_), Some(after)) => Some((Happened::Modified, after)),
            (Some(before), None) => Some((Happened::Deleted, before)),
        }
    }
}

impl History {
    /// Of a store in `version`, to which nothing has happened yet.
    pub(crate) fn new(version: u64, most: usize) -> Self {
        Self { events: VecDeque::new(), most, bytes: 0, version, dropped: [0; Resource::ALL.len()] }
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn add(&mut self, event: Event) {
        self.version += 1;
        self.bytes += event.bytes();
        self.events.push_back(event);
        while self.events.len() > self.most || self.bytes > MOST_BYTES {
            let version = self.first();
            let Some(event) = self.events.pop_front() else { break };
            self.bytes -= event.bytes();
            if let Some(object) = event.object() {
                self.dropped[object.resource.index()] = version;
            }
        }
    }

    /// The version of the oldest event that is kept.
    fn first(&self) -> u64 {
        self.version + 1 - self.events.len() as u64
    }

    /// Calls `take` with each event of `resource` after version `after` and with its version, until it says `false`.
    /// Returns the version of the last event that was looked at: `take` saw all up to it.
    ///
    /// # Errors
    /// If such an event is no longer kept, or the version is still to come, and thus another server's.
    pub(crate) fn after(
        &self,
        resource: Resource,
        after: u64,
        mut take: impl FnMut(&Event, u64) -> bool,
    ) -> Result<u64, Gone> {
        if after > self.version || self.dropped[resource.index()] > after {
            return Err(Gone);
        }
        let first = self.first().max(after + 1);
        let start = self.events.len() - (self.version + 1 - first) as usize;
        for (event, version) in self.events.range(start..).zip(first..) {
            if event.is_of(resource) && !take(event, version) {
                return Ok(version);
            }
        }
        Ok(self.version)
    }
}
