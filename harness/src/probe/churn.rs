//! `churn`: the share of a core that it takes to follow an endpoint that changes ten times a second.
//!
//! ```text
//!   changes  ||||||||||||||||||||||||||||||…      ten a second, each gives the endpoint another address
//!   syncs    #         #         #                 one a second: kube-proxy's minSyncPeriod
//!   CPU      |<------------ counted ------------>|  the whole time, idle or not
//! ```
//!
//! A sync sees only the last of ten changes: one endpoint replaced. Two addresses alternate, because a layout does the same
//! for an old address as for a new one; only IPVS may find a server that it removed before. A sync that takes longer than
//! a second is followed by the next at once. The syncs are rendered ahead, so the lab's own rendering is not counted. The
//! clean-up that kube-proxy does later is counted.
//!
//! `cpu_sync` is what the whole machine spent: tools, requests, and the kernel's work for them in its own threads. It is
//! read from the scheduler's sums (`/proc/schedstat`), which are exact to the nanosecond. Ticks of `/proc/stat` are not: in
//! ten seconds one tick is a thousandth of a core, as much as some backends need. A task that sleeps on a timer and runs
//! for less than a tick may never be counted. Ticks are used where the kernel has no such sums, and for `cpu_user`,
//! `cpu_system` and `cpu_softirq`. Other work on the machine is counted, too. `tool_user` and `tool_system`, with one sample
//! a sync, count only the tools: no requests to the kernel, and no work that the kernel does later.

use super::{Probe, Reading, left};
use crate::cell_error::CellError;
use crate::driver::Cost;
use crate::lab::Lab;
use crate::meter::{Cpu, TaskTime};
use crate::process::clock::{self, ns};
use crate::process::interrupt;
use anyhow::Result;
use guests::mark::{self, Account, Accounts};
use lab_core::cell::Cell;
use lab_core::change::Change;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::ProbeName;
use std::thread;
use std::time::{Duration, Instant};

/// How often kube-proxy syncs at most (`minSyncPeriod`).
const MIN_SYNC_PERIOD: Duration = Duration::from_secs(1);

pub(super) struct Churn {
    pub(super) period: Duration,
}

pub(super) static CHURN: Churn = Churn { period: MIN_SYNC_PERIOD };

impl Probe for Churn {
    fn name(&self) -> ProbeName {
        ProbeName::Churn
    }

    fn run(&self, lab: &mut dyn Lab, _: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let begun = Instant::now();
        let (driver, node) = (lab.driver(), lab.node());
        let change = Change::replacing_endpoint(lab.cluster(), lab.supply());
        let undone = change.undone();
        let [replace, restore] = [&change, &undone].map(|change| driver.steps(change));
        let mut costs: Vec<Cost> = Vec::new();

        let account = Account::open();
        let before = Meters::read()?;
        let start = Instant::now();
        let window = mark::window();
        let kept_up = keep_up(plan.churn, self.period, || {
            let steps = if costs.len().is_multiple_of(2) { &replace } else { &restore };
            let synced = left(begun, limit).and_then(|left| {
                let cost = steps.take(node, left)?;
                steps.clean_up(node, left).map(|()| cost)
            });
            costs.push(synced.map_err(|error| cut_short(error, start, plan.churn, costs.len() + 1))?);
            Ok(())
        });
        drop(window);
        let took = start.elapsed();
        let after = Meters::read()?;
        let accounts = account.took(took);
        drop(account);

        // Also when the budget was spent: counts are the same before and after the change, so counting would not show it.
        let right = if kept_up.is_ok() { driver.verify(node) } else { Ok(()) };
        if !costs.len().is_multiple_of(2) {
            driver.undo(node, &undone, limit)?;
        }
        kept_up?;
        right?;
        driver.count(node, lab.cluster())?;
        driver.verify(node)?;
        Ok(readings(&before, &after, accounts, &costs))
    }
}

/// Syncs once a `period` until `whole` is over. A sync that takes longer is followed by the next at once.
fn keep_up(
    whole: Duration,
    period: Duration,
    mut sync: impl FnMut() -> Result<(), CellError>,
) -> Result<(), CellError> {
    let mut due = Instant::now();
    let end = due + whole;
    while due < end {
        sync()?;
        due = (due + period).max(Instant::now());
        thread::sleep(due.min(end).saturating_duration_since(Instant::now()));
        if interrupt::requested() {
            return Err(CellError::Interrupted);
        }
    }
    Ok(())
}

/// The share of a core between two readings, and what the tools of each sync spent.
fn readings(before: &Meters, after: &Meters, accounts: Accounts, costs: &[Cost]) -> Vec<Reading> {
    let one = |metric, share: f64| Reading::new(metric, vec![share]);
    let each = |metric, time: fn(&Cost) -> Duration| Reading::new(metric, costs.iter().map(time).map(ns).collect());
    vec![
        one(Metric::CpuSync, after.spent_since(before)).on(Some(accounts)),
        one(Metric::CpuUser, after.cpu.user_since(&before.cpu)),
        one(Metric::CpuSystem, after.cpu.system_since(&before.cpu)),
        one(Metric::CpuSoftirq, after.cpu.softirq_since(&before.cpu)),
        each(Metric::ToolUser, |cost| cost.user),
        each(Metric::ToolSystem, |cost| cost.system),
    ]
}

/// What is read before the syncs, and after them.
struct Meters {
    cpu: Cpu,
    tasks: Option<TaskTime>,
}

impl Meters {
    fn read() -> Result<Self> {
        Ok(Self { cpu: Cpu::read()?, tasks: TaskTime::read() })
    }

    fn spent_since(&self, earlier: &Self) -> f64 {
        match (&self.tasks, &earlier.tasks) {
            (Some(tasks), Some(earlier)) => tasks.since(earlier),
            _ => self.cpu.busy_since(&earlier.cpu),
        }
    }
}

/// Adds to an error of the budget how much of `whole` was over.
fn cut_short(error: CellError, begun: Instant, whole: Duration, syncs: usize) -> CellError {
    match error {
        CellError::OverBudget(reason) => {
            let (gone, whole) = (clock::spell(begun.elapsed()), clock::spell(whole));
            CellError::OverBudget(format!("{reason}; that was sync {syncs}, {gone} into {whole} of changes"))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_of_a_period_has_a_sync_of_its_own_and_no_time_has_none() {
        let syncs = |whole| {
            let mut syncs = 0;
            keep_up(whole, MIN_SYNC_PERIOD, || {
                syncs += 1;
                Ok(())
            })
            .map(|()| syncs)
        };
        assert_eq!(syncs(Duration::ZERO), Ok(0));
        assert_eq!(syncs(Duration::from_millis(1)), Ok(1));
    }

    #[test]
    fn a_sync_that_fails_is_the_last() {
        let failed = Err(CellError::Failed("no".to_owned()));
        assert_eq!(keep_up(Duration::from_secs(9), MIN_SYNC_PERIOD, || failed.clone()), failed);
    }

    #[test]
    fn a_spent_budget_says_which_sync_it_was() {
        let error = cut_short(CellError::OverBudget("spent".to_owned()), Instant::now(), Duration::from_secs(10), 4);
        assert!(error.reason().starts_with("spent; that was sync 4, "), "{error:?}");
        assert!(error.reason().ends_with(" into 10.0 s of changes"), "{error:?}");
    }
}
