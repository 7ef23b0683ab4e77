//! What a run has to say of each cell and metric: its samples by round, and how it ended.

use super::comparison::Side;
use super::timed::{self, Round};
use crate::dataset::Dataset;
use crate::metric::{Metric, Unit};
use crate::plan::Cell;
use crate::stats;
use crate::summary::{Gathered, Pass, gather};
use crate::vocabulary::{BackendName, Outcome, Position, ProbeName};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A cell and a metric of it.
pub(super) type Key = (Cell, Metric);

/// The samples of each round and replica that has any.
pub(super) type Passes = BTreeMap<Pass, Vec<f64>>;

/// What one run has to say.
pub(super) struct Evidence {
    found: HashMap<Key, Gathered>,
    /// In the order of the plan.
    order: Vec<Key>,
    planned: HashSet<Cell>,
}

impl Evidence {
    pub(super) fn of(dataset: &Dataset) -> Self {
        let gathered = gather(dataset);
        let order = gathered.iter().map(|row| (row.cell, row.metric)).collect();
        let found = gathered.into_iter().map(|row| ((row.cell, row.metric), row)).collect();
        Self { found, order, planned: dataset.header.plan.cells.iter().copied().collect() }
    }

    /// Every cell and metric, in the order of the plan.
    pub(super) fn keys(&self) -> &[Key] {
        &self.order
    }

    /// Whether the cell was to be measured.
    pub(super) fn plans(&self, cell: Cell) -> bool {
        self.planned.contains(&cell)
    }

    /// The samples of a cell's metric.
    pub(super) fn passes(&self, key: Key) -> Option<&Passes> {
        self.found.get(&key).map(|row| &row.passes).filter(|passes| !passes.is_empty())
    }

    /// The rounds of a cell's metric, with what `direct` took in them and what processor time its tools spent.
    pub(super) fn rounds(&self, key: Key) -> Vec<Round> {
        let (cell, metric) = key;
        let direct = self.direct(key);
        let tools = |metric| self.passes((cell, metric)).filter(|_| has_tools(key));
        let (user, system) = (tools(Metric::ToolUser), tools(Metric::ToolSystem));
        let round = |(pass, samples): (&Pass, &Vec<f64>)| {
            let direct = direct.and_then(|(metric, passes)| Some(timed::costs(metric, passes.get(pass)?)));
            let both = user.and_then(|user| user.get(pass)).zip(system.and_then(|system| system.get(pass)));
            let spent =
                both.map(|(user, system)| user.iter().zip(system).map(|(user, system)| user + system).collect());
            let spent: Vec<f64> = spent.unwrap_or_default();
            Round {
                costs: timed::costs(metric, samples),
                processor: timed::costs(Metric::ToolUser, &spent),
                direct: direct.unwrap_or_default(),
            }
        };
        self.passes(key).into_iter().flatten().map(round).collect()
    }

    /// What a cell's metric is held against: the same asked of `direct`, or, of a sync, its `connect`.
    pub(super) fn direct(&self, (cell, metric): Key) -> Option<(Metric, &Passes)> {
        let metric = if cell.probe.programs() { Metric::Connect } else { metric };
        beside(cell).and_then(|cell| Some((metric, self.passes((cell, metric))?)))
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

/// The cell of `direct` that tells how fast the machine was meanwhile: the same question, or, of a sync, the first
/// connection. None for `direct` itself.
#[must_use]
pub fn beside(cell: Cell) -> Option<Cell> {
    match cell.backend {
        BackendName::Direct => None,
        _ if cell.probe.programs() => {
            Some(Cell { probe: ProbeName::Connect, position: Some(Position::First), ..cell.direct() })
        }
        _ => Some(cell.direct()),
    }
}

/// Whether it is the time of a sync, which tools take part in.
fn has_tools((cell, metric): Key) -> bool {
    metric == Metric::of(cell.probe) && cell.probe.programs() && metric.unit() == Unit::Ns
}
