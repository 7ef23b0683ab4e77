//! The run loop: it visits the plan's cells, measures each within its budget, and reports each to a listener.

pub(crate) mod estimate;
pub(crate) mod event;
pub(crate) mod labs;
pub(crate) mod pace;
pub(crate) mod parts;
pub(crate) mod progress;

use crate::cell_error::CellError;
use crate::probe::Reading;
use crate::process::clock;
use crate::process::interrupt;
use crate::run::event::{Event, Listener};
use anyhow::Result;
use guests::mark::Accounts;
use lab_core::cell::Cell;
use lab_core::dataset::{CellRecord, Splits};
use lab_core::metric::Metric;
use lab_core::plan::{Plan, Visit};
use lab_core::vocabulary::Outcome;
use std::collections::BTreeMap;
use std::time::Duration;

/// A round's samples of one cell, and the time they took.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    pub(crate) readings: Vec<Reading>,
    /// What counts against the cell's budget.
    pub(crate) cost: Duration,
}

/// What measures cells: labs on a kernel, or a fake in a test.
pub(crate) trait Bench {
    /// Takes one round's samples of `cell` within `limit`.
    fn measure(&mut self, cell: &Cell, limit: Duration) -> Result<Measured, CellError>;
}

/// The outcome of each cell of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    cells: BTreeMap<Cell, Outcome>,
}

impl Tally {
    /// Adds what a visit gave.
    pub(crate) fn count(&mut self, record: &CellRecord) {
        let outcome = self.cells.entry(record.cell).or_insert(record.outcome);
        let weightier = match record.outcome {
            Outcome::Failed => true,
            Outcome::Measured => *outcome != Outcome::Failed,
            Outcome::Skipped | Outcome::OverBudget | Outcome::Unanswered => false,
        };
        if weightier {
            *outcome = record.outcome;
        }
    }

    /// How many cells have each outcome. A cell is `failed` if one of its visits failed, else `measured` if one was.
    pub(crate) fn outcomes(&self) -> BTreeMap<Outcome, u32> {
        let mut outcomes = BTreeMap::new();
        for &outcome in self.cells.values() {
            *outcomes.entry(outcome).or_default() += 1;
        }
        outcomes
    }
}

impl Listener for Tally {
    fn hear(&mut self, event: Event<'_>) -> Result<()> {
        if let Event::CellEnded { records, .. } = event {
            records.iter().for_each(|record| self.count(record));
        }
        Ok(())
    }
}

/// The visits to a cell so far.
#[derive(Debug, Clone, Copy, Default)]
struct Account {
    spent: Duration,
    /// What the last visit took. The next one is expected to take as long.
    last: Duration,
    visits: u32,
    /// No further visit will be made.
    closed: bool,
}

/// Whether the run was asked to stop before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interrupted(pub(crate) bool);

/// Makes `visits` of `plan` on `bench`, one after the other.
///
/// # Errors
/// When the listener fails, for example on a full disk. What goes wrong in a cell is a record, not an error.
pub(crate) fn run(
    plan: &Plan,
    visits: &[Visit],
    bench: &mut dyn Bench,
    listener: &mut dyn Listener,
) -> Result<Interrupted> {
    let mut accounts: BTreeMap<Cell, Account> = BTreeMap::new();
    for turn in visits {
        let account = accounts.entry(turn.cell).or_default();
        if !account.closed {
            listener.hear(Event::CellStarted(turn))?;
        }
        match visit(plan, turn, account, bench) {
            Ok(Told { records, accounts }) => {
                listener.hear(Event::CellEnded { visit: turn, records: &records, accounts: &accounts })?;
            }
            Err(Stop) => return Ok(Interrupted(true)),
        }
    }
    Ok(Interrupted(false))
}

struct Stop;

/// What a visit reports.
#[derive(Default)]
struct Told {
    records: Vec<CellRecord>,
    /// Those of each record's samples.
    accounts: Vec<Vec<Accounts>>,
}

impl Told {
    fn unmeasured(plan: &Plan, turn: &Visit, outcome: Outcome, reason: &str) -> Self {
        Self { records: vec![unmeasured(plan, turn, outcome, reason)], accounts: Vec::new() }
    }
}

/// Measures a cell once more, if its account allows.
fn visit(plan: &Plan, turn: &Visit, account: &mut Account, bench: &mut dyn Bench) -> Result<Told, Stop> {
    if interrupt::requested() {
        return Err(Stop);
    }
    if account.closed {
        return Ok(Told::default());
    }
    if account.spent + account.last > plan.budget {
        account.closed = true;
        let (made, rounds, budget) = (account.visits, plan.rounds, clock::spell(plan.budget));
        let reason = format!("{made} of {rounds} rounds: one more would go past the budget of {budget}");
        return Ok(Told::unmeasured(plan, turn, Outcome::OverBudget, &reason));
    }
    match bench.measure(&turn.cell, plan.budget.saturating_sub(account.spent)) {
        Ok(measured) => {
            account.spent += measured.cost;
            account.last = measured.cost;
            account.visits += 1;
            let accounts = measured.readings.iter().map(|reading| reading.accounts.clone()).collect();
            let record = |Reading { metric, samples, said, .. }| CellRecord {
                outcome: if samples.is_empty() { Outcome::Unanswered } else { Outcome::Measured },
                samples,
                reason: said,
                ..blank(plan, turn, metric)
            };
            Ok(Told { records: measured.readings.into_iter().map(record).collect(), accounts })
        }
        Err(ended) => {
            let (outcome, reason) = ended.outcome().ok_or(Stop)?;
            // What is missing or too slow will be so in the next round. A failure may happen only once.
            account.closed = outcome != Outcome::Failed;
            Ok(Told::unmeasured(plan, turn, outcome, reason))
        }
    }
}

/// The record of a visit without samples, with the reason.
pub(crate) fn unmeasured(plan: &Plan, turn: &Visit, outcome: Outcome, reason: &str) -> CellRecord {
    let metric = Metric::of(turn.cell.probe);
    CellRecord { outcome, reason: reason.to_owned(), ..blank(plan, turn, metric) }
}

/// The record of a measured cell, without its samples.
fn blank(plan: &Plan, turn: &Visit, metric: Metric) -> CellRecord {
    let Visit { round, replica, cell } = *turn;
    CellRecord {
        scenario: plan.scenario.clone(),
        target: plan.target,
        cell,
        round,
        replica,
        outcome: Outcome::Measured,
        reason: String::new(),
        metric,
        unit: metric.unit(),
        samples: Vec::new(),
        split: Splits::default(),
    }
}

#[cfg(test)]
mod tests;
