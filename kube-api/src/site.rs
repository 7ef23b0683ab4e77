//! What all connections share: the state, what was asked so far, and how the server is to behave.

use crate::resource::Resource;
use crate::served::{Asked, Served, Way};
use crate::store::Store;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Whether a watch may begin with what there is and say where that ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Watching {
    /// It may (`sendInitialEvents`), as in Kubernetes from 1.32 on.
    #[default]
    Whole,
    /// It may not: such a watch is answered by 422, and clients fall back to a list and a watch, as with older servers.
    ListFirst,
}

/// How a server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// What watches may ask for.
    pub watching: Watching,
    /// How many past events are kept at most, from 1; together at most 256 MiB of objects. Who asks for older ones gets
    /// `410 Gone`.
    pub history: usize,
    /// How long a watch is quiet before a bookmark says how far it is.
    pub bookmarks: Duration,
}

impl Default for Settings {
    /// Whole watches, 100,000 events, and a bookmark a minute, as Kubernetes sends it.
    fn default() -> Self {
        Self { watching: Watching::default(), history: 100_000, bookmarks: Duration::from_secs(60) }
    }
}

/// One server's state.
#[derive(Debug)]
pub(crate) struct Site {
    store: Mutex<Store>,
    served: Mutex<Served>,
    pub(crate) settings: Settings,
}

impl Site {
    pub(crate) fn new(store: Store, settings: Settings) -> Self {
        Self { store: Mutex::new(store), served: Mutex::default(), settings }
    }

    /// Not to be held while waiting for anything.
    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Not to be held while waiting for anything, nor while taking the store.
    pub(crate) fn served(&self) -> MutexGuard<'_, Served> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that `resource` was asked for in this way.
    pub(crate) fn ask(&self, resource: Resource, way: Way, count: impl FnOnce(&mut Asked)) {
        count(self.served().entry(resource, way, Instant::now()));
    }

    /// Notes that all objects of `resource` that a client asked for were handed over.
    pub(crate) fn hand_over(&self, resource: Resource, way: Way) {
        let now = Instant::now();
        self.served().entry(resource, way, now).whole.get_or_insert(now);
    }
}
