//! Compares two profiles of a cell: which functions execute more instructions, and which fewer.

use super::{Entry, Function, Profile};
use crate::cell::Cell;
use crate::metric::Metric;
use std::collections::BTreeSet;

/// A cell's instructions in two profiles.
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
    pub changes: Vec<FunctionChange>,
}

/// A function's instructions in two profiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionChange {
    /// Which function.
    pub function: Function,
    /// Its instructions before.
    pub before: u64,
    /// Its instructions after.
    pub after: u64,
}

impl Comparison {
    /// Compares two entries of a cell and metric. Functions are matched by name and binary. If one side has its small
    /// functions put together, the other side's are put together, too.
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
        let change = |function: &Function| FunctionChange {
            function: function.clone(),
            before: count(before, function),
            after: count(after, function),
        };
        let mut changes: Vec<FunctionChange> = functions.into_iter().map(change).collect();
        changes.retain(|change| change.before != change.after);
        changes.sort_by_key(|change| std::cmp::Reverse(change.before.abs_diff(change.after)));
        let (cell, metric) = (after.cell, after.metric);
        Self { cell, metric, before: before.total(), after: after.total(), changes }
    }

    /// How many more instructions; negative for fewer.
    #[must_use]
    pub fn more(&self) -> i64 {
        more(self.before, self.after)
    }

    /// The share of `change` in the cell's change, 1 for all of it; `None` if the cell did not change.
    #[must_use]
    pub fn share(&self, change: &FunctionChange) -> Option<f64> {
        let whole = self.more();
        (whole != 0).then(|| change.more() as f64 / whole as f64)
    }
}

impl FunctionChange {
    /// How many more instructions; negative for fewer.
    #[must_use]
    pub fn more(&self) -> i64 {
        more(self.before, self.after)
    }
}

fn more(before: u64, after: u64) -> i64 {
    after.cast_signed().wrapping_sub(before.cast_signed())
}

/// Compares `metric` in `cell`; `None` if one of the profiles lacks it.
#[must_use]
pub fn compare(before: &Profile, after: &Profile, cell: &Cell, metric: Metric) -> Option<Comparison> {
    Some(Comparison::of(before.entry(cell, metric)?, after.entry(cell, metric)?))
}
