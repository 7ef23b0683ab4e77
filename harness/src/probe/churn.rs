//! `churn`: the share of a core that it takes to follow endpoints that change.
//!
//! How the node is synced is said in `activity/syncs.rs`. A scenario's activity says how often endpoints change and how often
//! kube-proxy syncs; without it, that is ten times and once a second.
//!
//! `cpu_sync` is what the whole machine spent: tools, requests, and the kernel's work for them in its own threads. It is
//! read from the scheduler's sums (`/proc/schedstat`), which are exact to the nanosecond. Ticks of `/proc/stat` are not: in
//! ten seconds one tick is a thousandth of a core, as much as some backends need. A task that sleeps on a timer and runs
//! for less than a tick may never be counted. Ticks are used where the kernel has no such sums, and for `cpu_user`,
//! `cpu_system` and `cpu_softirq`. Other work on the machine is counted, too. `tool_user` and `tool_system`, with one sample
//! a sync, count only the tools: no requests to the kernel, and no work that the kernel does later.

use super::{Probe, Reading, left};
use crate::activity::Syncs;
use crate::cell_error::CellError;
use crate::driver::Cost;
use crate::lab::Lab;
use crate::meter::Meters;
use crate::process::clock::{self, ns};
use guests::mark::{self, Account, Accounts};
use lab_core::cell::{Cell, Churn as Rate};
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::ProbeName;
use std::thread;
use std::time::{Duration, Instant};

pub(super) struct Churn;

impl Probe for Churn {
    fn name(&self) -> ProbeName {
        ProbeName::Churn
    }

    fn run(&self, lab: &dyn Lab, cell: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let begun = Instant::now();
        let churn = cell.activity.churn.unwrap_or(Rate::USUAL);
        let mut syncs = Syncs::of(lab);

        let account = Account::open();
        let before = Meters::read()?;
        let start = Instant::now();
        let window = mark::window();
        let end = start + plan.churn;
        let kept_up = syncs.keep_up(churn, start, |due| sleep_until(due, end), || left(begun, limit));
        let kept_up = kept_up.map_err(|error| cut_short(error, start, plan.churn, syncs.made() + 1));
        drop(window);
        let took = start.elapsed();
        let after = Meters::read()?;
        let accounts = account.took(took);
        drop(account);

        lab.course().clear();
        syncs.settle(kept_up)?;
        Ok(readings(&before, &after, accounts, &syncs.costs).into_iter().chain(syncs.readings()).collect())
    }
}

/// Sleeps until `due`, or until `end` if that is earlier. Returns whether it is due before the end.
fn sleep_until(due: Instant, end: Instant) -> bool {
    thread::sleep(due.min(end).saturating_duration_since(Instant::now()));
    due < end
}

/// The share of a core between two readings, and what the tools of each sync spent.
fn readings(before: &Meters, after: &Meters, accounts: Accounts, costs: &[Cost]) -> Vec<Reading> {
    let one = |metric, share: f64| Reading::new(metric, vec![share]);
    let each = |metric, time: fn(&Cost) -> Duration| Reading::new(metric, costs.iter().map(time).map(ns).collect());
    let all = vec![
        one(Metric::CpuSync, after.spent_since(before)).on(Some(accounts)),
        one(Metric::CpuUser, after.cpu.user_since(&before.cpu)),
        one(Metric::CpuSystem, after.cpu.system_since(&before.cpu)),
        one(Metric::CpuSoftirq, after.cpu.softirq_since(&before.cpu)),
        each(Metric::ToolUser, |cost| cost.user),
        each(Metric::ToolSystem, |cost| cost.system),
    ];
    // Where nothing changes there are no syncs.
    all.into_iter().filter(|reading| !reading.samples.is_empty()).collect()
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
    fn a_spent_budget_says_which_sync_it_was() {
        let error = cut_short(CellError::OverBudget("spent".to_owned()), Instant::now(), Duration::from_secs(10), 4);
        assert!(error.reason().starts_with("spent; that was sync 4, "), "{error:?}");
        assert!(error.reason().ends_with(" into 10.0 s of changes"), "{error:?}");
    }
}
