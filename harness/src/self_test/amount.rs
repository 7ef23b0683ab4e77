//! The size of the fault that makes a cell slower by a given share.
//!
//! A delay is that share of the cell's time. The number of rules follows from calibrations:
//!
//! ```text
//! cost, as a multiple of direct's in the same round
//!   │            ●  with 2,000 rules
//!   │      ×        as slow as wanted: so many rules
//!   ●               plain (or, counting instructions, with an empty chain)
//!   └──────┴─────┴─ rules
//! ```
//!
//! The speed of a machine may change from run to run. A cost as a multiple of `direct`'s does not change with it, and a
//! delay is a share of what the latest runs took. Other work on the machine only adds time. So costs are lower quartiles on
//! a wall clock: a share of a median would be mostly a share of waiting.

use super::pool::{Kind, Pool};
use analysis::gate::{Gating, Numbers, Policy};
use lab_core::cell::{Cell, Load};
use lab_core::dataset::Dataset;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::slowdown::{Means, Slowdown};
use lab_core::stats;
use lab_core::vocabulary::{BackendName, Outcome, ProbeName, TargetName};
use std::collections::BTreeMap;
use std::time::Duration;

/// The number of rules in each calibration. On a wall clock there are many, so that their cost is larger than the noise.
/// Where instructions are counted there are two calibrations, to separate the chain's own cost from that of the rules.
pub(super) fn calibrations(target: TargetName) -> &'static [u32] {
    if target.is_exact() { &[0, 40] } else { &[2000] }
}

/// `rules` ahead of the dispatch, in every cell that sends packets and gates.
pub(super) fn calibration(plan: &Plan, policy: &Policy, rules: u32) -> Vec<Slowdown> {
    let cells = plan.cells.iter().filter(|cell| carries(plan, policy, cell) && !cell.probe.programs());
    cells.map(|&cell| Slowdown { cell, means: Means::Rules(rules) }).collect()
}

/// How many of the latest plain runs show what a cell takes on the machine as it is now.
const LATEST: usize = 3;

/// The cells of `plan` that are slowed down.
pub(super) fn carriers(plan: &Plan) -> Vec<Cell> {
    plan.slowdowns.iter().map(|slowdown| slowdown.cell).collect()
}

/// Whether a fault may be injected into `cell`. A cell that does not gate need not be found. On a wall clock the others are
/// compared with `direct`.
fn carries(plan: &Plan, policy: &Policy, cell: &Cell) -> bool {
    let exact = plan.target.is_exact();
    let numbers = if exact { Numbers::Exact } else { Numbers::Timed };
    let gates = policy.of(cell, Metric::of(cell.probe), numbers).gating == Gating::Gates;
    gates && (exact || cell.variant.backend != BackendName::Direct)
}

/// The quantile that stands for a cell's samples, or for its figures in several rounds and runs.
#[derive(Debug, Clone, Copy)]
struct Usual(f64);

impl Usual {
    fn on(target: TargetName) -> Self {
        Self(if target.is_exact() { 0.5 } else { 0.25 })
    }

    fn of(self, samples: &[f64]) -> Option<f64> {
        stats::quantile(samples, self.0)
    }
}

/// The cost of each cell, by round and replica. The cost of a rate is its reciprocal.
type Costs = BTreeMap<Cell, BTreeMap<(u32, u32), f64>>;

/// What the runs so far show of costs.
pub(super) struct Amount {
    share: f64,
    /// Costs in the latest plain runs, because the machine's speed changes; in ns for cells that call a tool.
    latest: BTreeMap<Cell, f64>,
    /// A cell's cost as a multiple of `direct`'s: by the number of rules, and without rules.
    with: BTreeMap<Cell, Vec<(u32, f64)>>,
    relative: BTreeMap<Cell, f64>,
    exact: bool,
}

impl Amount {
    /// Reads it from `pool`, to make cells slower by `share`.
    pub(super) fn of(pool: &Pool, share: f64) -> Self {
        let exact = pool.faultless().any(|run| run.header.plan.target.is_exact());
        let usual = Usual::on(if exact { TargetName::Exact } else { TargetName::Host });
        let costs = |run: &Dataset| costs(run, usual);
        let faultless: Vec<Costs> = pool.faultless().map(costs).collect();
        let latest = &faultless[faultless.len().saturating_sub(LATEST)..];
        let absolute = |run: &Costs| absolute(run, usual);
        let relative = |run: &Costs| if exact { absolute(run) } else { relative(run) };
        let mut with: BTreeMap<Cell, Vec<(u32, f64)>> = BTreeMap::new();
        for run in pool.runs(Kind::Calibration) {
            let measured = relative(&costs(run));
            for slowdown in &run.header.plan.slowdowns {
                if let (Means::Rules(rules), Some(&cost)) = (slowdown.means, measured.get(&slowdown.cell)) {
                    with.entry(slowdown.cell).or_default().push((rules, cost));
                }
            }
        }
        Self {
            share,
            latest: together(latest.iter().map(absolute)),
            with,
            relative: together(faultless.iter().map(relative)),
            exact,
        }
    }

    /// The `number`th plan, from 1. In turn, one cell of each load is slowed down; on a wall clock one that calls a tool and
    /// one that sends packets. Where a load has a guest of its own, the plan has only guests with faults: the others would
    /// measure the same as ever.
    pub(super) fn plan(&self, plan: &Plan, policy: &Policy, number: u32) -> Plan {
        let turn = number.saturating_sub(1) as usize;
        let mut loads: BTreeMap<(Load, bool), Vec<Slowdown>> = BTreeMap::new();
        for cell in plan.cells.iter().filter(|cell| carries(plan, policy, cell)) {
            if let Some(means) = self.means(cell) {
                let group = (cell.guest_load(), !self.exact && cell.probe.programs());
                loads.entry(group).or_default().push(Slowdown { cell: *cell, means });
            }
        }
        let pick = |(place, load): (usize, &Vec<Slowdown>)| {
            // The same fault again would count the same instructions again.
            if self.exact { load.get(turn).copied() } else { Some(load[(turn + place) % load.len()]) }
        };
        let slowdowns: Vec<Slowdown> = loads.values().enumerate().filter_map(pick).collect();
        let mut cells = plan.cells.clone();
        if self.exact {
            cells.retain(|cell| slowdowns.iter().any(|slowdown| slowdown.cell.guest_load() == cell.guest_load()));
        }
        Plan { cells, slowdowns, ..plan.clone() }
    }

    /// What makes `cell` slower by the share; `None` if its cost is not known, or it calls no tool.
    fn means(&self, cell: &Cell) -> Option<Means> {
        if cell.probe.programs() {
            let cost = self.latest.get(cell)?;
            return Some(Means::Delay(Duration::from_nanos((self.share * cost).round() as u64)));
        }
        let before = *self.relative.get(cell)?;
        let (own, each) = if self.exact { self.line(cell)? } else { (before, self.each(cell.probe)?) };
        let rules = (before * (1.0 + self.share) - own) / each;
        Some(Means::Rules(rules.ceil().clamp(if self.exact { 0.0 } else { 1.0 }, 1e6) as u32))
    }

    /// The cost of `cell` with an empty chain, and what each rule adds.
    fn line(&self, cell: &Cell) -> Option<(f64, f64)> {
        let mut points = self.with.get(cell)?.clone();
        points.sort_by_key(|(rules, _)| *rules);
        let (first, last) = (points.first()?, points.last()?);
        let each = (last.1 - first.1) / f64::from(last.0.checked_sub(first.0).filter(|rules| *rules > 0)?);
        (each > 0.0).then_some((first.1 - each * f64::from(first.0), each))
    }

    /// What each rule adds to a cell of `probe`. It is the same for all cells, so this is the median of all.
    fn each(&self, probe: ProbeName) -> Option<f64> {
        let cells = self.with.iter().filter(|(cell, _)| cell.probe == probe);
        let slopes = cells.flat_map(|(cell, points)| {
            let before = self.relative.get(cell).copied();
            points.iter().filter_map(move |(rules, cost)| Some((cost - before?) / f64::from(*rules)))
        });
        stats::median(&slopes.collect::<Vec<_>>()).filter(|each| *each > 0.0)
    }
}

/// The costs of a run's cells that call a tool or send packets.
fn costs(dataset: &Dataset, usual: Usual) -> Costs {
    let mut costs = Costs::new();
    let without_a_tool = |cell: &Cell| {
        let rss = dataset.cells.iter().find(|record| record.metric == Metric::ToolPeakRss && record.cell == *cell);
        cell.probe.programs() && rss.is_none_or(|record| stats::median(&record.samples).is_none_or(|rss| rss == 0.0))
    };
    for record in &dataset.cells {
        let own = record.metric == Metric::of(record.cell.probe) && record.outcome == Outcome::Measured;
        let each = record.samples.iter().filter(|sample| own && **sample > 0.0);
        let each: Vec<f64> = each.map(|sample| record.metric.cost(*sample)).collect();
        let Some(cost) = usual.of(&each) else { continue };
        costs.entry(record.cell).or_default().insert((record.round, record.replica), cost);
    }
    costs.retain(|cell, _| !without_a_tool(cell));
    costs
}

fn absolute(costs: &Costs, usual: Usual) -> BTreeMap<Cell, f64> {
    let all = |rounds: &BTreeMap<_, f64>| usual.of(&rounds.values().copied().collect::<Vec<_>>());
    costs.iter().filter_map(|(cell, rounds)| Some((*cell, all(rounds)?))).collect()
}

/// Divided by `direct`'s in the same round.
fn relative(costs: &Costs) -> BTreeMap<Cell, f64> {
    let ratio = |(cell, rounds): (&Cell, &BTreeMap<(u32, u32), f64>)| {
        let direct = costs.get(&cell.direct())?;
        let ratios = rounds.iter().filter_map(|(round, cost)| Some(cost / direct.get(round)?));
        Some((*cell, stats::median(&ratios.collect::<Vec<_>>())?))
    };
    costs.iter().filter_map(ratio).collect()
}

/// The median of several runs.
fn together(runs: impl Iterator<Item = BTreeMap<Cell, f64>>) -> BTreeMap<Cell, f64> {
    let mut all: BTreeMap<Cell, Vec<f64>> = BTreeMap::new();
    runs.flatten().for_each(|(cell, cost)| all.entry(cell).or_default().push(cost));
    all.into_iter().filter_map(|(cell, costs)| Some((cell, stats::median(&costs)?))).collect()
}
