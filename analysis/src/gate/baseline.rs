//! Runs made small enough to be kept with the code that they were measured of.

use jiff::Timestamp;
use lab_core::cell::Cell;
use lab_core::dataset::{Baseline, CellRecord, Dataset, Header, Splits};
use lab_core::stats;
use std::collections::HashMap;

/// The most samples that a round of a cell keeps.
const MOST_SAMPLES: usize = 30;

/// `run` as a baseline, with the `reason` that it takes the place of the one before, `updated` at that time.
///
/// It is a dataset as any other, to be written with [`Dataset::short`]: whole header, lines in the order of the plan, so that
/// two baselines of a plan differ in the lines whose numbers do. Of an exact run each guest's sample is kept, of any other
/// thirty of a round: its evenly spaced quantiles, so that its tenth and its half stay where they are.
#[must_use]
pub fn condense(run: &Dataset, reason: &str, updated: Timestamp) -> Dataset {
    let places: HashMap<Cell, usize> = run.header.cells().enumerate().map(|(at, cell)| (cell, at)).collect();
    let place = |record: &CellRecord| {
        let cell = record.cell;
        (places.get(&cell).copied().unwrap_or(usize::MAX), cell, record.metric, record.round, record.replica)
    };
    let mut cells: Vec<CellRecord> = run.cells.clone();
    cells.sort_by_key(place);
    for record in &mut cells {
        // No verdict depends on it.
        record.split = Splits::default();
        if record.samples.len() > MOST_SAMPLES {
            record.samples = thinned(&record.samples);
        }
    }
    let baseline = Some(Baseline { reason: reason.to_owned(), updated });
    Dataset { header: Header { baseline, ..run.header.clone() }, cells, end: run.end.clone() }
}

/// The quantiles in the middle of each of [`MOST_SAMPLES`] equal parts.
fn thinned(samples: &[f64]) -> Vec<f64> {
    let sorted = stats::sorted(samples);
    let parts = stats::size(MOST_SAMPLES);
    let whole = samples.iter().all(|sample| sample.fract() == 0.0);
    let at = |part| {
        let sample = stats::quantile_of_sorted(&sorted, (stats::size(part) + 0.5) / parts)?;
        Some(if whole { sample.round() } else { sample })
    };
    (0..MOST_SAMPLES).filter_map(at).collect()
}
