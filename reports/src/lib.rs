//! The pure part of svclab that turns a dataset into something to read: terminal text, Markdown, HTML and CSV.
//!
//! A [`report::Report`] is built once, as values; the renderers only lay it out, so that words and numbers are the same
//! everywhere. Nothing here reads or writes a file.

mod answer;
mod chart;
mod clock;
mod compared;
mod cost;
mod csv;
mod environment;
mod findings;
mod grid;
mod html;
mod markdown;
mod missing;
mod overview;
mod prose;
mod reading;
mod references;
pub mod report;
mod results;
mod runs;
mod sections;
mod sizes;
mod standing;
mod terminal;
mod variant;

use lab_core::dataset::Dataset;
use report::Report;
pub use runs::{Runs, Unlike};

/// The report in short, as plain text that fits `width` columns, which is taken to be at least 60.
#[must_use]
pub fn terminal(runs: &Runs, width: u16) -> String {
    terminal::render(&Report::of(runs), width)
}

/// The report as GitHub-flavoured Markdown.
#[must_use]
pub fn markdown(runs: &Runs) -> String {
    markdown::render(&Report::of(runs))
}

/// The report as one HTML file that needs nothing else, with charts.
#[must_use]
pub fn html(runs: &Runs) -> String {
    html::render(&Report::of(runs))
}

/// `summary.csv`: a line a cell and metric, in base units, the rounds aggregated.
#[must_use]
pub fn csv(dataset: &Dataset) -> String {
    csv::render(dataset)
}
