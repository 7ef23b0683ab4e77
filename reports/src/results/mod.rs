//! The rows of all runs, and which of them answers for a cell.

pub(crate) mod clock;
pub(crate) mod cost;
pub(crate) mod standing;
pub(crate) mod variant;

use crate::runs::Runs;
use analysis::summary::{self, Figures, summarise};
use lab_core::cell::{Cell, ClusterSpec};
use lab_core::metric::Metric;
use lab_core::vocabulary::{Outcome, Position, ProbeName, Word};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;
use variant::VariantRun;

/// All runs with their summaries.
pub(crate) struct Results<'a> {
    pub(crate) runs: &'a Runs,
    pub(crate) rows: Vec<Row>,
    places: HashMap<(Place, Metric), usize>,
    /// What was asked of which variant, with the clusters that it was asked in.
    pub(crate) asked: BTreeMap<(ProbeName, VariantRun), BTreeSet<ClusterSpec>>,
}

/// A row of one run's summary.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// The run's number among the runs.
    pub(crate) run: usize,
    row: summary::Row,
}

impl Deref for Row {
    type Target = summary::Row;
    fn deref(&self) -> &summary::Row {
        &self.row
    }
}

/// A cell of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) run: usize,
    pub(crate) cell: Cell,
}

/// What there is to say of a cell's metric.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'a> {
    Own(&'a Row),
    /// The row of another position that is the same Service at this size, so that only one of them was asked.
    SameService(&'a Row),
    /// The cell was measured, but without this metric.
    NotTaken,
    NotAsked,
}

impl<'a> Found<'a> {
    /// The row that answers, whatever became of its cell.
    pub(crate) fn row(self) -> Option<&'a Row> {
        match self {
            Self::Own(row) | Self::SameService(row) => Some(row),
            Self::NotTaken | Self::NotAsked => None,
        }
    }

    /// Its figures, where the cell was measured.
    pub(crate) fn figures(self) -> Option<Figures> {
        self.row().filter(|row| row.outcome == Outcome::Measured)?.figures
    }
}

impl<'a> Results<'a> {
    pub(crate) fn of(runs: &'a Runs) -> Self {
        let of_run = |(run, dataset)| summarise(dataset).into_iter().map(move |row| Row { run, row });
        let rows: Vec<Row> = runs.datasets().iter().enumerate().flat_map(of_run).collect();
        let places = rows.iter().enumerate().map(|(index, row)| ((place(row), row.metric), index)).collect();
        let mut asked: BTreeMap<(ProbeName, VariantRun), BTreeSet<ClusterSpec>> = BTreeMap::new();
        for row in &rows {
            asked.entry((row.cell.probe, VariantRun::of(row))).or_default().insert(row.cell.cluster);
        }
        Self { runs, rows, places, asked }
    }

    /// Whether there are runs to be told apart.
    pub(crate) fn is_several(&self) -> bool {
        self.runs.datasets().len() > 1
    }

    pub(crate) fn find(&self, place: Place, metric: Metric) -> Found<'_> {
        if let Some(row) = self.row(place, metric) {
            return Found::Own(row);
        }
        let Place { run, cell } = place;
        if self.row(place, Metric::of(cell.probe)).is_some() {
            return Found::NotTaken;
        }
        let Some(asked) = cell.position else { return Found::NotAsked };
        let same = |position: &&Position| position.index(cell.cluster.services) == asked.index(cell.cluster.services);
        let other = Position::ALL.iter().filter(same).map(|position| Cell { position: Some(*position), ..cell });
        match other.filter_map(|cell| self.row(Place { run, cell }, metric)).next() {
            Some(row) => Found::SameService(row),
            None => Found::NotAsked,
        }
    }

    /// The row of `metric`; of the probe's own, when the cell came to nothing and only that says so.
    fn row(&self, place: Place, metric: Metric) -> Option<&Row> {
        let get = |metric| self.places.get(&(place, metric)).map(|index| &self.rows[*index]);
        get(metric).or_else(|| get(Metric::of(place.cell.probe)).filter(|row| row.outcome != Outcome::Measured))
    }

    /// The numbers of Services of every cell, ascending.
    pub(crate) fn sizes(&self) -> BTreeSet<u32> {
        self.rows.iter().map(|row| row.cell.cluster.services).collect()
    }

    /// Those of the cells of one run.
    pub(crate) fn sizes_of(&self, run: usize) -> BTreeSet<u32> {
        self.rows.iter().filter(|row| row.run == run).map(|row| row.cell.cluster.services).collect()
    }

    /// What follows a name or a title where there are runs to be told apart: ` · 6.1.0-56`.
    pub(crate) fn label(&self, run: usize) -> String {
        if self.is_several() { format!(" · {}", self.runs.labels()[run]) } else { String::new() }
    }
}

/// The cell that `row` is about.
pub(crate) fn place(row: &Row) -> Place {
    Place { run: row.run, cell: row.cell }
}
