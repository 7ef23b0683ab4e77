//! How much is to be planted into which cell, so that it becomes slower by a given share.
//!
//! A delay is that share of what the cell takes. Of rules it takes as many as come to it, by what calibrations show:
//!
//! ```text
//! cost, in the cost of direct in the same round
//!   │            ●  with 2,000 rules
//!   │      ×        as slow as it is to be: so many rules
//!   ●               plain (or, counting instructions, with an empty chain)
//!   └──────┴─────┴─ rules
//! ```
//!
//! On a machine whose speed changes from run to run, a cost in terms of `direct`'s stays what it is, and a delay is a share
//! of what the latest runs took. And since other work only ever adds to a time, costs are lower quartiles there: a share of
//! a median would be mostly a share of waiting.

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

/// Rules of each calibration. On a wall clock many, or the machine's noise is more than what they cost. Where instructions
/// are counted, the chain's own part of the cost is to be told from the rules'.
pub(super) fn calibrations(target: TargetName) -> &'static [u32] {
    if target.is_exact() { &[0, 40] } else { &[2000] }
}

/// `rules` ahead of the dispatch wherever packets are sent and the gate has a say.
pub(super) fn calibration(plan: &Plan, policy: &Policy, rules: u32) -> Vec<Slowdown> {
    let cells = plan.cells.iter().filter(|cell| carries(plan, policy, cell) && !cell.probe.programs());
    cells.map(|&cell| Slowdown { cell, means: Means::Rules(rules) }).collect()
}

/// So many plain runs, the latest, tell what a cell takes as the machine is now.
const LATEST: usize = 3;

/// The cells of `plan` that are slowed down.
pub(super) fn carriers(plan: &Plan) -> Vec<Cell> {
    plan.slowdowns.iter().map(|slowdown| slowdown.cell).collect()
}

/// Whether a slowdown may be planted into `cell`: what does not gate need not be found, and on a wall clock others are held
/// against `direct`.
fn carries(plan: &Plan, policy: &Policy, cell: &Cell) -> bool {
    let exact = plan.target.is_exact();
    let numbers = if exact { Numbers::Exact } else { Numbers::Timed };
    let gates = policy.of(cell, Metric::of(cell.probe), numbers).gating == Gating::Gates;
    gates && (exact || cell.variant.backend != BackendName::Direct)
}

/// Of the samples of a cell, or of its figures in several rounds and runs, the one that stands for them.
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

/// What each cell costs, by rounds and replicas: rates as their reciprocals.
type Costs = BTreeMap<Cell, BTreeMap<(u32, u32), f64>>;

/// What is known of costs.
pub(super) struct Amount {
    share: f64,
    /// In the latest plain runs, since a machine's speed changes; what calls a tool, in ns.
    latest: BTreeMap<Cell, f64>,
    /// What a cell costs in units of `direct`'s cost: by the number of rules, and without any.
    with: BTreeMap<Cell, Vec<(u32, f64)>>,
    relative: BTreeMap<Cell, f64>,
    exact: bool,
}

impl Amount {
    /// To make a cell slower by `share`.
    pub(super) fn of(pool: &Pool, share: f64) -> Self {
        let exact = pool.unplanted().any(|run| run.header.plan.target.is_exact());
        let usual = Usual::on(if exact { TargetName::Exact } else { TargetName::Host });
        let costs = |run: &Dataset| costs(run, usual);
        let unplanted: Vec<Costs> = pool.unplanted().map(costs).collect();
        let latest = &unplanted[unplanted.len().saturating_sub(LATEST)..];
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
            relative: together(unplanted.iter().map(relative)),
            exact,
        }
    }

    /// The `number`th plan, from 1, with one cell a load slowed down, in turn; on a wall clock one that calls a tool and one
    /// that sends. Where a load has a guest of its own, only those guests are in it: others would come out as they always do.
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
            // Once more the same would count the same instructions once more.
            if self.exact { load.get(turn).copied() } else { Some(load[(turn + place) % load.len()]) }
        };
        let slowdowns: Vec<Slowdown> = loads.values().enumerate().filter_map(pick).collect();
        let mut cells = plan.cells.clone();
        if self.exact {
            cells.retain(|cell| slowdowns.iter().any(|slowdown| slowdown.cell.guest_load() == cell.guest_load()));
        }
        Plan { cells, slowdowns, ..plan.clone() }
    }

    /// What makes `cell` slower by the share; `None` where nothing is known of it, or it calls no tool.
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

    /// What `cell` costs with an empty chain, and what every rule in it adds.
    fn line(&self, cell: &Cell) -> Option<(f64, f64)> {
        let mut points = self.with.get(cell)?.clone();
        points.sort_by_key(|(rules, _)| *rules);
        let (first, last) = (points.first()?, points.last()?);
        let each = (last.1 - first.1) / f64::from(last.0.checked_sub(first.0).filter(|rules| *rules > 0)?);
        (each > 0.0).then_some((first.1 - each * f64::from(first.0), each))
    }

    /// What every rule adds to a cell of `probe`: the same for all of them, so that it is told by the median of all.
    fn each(&self, probe: ProbeName) -> Option<f64> {
        let cells = self.with.iter().filter(|(cell, _)| cell.probe == probe);
        let slopes = cells.flat_map(|(cell, points)| {
            let before = self.relative.get(cell).copied();
            points.iter().filter_map(move |(rules, cost)| Some((cost - before?) / f64::from(*rules)))
        });
        stats::median(&slopes.collect::<Vec<_>>()).filter(|each| *each > 0.0)
    }
}

/// What the cells of a run cost that call a tool, or send.
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

/// By `direct` in the same round.
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
