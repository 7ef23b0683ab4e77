//! The elements that the kernel holds, so that only what differs is written (`nftElementStorage` in
//! `nftables/proxier.go`).

use super::object::{Object, Sink, Verb};
use super::set::{Element, Identity, Key, Set};
use std::collections::{HashMap, HashSet};

/// Where an element is.
pub(super) type At = (Set, Key);

/// What is held, and what of it is still wanted.
#[derive(Debug, Default)]
pub(super) struct Store {
    /// Whether every element is written, held or not: 1.30 empties its sets at every sync.
    always: bool,
    held: HashMap<At, Option<Identity>>,
    /// Held by Services that a partial sync leaves alone.
    kept: HashSet<At>,
    /// What the Services that are written had before, in order.
    before: Vec<At>,
    wanted: HashSet<At>,
}

impl Store {
    /// Of empty sets.
    pub(super) fn empty(always: bool) -> Self {
        Self { always, ..Self::default() }
    }

    /// Of sets that hold this.
    pub(super) fn holding(before: Vec<(At, Option<Identity>)>) -> Self {
        let order = before.iter().map(|&(at, _)| at).collect();
        Self { held: before.into_iter().collect(), before: order, ..Self::default() }
    }

    /// What the Services that are written had before.
    pub(super) fn all(&self) -> impl Iterator<Item = At> {
        self.before.iter().copied()
    }

    /// Whether it holds this.
    pub(super) fn holds(&self, at: &At) -> bool {
        self.held.contains_key(at)
    }

    /// Another Service holds this, too.
    pub(super) fn keep(&mut self, at: At) {
        self.kept.insert(at);
    }

    /// The element is held afterwards (`ensureElem`).
    pub(super) fn ensure(&mut self, element: Element<'_>, sink: &mut impl Sink) {
        if self.always {
            return sink.element(element);
        }
        let at = (element.set, element.key);
        let identity = element.verdict.map(super::set::Verdict::identity);
        if !self.before.is_empty() {
            self.wanted.insert(at);
        }
        match self.held.insert(at, identity) {
            Some(held) if held == identity => {}
            Some(_) => {
                sink.command(Verb::Delete, &Object::Element(element));
                sink.element(element);
            }
            None if self.kept.contains(&at) => {}
            None => sink.element(element),
        }
    }

    /// Deletes what is not wanted any more (`cleanupLeftoverKeys`): one set after the other.
    pub(super) fn clean_up(&self, sink: &mut impl Sink) {
        let mut deleted = HashSet::new();
        for of in Set::OF_SERVICES {
            for &(set, key) in self.before.iter().filter(|(set, _)| *set == of) {
                let at = (set, key);
                if !self.wanted.contains(&at) && !self.kept.contains(&at) && deleted.insert(at) {
                    let element = Element { set, key, verdict: None, comment: None };
                    sink.command(Verb::Delete, &Object::Element(element));
                }
            }
        }
    }
}
