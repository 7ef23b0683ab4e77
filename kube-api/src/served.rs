//! What clients asked of the server so far. Who waits for a client that hangs reads here how far it came.

use crate::resource::Resource;
use std::collections::VecDeque;
use std::fmt;
use std::time::Instant;

/// How many refused requests are remembered.
const REFUSED: usize = 100;

/// How a client asked for the objects of a resource first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By a list.
    List,
    /// By a watch that goes on from a list's version, or begins with what there is.
    Watch,
    /// By a watch that is to send what there is and say where that ends (`sendInitialEvents`).
    WatchList,
}

/// What was asked of one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Which one.
    pub resource: Resource,
    /// How it was asked for first.
    pub way: Way,
    /// When that was.
    pub first: Instant,
    /// When all objects that a client asked for had been handed to its connection for the first time: the last page of a
    /// list, or the mark at the end of a watch's initial events.
    pub whole: Option<Instant>,
    /// How many lists were answered, each page counted.
    pub lists: u64,
    /// How many watches were begun.
    pub watches: u64,
    /// How many watches there are now.
    pub open: u64,
}

/// A request that was not answered as it asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// When it was.
    pub when: Instant,
    /// The HTTP status, from 400.
    pub status: u16,
    /// Method, path and query.
    pub request: String,
    /// What the answer said.
    pub reason: String,
}

/// `406 of GET /api/v1/nodes: only application/json …`.
impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} of {}: {}", self.status, self.request, self.reason)
    }
}

/// What clients asked so far.
#[derive(Debug, Clone, Default)]
pub struct Served {
    /// All requests, refused ones included.
    pub requests: u64,
    /// Events and leases that were accepted and dropped.
    pub dropped: u64,
    /// The resources that were asked for, in the order in which they first were.
    pub asked: Vec<Asked>,
    /// The last refused requests, at most 100.
    pub refused: VecDeque<Refused>,
    /// How many were refused in all.
    pub refusals: u64,
}

impl Served {
    /// What was asked of `resource`; `None` if nothing was.
    #[must_use]
    pub fn of(&self, resource: Resource) -> Option<&Asked> {
        self.asked.iter().find(|asked| asked.resource == resource)
    }

    pub(crate) fn entry(&mut self, resource: Resource, way: Way, now: Instant) -> &mut Asked {
        let place = self.asked.iter().position(|asked| asked.resource == resource).unwrap_or_else(|| {
            self.asked.push(Asked { resource, way, first: now, whole: None, lists: 0, watches: 0, open: 0 });
            self.asked.len() - 1
        });
        &mut self.asked[place]
    }

    pub(crate) fn refuse(&mut self, status: u16, request: String, reason: String, now: Instant) {
        self.refusals += 1;
        self.refused.push_back(Refused { when: now, status, request, reason });
        if self.refused.len() > REFUSED {
            self.refused.pop_front();
        }
    }
}
