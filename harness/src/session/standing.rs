//! How far a run is, by its record alone: it may be going on in another process, or on another machine.

use super::kept::closed;
use super::lock::is_written_to;
use super::record::{self, RECORD};
use crate::run::Tally;
use crate::run::pace::Pace;
use anyhow::{Context, Result};
use jiff::Timestamp;
use lab_core::dataset::{CellRecord, Dataset, Header};
use lab_core::plan::{Plan, Visit};
use lab_core::vocabulary::Outcome;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// What state a run is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Every cell was visited.
    Complete,
    /// It was asked to stop before that.
    Interrupted,
    /// A process of this machine writes to it.
    GoingOn,
    /// Nothing here writes to it, and it has no end.
    BrokeOff,
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standing {
    pub(crate) header: Header,
    pub(crate) state: State,
    /// Visits that were made, and all there are to make.
    pub(crate) done: u64,
    pub(crate) visits: u64,
    /// Cells by outcome.
    pub(crate) outcomes: BTreeMap<Outcome, u32>,
    /// The record's size, in bytes.
    pub(crate) size: u64,
    /// When the record was last written to.
    pub(crate) written: Timestamp,
    /// What is expected to be left, if it goes on as it did.
    pub(crate) left: Option<Duration>,
}

impl Standing {
    /// That of the run in `folder`.
    ///
    /// # Errors
    /// When it has no readable record.
    pub(crate) fn of(folder: &Path) -> Result<Self> {
        let path = folder.join(RECORD);
        let shown = || path.display().to_string();
        let metadata = fs::metadata(&path).with_context(shown)?;
        let written = metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok()).unwrap_or_default();
        let dataset = record::read(&path).with_context(shown)?.dataset;
        let state = match &dataset.end {
            Some(end) if end.interrupted => State::Interrupted,
            Some(_) => State::Complete,
            None if is_written_to(folder) == Some(true) => State::GoingOn,
            None => State::BrokeOff,
        };
        Ok(Self::told(dataset, state, metadata.len(), written))
    }

    fn told(dataset: Dataset, state: State, size: u64, written: Timestamp) -> Self {
        let closed = closed(&dataset, &[Outcome::OverBudget, Outcome::Skipped]);
        let skipped = self::closed(&dataset, &[Outcome::Skipped]);
        let header = dataset.header;
        let own = Plan { cells: header.cells().collect(), ..header.plan.clone() };
        let made: BTreeSet<Visit> = dataset.cells.iter().map(CellRecord::visit).collect();
        let visits = own.cells.len() as u64 * u64::from(own.passes());
        // The later rounds of a cell that went over its budget, or was skipped, are not made.
        let open = made.iter().filter(|visit| !closed.contains(&visit.cell)).count() as u64;
        let done = (open + closed.len() as u64 * u64::from(own.passes())).min(visits);
        let mut tally = Tally::default();
        dataset.cells.iter().for_each(|record| tally.count(record));
        let finished = matches!(state, State::Complete | State::Interrupted);
        let left = (!finished).then(|| {
            let mut pace = Pace::of(&own);
            skipped.iter().for_each(|cell| pace.made(cell, Some(Outcome::Skipped)));
            closed.iter().for_each(|cell| pace.made(cell, Some(Outcome::OverBudget)));
            made.iter().for_each(|visit| pace.made(&visit.cell, None));
            pace.left(written.duration_since(header.start).unsigned_abs())
        });
        Self { state, done, visits, outcomes: tally.outcomes(), size, written, left, header }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{estimate, unmeasured};
    use jiff::SignedDuration;
    use lab_core::axes::Axes;
    use lab_core::vocabulary::TargetName;

    fn recorded(visits: usize, after: i64) -> (Plan, Standing) {
        let cells = Axes { services: vec![1, 10, 100], ..Axes::default() }.expand();
        let plan = Plan { rounds: 2, cells, ..Plan::example(TargetName::Host) };
        let all = plan.boots().concat();
        let cells = all[..visits].iter().map(|visit| unmeasured(&plan, visit, Outcome::Measured, "")).collect();
        let dataset = Dataset { header: Header::example(plan.clone()), cells, end: None };
        let written = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(after);
        (plan, Standing::told(dataset, State::GoingOn, 1, written))
    }

    #[test]
    fn what_is_left_begins_with_the_estimate_and_follows_what_cells_took() {
        let (plan, begun) = recorded(0, 0);
        let estimate = estimate::whole(&plan).as_secs_f64();
        let near = |left: Option<Duration>, expected: f64| {
            let left = left.unwrap().as_secs_f64();
            assert!(left < 1.3 * expected + 1.0 && left > 0.7 * expected - 1.0, "{left}, not {expected}");
        };
        near(begun.left, estimate);
        // As slow again as expected, half way.
        let all = plan.boots().concat().len();
        let (_, half) = recorded(all / 2, estimate as i64);
        near(half.left, estimate);
        assert_eq!((half.done, half.visits), (all as u64 / 2, all as u64));
        let (_, whole) = recorded(all, 100);
        near(whole.left, 0.0);
    }
}
