//! A dataset's rows, and which of them answers for a cell.

use crate::variant::Variant;
use lab_core::dataset::Dataset;
use lab_core::metric::Metric;
use lab_core::plan::Cell;
use lab_core::summary::{Row, summarise};
use lab_core::vocabulary::{Outcome, Position, Word};
use std::collections::{BTreeSet, HashMap};

/// A dataset with its summary.
pub(crate) struct Results<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) rows: Vec<Row>,
    places: HashMap<(Cell, Metric), usize>,
}

/// What there is to say of a cell's metric.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'a> {
    /// Its row.
    Own(&'a Row),
    /// The row of another position that is the same Service at this size, so that only one of them was asked.
    SameService(&'a Row),
    /// The cell was measured, but without this metric.
    NotTaken,
    /// It is not in the plan.
    NotAsked,
}

impl<'a> Results<'a> {
    pub(crate) fn of(dataset: &'a Dataset) -> Self {
        let rows = summarise(dataset);
        let places = rows.iter().enumerate().map(|(place, row)| ((cell(row), row.metric), place)).collect();
        Self { dataset, rows, places }
    }

    /// What there is to say of `metric` in `cell`.
    pub(crate) fn find(&self, cell: Cell, metric: Metric) -> Found<'_> {
        if let Some(row) = self.row(cell, metric) {
            return Found::Own(row);
        }
        if self.row(cell, Metric::of(cell.probe)).is_some() {
            return Found::NotTaken;
        }
        let Some(asked) = cell.position else { return Found::NotAsked };
        let same = |position: &&Position| position.index(cell.services) == asked.index(cell.services);
        let other = Position::ALL.iter().filter(same).map(|position| Cell { position: Some(*position), ..cell });
        match other.filter_map(|cell| self.row(cell, metric)).next() {
            Some(row) => Found::SameService(row),
            None => Found::NotAsked,
        }
    }

    /// The row of `metric`; of the probe's own, when the cell came to nothing and only that says so.
    fn row(&self, cell: Cell, metric: Metric) -> Option<&Row> {
        let get = |metric| self.places.get(&(cell, metric)).map(|place| &self.rows[*place]);
        get(metric).or_else(|| get(Metric::of(cell.probe)).filter(|row| row.outcome != Outcome::Measured))
    }

    /// The numbers of Services of every cell, ascending.
    pub(crate) fn sizes(&self) -> BTreeSet<u32> {
        self.rows.iter().map(|row| row.services).collect()
    }
}

/// The point of the plan that `row` is about.
pub(crate) fn cell(row: &Row) -> Cell {
    Variant::of(row).cell(row.services, row.endpoints, row.probe, row.position)
}
