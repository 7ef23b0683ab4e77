//! What is left of a run: by the plan's own estimate, corrected by what the visits that were made took.

use crate::run::estimate;
use lab_core::cell::Cell;
use lab_core::plan::{Plan, Visit};
use lab_core::vocabulary::Outcome;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// What was made so far weighs at least as much as this share of the plan: a few short cells tell little.
const PRIOR: f64 = 0.05;

/// The visits of a run, each with the seconds that it is expected to take.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pace {
    /// Seconds of each cell's visit.
    each: HashMap<Cell, f64>,
    /// The visits of each cell that are not made.
    open: HashMap<Cell, u32>,
    /// Cells of which no further visit takes any time.
    closed: HashSet<Cell>,
    /// Seconds that were expected of what this process makes, and of what of it is made.
    expected: f64,
    done: f64,
}

impl Pace {
    /// That of a run of `plan`, of which nothing is made.
    pub(crate) fn of(plan: &Plan) -> Self {
        let passes = plan.passes();
        let each = plan.cells.iter().copied().zip(estimate::cells(plan));
        let each: HashMap<Cell, f64> = each.map(|(cell, seconds)| (cell, seconds / f64::from(passes))).collect();
        let open = plan.cells.iter().map(|&cell| (cell, passes)).collect();
        let expected = each.values().sum::<f64>() * f64::from(passes);
        Self { each, open, closed: HashSet::new(), expected, done: 0.0 }
    }

    /// The same, where only `left` is not made yet.
    pub(crate) fn going_on(plan: &Plan, left: &[Vec<Visit>]) -> Self {
        let mut pace = Self::of(plan);
        pace.open.values_mut().for_each(|open| *open = 0);
        for visit in left.iter().flatten() {
            *pace.open.entry(visit.cell).or_default() += 1;
        }
        pace.expected = pace.open.iter().map(|(cell, open)| pace.seconds(cell) * f64::from(*open)).sum();
        pace
    }

    /// Counts a visit to `cell`, and how it ended: a cell that is over its budget, or skipped, is not visited again.
    pub(crate) fn made(&mut self, cell: &Cell, outcome: Option<Outcome>) {
        if self.closed.contains(cell) {
            return;
        }
        let closes = matches!(outcome, Some(Outcome::OverBudget | Outcome::Skipped));
        let seconds = self.seconds(cell);
        let Some(open) = self.open.get_mut(cell) else { return };
        let visits = if closes { std::mem::take(open) } else { u32::from(*open > 0) };
        *open = open.saturating_sub(visits);
        self.done += seconds * f64::from(visits);
        if closes {
            self.closed.insert(*cell);
        }
    }

    /// What is expected to be left `elapsed` after the start.
    pub(crate) fn left(&self, elapsed: Duration) -> Duration {
        let known = self.expected * PRIOR;
        let slower = (elapsed.as_secs_f64() + known) / (self.done + known);
        let left = (self.expected - self.done).max(0.0) * slower;
        // Of nothing, nothing is left.
        Duration::try_from_secs_f64(left).unwrap_or_default()
    }

    fn seconds(&self, cell: &Cell) -> f64 {
        self.each.get(cell).copied().unwrap_or_default()
    }
}
