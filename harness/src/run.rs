//! The loop: rounds over the plan's cells, each measured within its budget, each told to the listeners as it ends.

use crate::backend;
use crate::ended::Ended;
use crate::event::{Event, Listener};
use crate::interrupt;
use crate::probe::Reading;
use anyhow::Result;
use lab_core::dataset::CellRecord;
use lab_core::metric::Metric;
use lab_core::plan::{Cell, Plan};
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
    fn measure(&mut self, cell: &Cell, limit: Duration) -> Result<Measured, Ended>;
}

/// How the run went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    /// Whether it was stopped before the plan was through.
    pub(crate) interrupted: bool,
    /// How many cells ended how: `failed` if any round failed, else `measured` if any was.
    pub(crate) cells: BTreeMap<Outcome, u32>,
}

/// What is known of a cell so far.
#[derive(Debug, Clone, Copy, Default)]
struct Account {
    spent: Duration,
    /// What the last round took: what the next one is expected to take.
    last: Duration,
    rounds: u32,
    outcome: Option<Outcome>,
    /// No further round will be tried.
    closed: bool,
}

/// Runs `plan` on `bench`.
///
/// # Errors
/// When a listener cannot go on (a full disk, say). Whatever a cell meets is a record, not an error.
pub(crate) fn run(plan: &Plan, bench: &mut dyn Bench, listeners: &mut [&mut dyn Listener]) -> Result<Tally> {
    let mut tell = |event: Event<'_>| listeners.iter_mut().try_for_each(|listener| listener.hear(event));
    let mut accounts: BTreeMap<Cell, Account> = BTreeMap::new();
    let total = plan.cells.len() as u64 * u64::from(plan.rounds);
    let mut done = 0;
    let mut interrupted = false;

    tell(Event::Started(plan))?;
    'rounds: for round in 0..plan.rounds {
        for cell in plan.round(round) {
            let account = accounts.entry(cell).or_default();
            if !account.closed {
                tell(Event::CellStarted { cell: &cell, done, total })?;
            }
            let records = match visit(plan, round, &cell, account, bench) {
                Ok(records) => records,
                Err(Stop) => {
                    interrupted = true;
                    break 'rounds;
                }
            };
            tell(Event::CellEnded { cell: &cell, records: &records })?;
            done += 1;
        }
    }
    tell(Event::Ended)?;

    let mut tally = Tally { interrupted, ..Tally::default() };
    for outcome in accounts.values().filter_map(|account| account.outcome) {
        *tally.cells.entry(outcome).or_default() += 1;
    }
    Ok(tally)
}

/// The run was asked to stop.
struct Stop;

/// Measures `cell` once more, if its account allows.
fn visit(
    plan: &Plan,
    round: u32,
    cell: &Cell,
    account: &mut Account,
    bench: &mut dyn Bench,
) -> Result<Vec<CellRecord>, Stop> {
    if interrupt::requested() {
        return Err(Stop);
    }
    if account.closed {
        return Ok(Vec::new());
    }
    if account.spent + account.last > plan.budget {
        account.closed = true;
        let reason = format!(
            "{} of {} rounds: one more would go past the budget of {} s",
            account.rounds,
            plan.rounds,
            plan.budget.as_secs()
        );
        return Ok(vec![unmeasured(plan, round, cell, Outcome::OverBudget, &reason)]);
    }
    match bench.measure(cell, plan.budget.saturating_sub(account.spent)) {
        Ok(measured) => {
            account.spent += measured.cost;
            account.last = measured.cost;
            account.rounds += 1;
            account.outcome.get_or_insert(Outcome::Measured);
            let record = |Reading { metric, samples }| CellRecord { samples, ..blank(plan, round, cell, metric) };
            Ok(measured.readings.into_iter().map(record).collect())
        }
        Err(ended) => {
            let (outcome, reason) = ended.outcome().ok_or(Stop)?;
            // What is missing or too slow will be so in the next round; a failure may be a single one.
            account.closed = outcome != Outcome::Failed;
            if outcome == Outcome::Failed {
                account.outcome = Some(outcome);
            } else {
                account.outcome.get_or_insert(outcome);
            }
            Ok(vec![unmeasured(plan, round, cell, outcome, reason)])
        }
    }
}

fn unmeasured(plan: &Plan, round: u32, cell: &Cell, outcome: Outcome, reason: &str) -> CellRecord {
    let metric = Metric::of(cell.probe);
    CellRecord { outcome, reason: reason.to_owned(), ..blank(plan, round, cell, metric) }
}

/// The record of a measured cell, its samples still to come.
fn blank(plan: &Plan, round: u32, cell: &Cell, metric: Metric) -> CellRecord {
    let layout = backend::named(cell.backend).layout();
    CellRecord {
        scenario: plan.scenario.clone(),
        target: plan.target,
        backend: cell.backend,
        layout: layout.map_or("none", |layout| layout.name()).to_owned(),
        way: layout.map_or("none", |_| "partial").to_owned(),
        services: cell.services,
        endpoints: cell.endpoints,
        position: cell.position,
        probe: cell.probe,
        round,
        replica: 0,
        outcome: Outcome::Measured,
        reason: String::new(),
        metric,
        unit: metric.unit(),
        samples: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
