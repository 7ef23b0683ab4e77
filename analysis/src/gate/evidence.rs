//! What a run has to say of each cell and metric: its samples by round, and how it ended.

use super::compared::Side;
use super::timed::{self, Round};
use crate::summary::{Gathered, Pass, gather};
use lab_core::cell::Cell;
use lab_core::cell::Contender;
use lab_core::dataset::Dataset;
use lab_core::metric::{Metric, Unit};
use lab_core::stats;
use lab_core::vocabulary::{BackendName, Outcome, ProbeName};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub(super) type Key = (Cell, Metric);

/// The samples of each round and replica that has any.
pub(super) type Passes = BTreeMap<Pass, Vec<f64>>;

/// What tells how fast the machine was meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Yardstick {
    /// The same asked of `direct`, wherever: nothing is installed there that could make a difference.
    Direct(Cell),
    /// Starting a tool: that of a variant, for single rules or not.
    Start(Contender, bool),
}

impl Yardstick {
    fn start(cell: &Cell) -> Self {
        Self::Start(cell.contender(), cell.probe == ProbeName::AppendRule)
    }
}

/// What one run has to say.
pub(super) struct Evidence {
    found: HashMap<Key, Gathered>,
    /// In the order of the plan.
    order: Vec<Key>,
    planned: HashSet<Cell>,
    /// What starting each tool took, in whatever cells.
    starts: BTreeMap<Yardstick, Passes>,
}

impl Evidence {
    pub(super) fn of(dataset: &Dataset) -> Self {
        let gathered = gather(dataset);
        let order = gathered.iter().map(|row| (row.cell, row.metric)).collect();
        let mut starts: BTreeMap<Yardstick, Passes> = BTreeMap::new();
        for row in gathered.iter().filter(|row| row.metric == Metric::ToolExec) {
            let passes = starts.entry(Yardstick::start(&row.cell)).or_default();
            row.passes.iter().for_each(|(pass, samples)| passes.entry(*pass).or_default().extend(samples));
        }
        let found = gathered.into_iter().map(|row| ((row.cell, row.metric), row)).collect();
        Self { found, order, planned: dataset.header.cells().collect(), starts }
    }

    /// Every cell and metric, in the order of the plan.
    pub(super) fn keys(&self) -> &[Key] {
        &self.order
    }

    pub(super) fn plans(&self, cell: Cell) -> bool {
        self.planned.contains(&cell)
    }

    /// The samples of a cell's metric.
    pub(super) fn passes(&self, key: Key) -> Option<&Passes> {
        self.found.get(&key).map(|row| &row.passes).filter(|passes| !passes.is_empty())
    }

    /// What a cell's metric can be held against, in each of its rounds: traffic against the same asked of `direct`, what tools
    /// take against starting tools.
    pub(super) fn yardsticks(&self, key: Key) -> BTreeSet<Yardstick> {
        let rounds: Vec<&Pass> = self.passes(key).into_iter().flat_map(BTreeMap::keys).collect();
        let everywhere = |yardstick: &Yardstick| {
            let passes = self.yardstick(key.1, *yardstick);
            passes.is_some_and(|passes| rounds.iter().all(|pass| passes.contains_key(pass)))
        };
        let known = match key {
            // Not a start against itself.
            (_, Metric::ToolExec) => Vec::new(),
            (cell, _) if cell.probe.programs() => self.starts.keys().copied().collect(),
            (cell, _) if cell.variant.backend == BackendName::Direct => Vec::new(),
            (cell, _) => {
                let direct = (BackendName::Direct, cell.variant.kernel, cell.probe);
                let alike = |other: &&Cell| (other.variant.backend, other.variant.kernel, other.probe) == direct;
                self.planned.iter().filter(alike).map(|cell| Yardstick::Direct(*cell)).collect()
            }
        };
        known.into_iter().filter(everywhere).collect()
    }

    fn yardstick(&self, metric: Metric, yardstick: Yardstick) -> Option<&Passes> {
        match yardstick {
            Yardstick::Direct(cell) => self.passes((cell, metric)),
            Yardstick::Start(..) => self.starts.get(&yardstick),
        }
    }

    /// The rounds of a cell's metric, with what the yardsticks took in them and what processor time its tools spent.
    pub(super) fn rounds(&self, key: Key, yardsticks: &BTreeSet<Yardstick>) -> Vec<Round> {
        let (cell, metric) = key;
        let beside: Vec<&Passes> = yardsticks.iter().filter_map(|one| self.yardstick(metric, *one)).collect();
        let tools = |metric| self.passes((cell, metric)).filter(|_| has_tools(key));
        let (user, system) = (tools(Metric::ToolUser), tools(Metric::ToolSystem));
        let round = |(pass, samples): (&Pass, &Vec<f64>)| {
            let both = user.and_then(|user| user.get(pass)).zip(system.and_then(|system| system.get(pass)));
            let spent =
                both.map(|(user, system)| user.iter().zip(system).map(|(user, system)| user + system).collect());
            let spent: Vec<f64> = spent.unwrap_or_default();
            Round {
                costs: timed::costs(metric, samples),
                processor: timed::costs(Metric::ToolUser, &spent),
                yardsticks: beside.iter().filter_map(|passes| Some(timed::costs(metric, passes.get(pass)?))).collect(),
            }
        };
        self.passes(key).into_iter().flatten().map(round).collect()
    }

    /// The median of each of its rounds and replicas, or of those in `only`.
    pub(super) fn medians(&self, key: Key, only: Option<&BTreeSet<Pass>>) -> Vec<f64> {
        let counts = |pass: &Pass| only.is_none_or(|only| only.contains(pass));
        let passes = self.passes(key).into_iter().flatten();
        passes.filter(|(pass, _)| counts(pass)).filter_map(|(_, samples)| stats::median(samples)).collect()
    }

    /// One side of a row; `only` some rounds and replicas. A metric of a cell that failed before it came to it ended as the
    /// cell did.
    pub(super) fn side(&self, key: Key, only: Option<&BTreeSet<Pass>>) -> Option<Side> {
        let (cell, metric) = key;
        let Some(row) = self.found.get(&key) else {
            let own = self.found.get(&(cell, Metric::of(cell.probe)))?;
            let (outcome, reason) = (own.outcome, own.reason.clone());
            let ended = Side { outcome, reason, median: None, range: None, samples: 0 };
            return (metric != Metric::of(cell.probe) && outcome != Outcome::Measured).then_some(ended);
        };
        let counts = |pass: &Pass| only.is_none_or(|only| only.contains(pass));
        let samples: Vec<f64> =
            row.passes.iter().filter(|(pass, _)| counts(pass)).flat_map(|(_, all)| all.clone()).collect();
        let medians = stats::sorted(&self.medians(key, only));
        Some(Side {
            outcome: row.outcome,
            reason: row.reason.clone(),
            median: stats::median(&samples),
            range: if let [first, .., last] = medians[..] { Some((first, last)) } else { None },
            samples: samples.len(),
        })
    }
}

/// The cell of `direct` that traffic is held against: what was asked the same. None for `direct` itself, and for syncs.
#[must_use]
pub fn beside(cell: Cell) -> Option<Cell> {
    (cell.variant.backend != BackendName::Direct && !cell.probe.programs()).then(|| cell.direct())
}

/// Whether it is the time of a sync, which tools take part in.
fn has_tools((cell, metric): Key) -> bool {
    metric == Metric::of(cell.probe) && cell.probe.programs() && metric.unit() == Unit::Ns
}
