//! What the data say of the claims whose sources the scenario names.

use crate::report::Point;
use crate::results::Results;
use analysis::claims::{CLAIMS, Claim};
use lab_core::dataset::Dataset;

/// A finding a claim that the data have to do with.
pub(super) fn points(results: &Results) -> Vec<Point> {
    let datasets: Vec<&Dataset> = results.runs.datasets().iter().collect();
    CLAIMS.iter().filter_map(|claim| point(claim, &datasets)).collect()
}

fn point(claim: &Claim, datasets: &[&Dataset]) -> Option<Point> {
    let finding = claim.judge(datasets)?;
    Some(Point::new(format!("“{}”: {}", claim.says, finding.verdict), finding.sentences.join(" ")))
}
