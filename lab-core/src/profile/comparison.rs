//! Two profiles of the same cell beside each other: which functions have more to do, and which less.

use super::{Entry, Function, Profile};
use crate::cell::Cell;
use crate::metric::Metric;
use std::collections::BTreeSet;

/// What became of a cell's instructions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// What was measured.
    pub cell: Cell,
    /// What the samples are of.
    pub metric: Metric,
    /// All instructions before.
    pub before: u64,
    /// All instructions after.
    pub after: u64,
    /// The functions whose instructions changed, those that changed the most first.
    pub changes: Vec<Change>,
}

/// What became of a function's instructions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which function.
    pub function: Function,
    /// Its instructions before.
    pub before: u64,
    /// Its instructions after.
    pub after: u64,
}

impl Comparison {
    /// Two entries of the same cell and metric beside each other. Functions are the same that have the same name in the
    /// same binary. Where one side's small ones are taken together, so are the other's.
    #[must_use]
    pub fn of(before: &Entry, after: &Entry) -> Self {
        if before.is_without_small() != after.is_without_small() {
            return Self::of_alike(&before.without_small(), &after.without_small());
        }
        Self::of_alike(before, after)
    }

    fn of_alike(before: &Entry, after: &Entry) -> Self {
        let functions: BTreeSet<&Function> = before.instructions.keys().chain(after.instructions.keys()).collect();
        let count = |entry: &Entry, function: &Function| entry.instructions.get(function).copied().unwrap_or(0);
        let change = |function: &Function| Change {
            function: function.clone(),
            before: count(before, function),
            after: count(after, function),
        };
        let mut changes: Vec<Change> = functions.into_iter().map(change).collect();
        changes.retain(|change| change.before != change.after);
        changes.sort_by_key(|change| std::cmp::Reverse(change.before.abs_diff(change.after)));
        let (cell, metric) = (after.cell, after.metric);
        Self { cell, metric, before: before.total(), after: after.total(), changes }
    }

    /// Instructions more; fewer where it is negative.
    #[must_use]
    pub fn more(&self) -> i64 {
        more(self.before, self.after)
    }

    /// Which part of the cell's change `change` is, 1 for all of it; `None` where the cell has not changed.
    #[must_use]
    pub fn share(&self, change: &Change) -> Option<f64> {
        let whole = self.more();
        (whole != 0).then(|| change.more() as f64 / whole as f64)
    }
}

impl Change {
    /// Instructions more; fewer where it is negative.
    #[must_use]
    pub fn more(&self) -> i64 {
        more(self.before, self.after)
    }
}

fn more(before: u64, after: u64) -> i64 {
    after.cast_signed().wrapping_sub(before.cast_signed())
}

/// What became of the instructions of `metric` in `cell`; `None` where one of the profiles has none of it.
#[must_use]
pub fn compare(before: &Profile, after: &Profile, cell: &Cell, metric: Metric) -> Option<Comparison> {
    Some(Comparison::of(before.entry(cell, metric)?, after.entry(cell, metric)?))
}
