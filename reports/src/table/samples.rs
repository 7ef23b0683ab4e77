//! `samples`: a row a sample, as it was taken.

use super::Column;
use super::coordinates::{self, Placed};
use lab_core::cell::Cell;
use lab_core::dataset::{CellRecord, Dataset, Header, Split};
use lab_core::vocabulary::Word;

/// A sample, or a record that has none.
#[derive(Clone, Copy)]
pub(crate) struct Sample<'a> {
    header: &'a Header,
    record: &'a CellRecord,
    /// Its place among the record's samples, and its value; `None` for a record without samples.
    taken: Option<(u32, f64)>,
}

impl Sample<'_> {
    /// A part of its time, where that was counted.
    fn split(&self, part: fn(&Split) -> u64) -> Option<f64> {
        let (index, _) = self.taken?;
        self.record.split.0.get(index as usize).map(|split| part(split) as f64)
    }
}

impl Placed for Sample<'_> {
    fn header(&self) -> &Header {
        self.header
    }

    fn cell(&self) -> &Cell {
        &self.record.cell
    }
}

pub(crate) fn columns<'a>() -> Vec<Column<Sample<'a>>> {
    let mut columns = coordinates::columns();
    columns.extend([
        Column::whole("round", |row: &Sample| row.record.round),
        Column::whole("replica", |row| row.record.replica),
        Column::text("outcome", |row| row.record.outcome.name()),
        Column::maybe_text("reason", |row| Some(row.record.reason.as_str()).filter(|reason| !reason.is_empty())),
        Column::text("metric", |row| row.record.metric.name()),
        Column::text("unit", |row| row.record.unit.name()),
        Column::maybe_whole("index", |row| row.taken.map(|(index, _)| index)),
        Column::maybe_number("value", |row| row.taken.map(|(_, value)| value)),
        Column::maybe_number("split_user", |row| row.split(|split| split.user)),
        Column::maybe_number("split_kernel", |row| row.split(|split| split.kernel)),
        Column::maybe_number("split_entries", |row| row.split(|split| split.entries)),
        Column::maybe_number("split_waited", |row| row.split(|split| split.waited)),
    ]);
    columns
}

/// Every sample of `datasets` in the order in which it was recorded; a record without any has a row without a value.
pub(crate) fn rows(datasets: &[Dataset]) -> impl Iterator<Item = Sample<'_>> {
    let records =
        datasets.iter().flat_map(|Dataset { header, cells, .. }| cells.iter().map(move |cell| (header, cell)));
    records.flat_map(|(header, record)| {
        let samples = (0..).zip(record.samples.iter().copied().filter(|sample| sample.is_finite()));
        let without = record.samples.iter().all(|sample| !sample.is_finite()).then_some(None);
        samples.map(Some).chain(without).map(move |taken| Sample { header, record, taken })
    })
}
