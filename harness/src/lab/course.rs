//! How far what runs beside a probe has come, and the probe itself.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// How far the activities and the probe have come.
#[derive(Debug, Default)]
pub(crate) struct Course {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// How many activities are not under way yet.
    awaited: usize,
    /// How many of those run that leave something of their own in the node.
    writing: usize,
    over: bool,
}

impl Course {
    /// Starts over, with activities that leave something of their own in the node, or not.
    pub(crate) fn start(&self, writes: impl Iterator<Item = bool>) {
        let writes: Vec<bool> = writes.collect();
        let writing = writes.iter().filter(|writes| **writes).count();
        *self.state() = State { awaited: writes.len(), writing, over: false };
    }

    /// Tells that an activity is under way.
    pub(crate) fn begin(&self) {
        let mut state = self.state();
        state.awaited = state.awaited.saturating_sub(1);
        self.changed.notify_all();
    }

    /// Waits until `due`. Returns whether the course goes on.
    pub(crate) fn wait_until(&self, due: Instant) -> bool {
        let mut state = self.state();
        while !state.over {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        !state.over
    }

    pub(crate) fn await_begun(&self) {
        drop(self.changed.wait_while(self.state(), |state| state.awaited > 0));
    }

    /// Has all activities end, and waits until nothing of somebody else's is in the node: what it holds is looked at.
    pub(crate) fn clear(&self) {
        self.end();
        drop(self.changed.wait_while(self.state(), |state| state.writing > 0));
    }

    pub(crate) fn end(&self) {
        self.state().over = true;
        self.changed.notify_all();
    }

    /// Tells that an activity has ended. If that is before it was under way, nobody waits for it.
    pub(crate) fn leave(&self, writes: bool, failed: bool) {
        if failed {
            self.begin();
        }
        if writes {
            self.state().writing -= 1;
            self.changed.notify_all();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
