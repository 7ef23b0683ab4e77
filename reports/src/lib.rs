//! The pure part of svclab that turns a dataset into something to read: terminal text, Markdown, HTML and CSV.
//!
//! A [`report::Report`] is built once, as values; the renderers only lay it out, so that words and numbers are the same
//! everywhere. Nothing here reads or writes a file.

pub mod capacity;
pub mod explain;
mod formats;
pub mod gate;
pub mod profile;
mod prose;
pub mod report;
mod results;
mod runs;
mod sections;
pub mod study;
mod table;

pub use formats::benchmark_action::render as benchmark_action;
pub use formats::benchstat::render as benchstat;
use formats::csv;
pub use formats::csv::cell as csv_cell;
pub use formats::json::render as json;
pub use formats::parquet;
use lab_core::dataset::Dataset;
pub use runs::{Runs, Unlike};

/// `summary.csv`: a line a cell and metric, in base units, the rounds aggregated. The runs may be on different clocks.
#[must_use]
pub fn csv(datasets: &[Dataset]) -> String {
    csv::render(&table::summary::columns(), table::summary::rows(datasets))
}
