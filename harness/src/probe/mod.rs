//! Probes: the questions to a programmed node. Each takes samples of one or more metrics from a lab.
//!
//! # How to add a probe
//!
//! 1. `lab-core/src/vocabulary/probe.rs`: its name, the metric it is named after, whether it programs the node and whether
//!    scenarios ask it by default. A new metric needs `lab-core/src/metric/mod.rs`, too.
//! 2. `harness/src/probe/NAME.rs`: a type that implements [`Probe`]. It sees the node through [`Lab`] and
//!    [`Driver`](crate::driver::Driver), and leaves it as it was.
//! 3. This file: its `mod` line and its line in [`PROBES`]. `tests.rs` runs every probe with `fake::Fake`.

mod affinity;
mod again;
mod append_rule;
mod bandwidth;
mod bind;
mod build_one_by_one;
mod change;
mod churn;
mod connect;
mod connections_per_second;
#[cfg(test)]
pub(crate) mod fake;
mod idle;
mod in_force;
mod load_after_failure;
mod open_loop;
pub(crate) mod reading;
mod reload;
mod removed_endpoint;
mod spread;
mod sync_full;
mod udp_blackhole;
mod udp_stale;

pub(crate) use reading::Reading;
use reading::middle;

use crate::cell_error::{CellError, Missing};
use crate::driver::Cost;
use crate::lab::Lab;
use crate::process::clock::{self, ns};
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::stats;
use lab_core::vocabulary::ProbeName;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A question to a programmed node.
pub(crate) trait Probe: Sync {
    /// Its name.
    fn name(&self) -> ProbeName;
    /// Whether all that it needs besides the backend is here.
    fn check(&self) -> Result<(), Missing> {
        Ok(())
    }
    /// Takes a round's samples within `limit`, and leaves the lab in the state it was in.
    fn run(&self, lab: &dyn Lab, cell: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError>;
}

/// Every probe.
pub(crate) static PROBES: &[&dyn Probe] = &[
    &sync_full::SyncFull,
    &change::SYNC_CHANGE,
    &change::ENDPOINT_CHANGE,
    &change::REMOVE_SERVICE,
    &append_rule::AppendRule,
    &connect::Connect,
    &connections_per_second::ConnectionsPerSecond,
    &bandwidth::Bandwidth,
    &churn::Churn,
    &reload::Reload,
    &again::RESTART,
    &again::RESYNC,
    &idle::Idle,
    &open_loop::OpenLoop,
    &build_one_by_one::BuildOneByOne,
    &udp_stale::UdpStale,
    &udp_blackhole::UdpBlackhole,
    &removed_endpoint::RemovedEndpoint,
    &load_after_failure::LoadAfterFailure,
    &bind::DUMMY,
    &bind::ALIAS,
    &bind::ROUTES,
    &bind::RANGE,
    &spread::Spread,
    &affinity::Affinity,
];

/// The probe called `name`.
pub(crate) fn named(name: ProbeName) -> &'static dyn Probe {
    let found = PROBES.iter().find(|probe| probe.name() == name);
    *found.expect("every name of the vocabulary has its line in PROBES, which a test checks")
}

/// Samples of one sync or call, repeated: their metric, and where the time went.
struct SyncSamples {
    metric: Metric,
    costs: Vec<Cost>,
    starts: Vec<Cost>,
}

impl SyncSamples {
    fn new(metric: Metric) -> Self {
        Self { metric, costs: Vec::new(), starts: Vec::new() }
    }

    /// Takes a sample, and what it costs to start its tool, if it has one.
    fn push(&mut self, cost: Cost, start: Option<Cost>) {
        self.costs.push(cost);
        self.starts.extend(start);
    }

    fn readings(&self, plan: &Plan) -> Vec<Reading> {
        let walls = |costs: &[Cost]| costs.iter().map(|cost| ns(cost.wall)).collect::<Vec<f64>>();
        // The parts are those of the repetition that is the sample. Otherwise they would not add up to it.
        let whole = middle(&walls(&self.costs))
            .filter(|_| plan.target.is_exact())
            .map_or(&self.costs[..], |place| &self.costs[place..=place]);
        let of = |metric, value: fn(&Cost) -> f64| Reading::new(metric, whole.iter().map(value).collect());
        let timed = |metric, costs: &[Cost]| {
            let samples = walls(costs);
            let accounts = middle(&samples).and_then(|place| costs[place].accounts);
            reading(plan, metric, samples).on(accounts)
        };
        let exec = (!self.starts.is_empty()).then(|| timed(Metric::ToolExec, &self.starts));
        let first = [
            timed(self.metric, &self.costs),
            of(Metric::ToolUser, |cost| ns(cost.user)),
            of(Metric::ToolSystem, |cost| ns(cost.system)),
        ];
        // Only of a sync that reads, or cleans conntrack: without either, all of it is written.
        let split = whole.iter().any(|cost| cost.writes() < cost.wall);
        let split = [
            of(Metric::SyncRead, |cost| ns(cost.part(Metric::SyncRead))),
            of(Metric::SyncWrite, |cost| ns(cost.writes())),
            of(Metric::SyncConntrack, |cost| ns(cost.part(Metric::SyncConntrack))),
        ]
        .into_iter()
        .filter(|reading| {
            split && (reading.metric != Metric::SyncConntrack || reading.samples.iter().any(|&ns| ns > 0.0))
        });
        // Not of a driver's tools, which somebody else waits for.
        let rss = whole.iter().any(|cost| cost.peak_rss > 0);
        let rss = rss.then(|| of(Metric::ToolPeakRss, |cost| cost.peak_rss as f64));
        let own: BTreeSet<Metric> = whole.iter().flat_map(|cost| &cost.own).map(|&(metric, _)| metric).collect();
        let own = own.into_iter().map(|metric| {
            let of_metric = whole.iter().flat_map(|cost| &cost.own).filter(|&&(one, _)| one == metric);
            Reading::new(metric, of_metric.map(|&(_, value)| value).collect())
        });
        first.into_iter().chain(split).chain(exec).chain(rss).chain(own).collect()
    }
}

/// A visit's samples of `metric`. In the `exact` target they are one sample, their median: a timer interrupt or background
/// work of the kernel may fall into any of them, and would differ between two builds.
fn reading(plan: &Plan, metric: Metric, samples: Vec<f64>) -> Reading {
    let samples = if plan.target.is_exact() { stats::median(&samples).into_iter().collect() } else { samples };
    Reading::new(metric, samples)
}

/// Takes a sample, and a few more while they are cheap: at most `MOST`, and none after `CHEAP`. In the `exact` target that
/// limit is shorter: what falls into one sample and not into another matters only in short ones. `sample` returns how long
/// it did something else.
fn repeat(plan: &Plan, mut sample: impl FnMut() -> Result<Duration, CellError>) -> Result<(), CellError> {
    const MOST: usize = 5;
    const CHEAP: Duration = Duration::from_millis(500);
    const CHEAP_EXACT: Duration = Duration::from_millis(100);
    let cheap = if plan.target.is_exact() { CHEAP_EXACT } else { CHEAP };
    let mut start = Instant::now();
    for _ in 0..MOST {
        start += sample()?;
        if start.elapsed() >= cheap {
            break;
        }
    }
    Ok(())
}

/// After what was done is taken back, the node must be as before. Otherwise the next cell measures another state.
///
/// # Errors
/// `Failed` with what is not.
fn must_be_as_before(lab: &dyn Lab) -> Result<(), CellError> {
    lab.driver().count(lab.node(), lab.cluster())?;
    lab.driver().verify(lab.node())
}

/// What is left of `limit` since `start`.
///
/// # Errors
/// `OverBudget` when nothing is.
fn left(start: Instant, limit: Duration) -> Result<Duration, CellError> {
    let left = limit.saturating_sub(start.elapsed());
    if left.is_zero() {
        return Err(CellError::OverBudget(format!("the budget of {} was spent", clock::spell(limit))));
    }
    Ok(left)
}

#[cfg(test)]
mod tests;
