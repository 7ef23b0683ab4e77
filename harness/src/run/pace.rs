//! What is left of a run: by the plan's own estimate, corrected by what the visits that were made took.

use crate::run::estimate;
use lab_core::cell::Cell;
use lab_core::plan::{Plan, Visit};
use lab_core::vocabulary::{BackendName, Outcome};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// What was made so far weighs at least as much as this share of the plan: a few short cells tell little.
const PRIOR: f64 = 0.1;

/// The visits of a run, each with the seconds that it is expected to take.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pace {
    /// Seconds of each cell's visit.
    each: HashMap<Cell, f64>,
    /// The visits of each cell that are not made.
    open: HashMap<Cell, u32>,
    /// The backends of which something was made.
    runs: BTreeSet<BackendName>,
    /// Seconds that were expected of what this process makes, and of what of it is made.
    expected: f64,
    done: f64,
}

impl Pace {
    /// That of a run of `plan`, of which nothing is made.
    pub(crate) fn of(plan: &Plan) -> Self {
        Self::going_on(plan, &plan.boots())
    }

    /// The same, where only `left` is not made yet.
    pub(crate) fn going_on(plan: &Plan, left: &[Vec<Visit>]) -> Self {
        let each = plan.cells.iter().copied().zip(estimate::cells(plan));
        let each: HashMap<Cell, f64> = each.map(|(cell, all)| (cell, all / f64::from(plan.passes()))).collect();
        let mut open: HashMap<Cell, u32> = HashMap::new();
        for visit in left.iter().flatten() {
            *open.entry(visit.cell).or_default() += 1;
        }
        let mut pace = Self { each, open, runs: BTreeSet::new(), expected: 0.0, done: 0.0 };
        pace.expected = pace.open.iter().map(|(cell, open)| pace.seconds(cell) * f64::from(*open)).sum();
        pace
    }

    /// Counts a visit to `cell`, and how it ended. A cell that is over its budget is not visited again; one that is skipped is
    /// not either, and took none of the time that was expected of it.
    pub(crate) fn made(&mut self, cell: &Cell, outcome: Option<Outcome>) {
        let closes = matches!(outcome, Some(Outcome::OverBudget | Outcome::Skipped));
        let seconds = self.seconds(cell);
        let Some(open) = self.open.get_mut(cell) else { return };
        let visits = if closes { std::mem::take(open) } else { u32::from(*open > 0) };
        *open = open.saturating_sub(visits);
        let seconds = seconds * f64::from(visits);
        match outcome {
            Some(Outcome::Skipped) => {
                self.expected -= seconds;
                self.skip_all_of(cell.variant.backend);
            }
            _ => {
                self.done += seconds;
                self.runs.insert(cell.variant.backend);
            }
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

    /// A backend of which the first cell is skipped lacks something: nothing is expected of its other cells.
    fn skip_all_of(&mut self, backend: BackendName) {
        if self.runs.contains(&backend) {
            return;
        }
        for (cell, open) in self.open.iter_mut().filter(|(cell, _)| cell.variant.backend == backend) {
            self.expected -= self.each.get(cell).copied().unwrap_or_default() * f64::from(std::mem::take(open));
        }
    }

    fn seconds(&self, cell: &Cell) -> f64 {
        self.each.get(cell).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::progress::describe;
    use lab_core::scenario::Scenario;
    use lab_core::vocabulary::{TargetName, Word};

    /// A run of smoke that was recorded by `svclab scenario smoke --target …`: of each visit, in their order, milliseconds from
    /// the start to its end, its cell, and how it ended.
    fn recorded(target: TargetName, recording: &str) {
        let smoke = include_str!("../../../scenarios/smoke.yaml");
        let plan = Scenario::read("smoke.yaml", smoke).expect("it reads").plan(target, 1);
        let cells: HashMap<String, Cell> = plan.cells.iter().map(|cell| (describe(cell), *cell)).collect();
        let visits: Vec<(f64, Cell, Outcome)> = recording
            .lines()
            .map(|line| {
                let [time, cell, outcome] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
                let time: f64 = time.parse().expect("milliseconds");
                (time / 1000.0, cells[cell], Outcome::find(outcome).expect("an outcome"))
            })
            .collect();
        let (whole, ..) = *visits.last().expect("it has visits");
        let mut pace = Pace::of(&plan);
        for (time, cell, outcome) in visits {
            pace.made(&cell, Some(outcome));
            let left = pace.left(Duration::from_secs_f64(time)).as_secs_f64();
            // A few seconds are not told apart by anybody.
            if time > whole / 10.0 && whole - time > 5.0 {
                let off = left / (whole - time);
                assert!((0.5..=2.0).contains(&off), "at {time:.0} s of {whole:.0}: {left:.0} s left");
            }
        }
    }

    #[test]
    fn what_is_left_is_off_by_a_factor_of_two_at_most_after_a_tenth_of_a_run() {
        recorded(TargetName::Host, include_str!("recorded/smoke-host.tsv"));
        recorded(TargetName::Exact, include_str!("recorded/smoke-exact.tsv"));
    }

    #[test]
    fn what_is_skipped_says_nothing_of_the_pace() {
        let smoke = include_str!("../../../scenarios/smoke.yaml");
        let plan = Scenario::read("smoke.yaml", smoke).expect("it reads").plan(TargetName::Host, 1);
        let mut pace = Pace::of(&plan);
        let at = Duration::from_secs(10);
        let (skipped, kept): (Vec<Cell>, Vec<Cell>) =
            plan.cells.iter().copied().partition(|cell| cell.probe.programs());
        skipped.iter().for_each(|cell| pace.made(cell, Some(Outcome::Skipped)));
        assert_eq!(pace.done, 0.0);
        kept.iter().for_each(|cell| (0..plan.passes()).for_each(|_| pace.made(cell, Some(Outcome::Measured))));
        assert!(pace.left(at) < Duration::from_millis(1), "{:?}", pace.left(at));
    }
}
