//! What a run has to say of each cell and metric: its samples by round, and how it ended.

use super::comparison::Side;
use super::timed::{self, Round};
use crate::dataset::Dataset;
use crate::metric::{Metric, Unit};
use crate::plan::Cell;
use crate::stats;
use crate::summary::{Gathered, Pass, gather};
use crate::vocabulary::{BackendName, Outcome};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A cell and a metric of it.
pub(super) type Key = (Cell, Metric);

/// The samples of each round and replica that has any.
pub(super) type Passes = BTreeMap<Pass, Vec<f64>>;

/// What starting the tool of each cell takes.
pub(super) type Starts = BTreeMap<Cell, f64>;

/// What one run has to say.
pub(super) struct Evidence {
    found: HashMap<Key, Gathered>,
    /// In the order of the plan.
    order: Vec<Key>,
    planned: HashSet<Cell>,
    /// The cells whose tools were started in each round and replica.
    starters: BTreeMap<Pass, Vec<Cell>>,
}

impl Evidence {
    pub(super) fn of(dataset: &Dataset) -> Self {
        let gathered = gather(dataset);
        let order = gathered.iter().map(|row| (row.cell, row.metric)).collect();
        let mut starters: BTreeMap<Pass, Vec<Cell>> = BTreeMap::new();
        for row in gathered.iter().filter(|row| row.metric == Metric::ToolExec) {
            row.passes.keys().for_each(|pass| starters.entry(*pass).or_default().push(row.cell));
        }
        let found = gathered.into_iter().map(|row| ((row.cell, row.metric), row)).collect();
        Self { found, order, planned: dataset.header.plan.cells.iter().copied().collect(), starters }
    }

    /// What starting each cell's tool takes where the machine is not busy otherwise.
    pub(super) fn usual_starts(&self) -> Starts {
        let usual = |cell: Cell| {
            let passes = self.passes((cell, Metric::ToolExec))?;
            timed::fastest(&passes.values().flatten().copied().collect::<Vec<_>>())
        };
        let cells: BTreeSet<Cell> = self.starters.values().flatten().copied().collect();
        cells.into_iter().filter_map(|cell| Some((cell, usual(cell)?))).collect()
    }

    /// What starting tools took in a round, in whatever cells, in terms of what it takes `usual`ly there.
    fn starts(&self, pass: &Pass, usual: &Starts) -> Vec<f64> {
        let of = |cell: &Cell| {
            let (usual, starts) = (*usual.get(cell)?, self.passes((*cell, Metric::ToolExec))?.get(pass)?);
            Some(timed::costs(Metric::ToolExec, starts).into_iter().map(move |start| start / usual))
        };
        self.starters.get(pass).into_iter().flatten().filter_map(of).flatten().collect()
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

    /// The rounds of a cell's metric, with what its yardstick took in them and what processor time its tools spent.
    ///
    /// Traffic is held against the same asked of `direct`; a sync against starting tools, where it is known what that takes
    /// `usual`ly.
    pub(super) fn rounds(&self, key: Key, usual: &Starts) -> Vec<Round> {
        let (cell, metric) = key;
        let direct = beside(cell).and_then(|cell| self.passes((cell, metric)));
        let yardstick = |pass: &Pass| match cell.probe.programs() {
            true => self.starts(pass, usual),
            false => direct.and_then(|passes| passes.get(pass)).map_or(Vec::new(), |all| timed::costs(metric, all)),
        };
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
                yardstick: yardstick(pass),
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
    (cell.backend != BackendName::Direct && !cell.probe.programs()).then(|| cell.direct())
}

/// Whether it is the time of a sync, which tools take part in.
fn has_tools((cell, metric): Key) -> bool {
    metric == Metric::of(cell.probe) && cell.probe.programs() && metric.unit() == Unit::Ns
}
