//! The parts of a report, a file or a folder each: what a run's results say about one thing, as values.

mod answer;
pub(crate) mod chart;
mod compared;
mod environment;
mod findings;
mod grid;
mod machines;
mod measured;
mod missing;
mod overview;
mod reading;
mod references;
mod sizes;

use crate::prose::{joined, list};
use crate::report::Report;
use crate::results::{Results, clock};
use crate::runs::Runs;
use lab_core::dataset::Header;

impl Report {
    /// The report on `runs`.
    #[must_use]
    pub fn of(runs: &Runs) -> Self {
        let results = Results::of(runs);
        let mut brief = environment::brief(&results);
        brief.extend(reading::beyond(&results));
        Self {
            title: format!("svclab: {}", list(&each(runs, |header| &header.plan.scenario))),
            question: each(runs, |header| &header.question).join(" "),
            caution: joined([clock::caution(runs.clock())].into_iter().chain(machines::cautions(runs.datasets())), " "),
            answer: answer::points(&results),
            sizes: sizes::tables(&results),
            overview: overview::tables(&results),
            compared: compared::section(&results),
            sources: references::sources(&results),
            charts: chart::charts(&results),
            findings: findings::section(&results),
            more: Vec::new(),
            missing: missing::section(&results, &references::lacking(&results)),
            unmeasured: missing::brief(&results),
            environment: environment::section(&results),
            reading: reading::section(&results),
            measured: measured::sections(&results),
            brief,
        }
    }
}

/// What each run has there, said once where they have the same.
fn each(runs: &Runs, of: fn(&Header) -> &String) -> Vec<String> {
    let mut each: Vec<String> = Vec::new();
    for text in runs.datasets().iter().map(|dataset| of(&dataset.header)) {
        if !each.contains(text) {
            each.push(text.clone());
        }
    }
    each
}
