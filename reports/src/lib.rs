//! The pure part of svclab that turns a dataset into something to read: terminal text, Markdown, HTML and CSV.
//!
//! A [`report::Report`] is built once, as values; the renderers only lay it out, so that words and numbers are the same
//! everywhere. Nothing here reads or writes a file.

pub mod capacity;
mod formats;
pub mod gate;
pub mod profile;
mod prose;
pub mod report;
mod results;
mod runs;
mod sections;
mod table;

pub use formats::parquet;
use formats::{benchmark_action, benchstat, csv, json};
use lab_core::dataset::Dataset;
use lab_core::metric::Better;
use report::Report;
pub use runs::{Runs, Unlike};

/// The report in short, as plain text that fits `width` columns, which is taken to be at least 60.
#[must_use]
pub fn terminal(runs: &Runs, width: u16) -> String {
    Report::of(runs).terminal(width)
}

/// The report as GitHub-flavoured Markdown.
#[must_use]
pub fn markdown(runs: &Runs) -> String {
    Report::of(runs).markdown()
}

/// The report as one HTML file that needs nothing else, with charts.
#[must_use]
pub fn html(runs: &Runs) -> String {
    Report::of(runs).html()
}

/// `summary.csv`: a line a cell and metric, in base units, the rounds aggregated. The runs may be on different clocks.
#[must_use]
pub fn csv(datasets: &[Dataset]) -> String {
    csv::render(&table::summary::columns(), table::summary::rows(datasets))
}

/// The summary and what ran, as one JSON object. The runs may be on different clocks.
#[must_use]
pub fn json(datasets: &[Dataset]) -> String {
    json::render(datasets)
}

/// The medians of the metrics that are `better` lower, or higher, as github-action-benchmark reads them; `None` where
/// there is none. The runs may be on different clocks.
#[must_use]
pub fn benchmark_action(datasets: &[Dataset], better: Better) -> Option<String> {
    benchmark_action::render(datasets, better)
}

/// A line a round and cell in the Go benchmark format, for benchstat. The runs may be on different clocks.
#[must_use]
pub fn benchstat(datasets: &[Dataset]) -> String {
    benchstat::render(datasets)
}
