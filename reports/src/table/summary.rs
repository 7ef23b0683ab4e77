//! `summary`: a row a cell and metric, the rounds aggregated.

use super::Column;
use super::coordinates::{self, Placed};
use analysis::summary::{Figures, Row, summarise};
use lab_core::cell::Cell;
use lab_core::dataset::{Dataset, Header};
use lab_core::vocabulary::Word;

/// A row of a run's summary.
pub(crate) struct Line<'a> {
    pub(crate) header: &'a Header,
    pub(crate) row: Row,
}

impl Line<'_> {
    /// Its cell's coordinates in words.
    pub(crate) fn path(&self) -> String {
        coordinates::path(&self.row.cell)
    }

    fn figure(&self, figure: fn(&Figures) -> f64) -> Option<f64> {
        self.row.figures.as_ref().map(figure)
    }
}

impl Placed for Line<'_> {
    fn header(&self) -> &Header {
        self.header
    }

    fn cell(&self) -> &Cell {
        &self.row.cell
    }
}

pub(crate) fn columns<'a>() -> Vec<Column<Line<'a>>> {
    let mut columns = coordinates::columns();
    columns.extend([
        Column::text("outcome", |line: &Line| line.row.outcome.name()),
        Column::maybe_text("reason", |line| Some(line.row.reason.as_str()).filter(|reason| !reason.is_empty())),
        Column::text("metric", |line| line.row.metric.name()),
        Column::text("unit", |line| line.row.metric.unit().name()),
        Column::maybe_whole("n", |line| {
            line.row.figures.as_ref().map(|figures| u32::try_from(figures.n).unwrap_or(u32::MAX))
        }),
        Column::maybe_number("min", |line| line.figure(|figures| figures.min)),
        Column::maybe_number("p50", |line| line.figure(|figures| figures.p50)),
        Column::maybe_number("p90", |line| line.figure(|figures| figures.p90)),
        Column::maybe_number("p99", |line| line.figure(|figures| figures.p99)),
        Column::maybe_number("max", |line| line.figure(|figures| figures.max)),
        Column::maybe_number("mad", |line| line.figure(|figures| figures.mad)),
        Column::maybe_number("ci_low", |line| line.row.figures.as_ref()?.interval.map(|(low, _)| low)),
        Column::maybe_number("ci_high", |line| line.row.figures.as_ref()?.interval.map(|(_, high)| high)),
        Column::maybe_number("ratio_to_direct", |line| line.row.figures.as_ref()?.ratio_to_direct),
    ]);
    columns
}

/// The summary of each of `datasets`, one after the other, each in the order of its plan.
pub(crate) fn rows(datasets: &[Dataset]) -> impl Iterator<Item = Line<'_>> {
    datasets.iter().flat_map(|dataset| {
        let header = &dataset.header;
        summarise(dataset).into_iter().map(move |row| Line { header, row })
    })
}
