//! What is drawn: the medians of each variant by size, and where it has none for want of budget.

use super::axis::Kind;
use crate::prose::{list, services_of};
use crate::results::Results;
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, Outcome, Position, ProbeName, Word};

/// How a cell ends that asks for a mark where a number would be.
const LOST: [Outcome; 3] = [Outcome::OverBudget, Outcome::Unanswered, Outcome::Failed];

pub(super) struct Line {
    pub(super) name: String,
    pub(super) backend: BackendName,
    /// Its place among the lines of its backend.
    pub(super) place: usize,
    pub(super) points: Vec<Point>,
    /// Where it went over its budget, got no answer or failed.
    pub(super) lost: Vec<Lost>,
    /// Where it is nothing, which has no place on a logarithmic axis.
    nothing: Vec<u32>,
}

pub(super) struct Point {
    pub(super) services: u32,
    pub(super) median: f64,
    /// Its interval, or its range over replicas.
    pub(super) spread: Option<(f64, f64)>,
    pub(super) words: String,
}

/// A size at which there is no median.
pub(super) struct Lost {
    pub(super) services: u32,
    pub(super) outcome: Outcome,
}

impl Line {
    /// A line without points.
    pub(super) fn unmeasured(name: String, backend: BackendName, place: usize) -> Self {
        Self { name, backend, place, points: Vec::new(), lost: Vec::new(), nothing: Vec::new() }
    }

    pub(super) fn medians(&self) -> impl Iterator<Item = f64> {
        self.points.iter().map(|point| point.median)
    }
}

/// The lines of `metric`, at `position` where the probe asks one.
pub(super) fn lines(
    results: &Results,
    metric: Metric,
    probe: ProbeName,
    position: Option<Position>,
    kind: Kind,
) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for variant in results.variants(probe) {
        let place = lines.iter().filter(|line| line.backend == variant.backend).count();
        let (name, backend) = (results.name(variant, probe), variant.backend);
        let mut line = Line::unmeasured(name, backend, place);
        for services in results.sizes() {
            let Some(row) = results.at(variant, services, None, (probe, position), metric).row() else { continue };
            match row.figures.filter(|_| row.outcome == Outcome::Measured) {
                Some(figures) if figures.p50 > 0.0 || kind == Kind::FromZero => {
                    let spread = if results.is_exact() { figures.range } else { figures.interval };
                    let spread = spread.filter(|(low, high)| low != high);
                    let human = |value| results.human(metric, value);
                    let about =
                        spread.map(|(low, high)| format!(" ({} to {})", human(low), human(high))).unwrap_or_default();
                    let words = format!("{}: {}{about}", services_of(&[services]), human(figures.p50));
                    line.points.push(Point { services, median: figures.p50, spread, words });
                }
                Some(_) => line.nothing.push(services),
                None if LOST.contains(&row.outcome) => {
                    line.lost.push(Lost { services, outcome: row.outcome });
                }
                None => {}
            }
        }
        if !line.points.is_empty() || !line.lost.is_empty() {
            lines.push(line);
        }
    }
    lines
}

/// What the drawing does not show by itself.
pub(super) fn about(results: &Results, lines: &[Line]) -> String {
    let mut sentences = Vec::new();
    if lines.iter().flat_map(|line| &line.points).any(|point| point.spread.is_some()) {
        sentences.push(match results.is_exact() {
            true => "Bars: the range over replicas.".to_owned(),
            false => "Bars: 95 % intervals.".to_owned(),
        });
    }
    let nothing = lines.iter().filter(|line| !line.nothing.is_empty());
    let nothing: Vec<String> = nothing.map(|line| format!("{} at {}", line.name, services_of(&line.nothing))).collect();
    if !nothing.is_empty() {
        sentences.push(format!("Not drawn, as it is nothing: {}.", list(&nothing)));
    }
    for outcome in LOST {
        let lost = |line: &&Line| line.lost.iter().any(|lost| lost.outcome == outcome);
        let at = |line: &Line| {
            let sizes: Vec<u32> =
                line.lost.iter().filter(|lost| lost.outcome == outcome).map(|lost| lost.services).collect();
            format!("{} at {}", line.name, services_of(&sizes))
        };
        let lost: Vec<String> = lines.iter().filter(lost).map(at).collect();
        if !lost.is_empty() {
            sentences.push(format!("Marked at the upper edge, {}: {}.", outcome.name(), list(&lost)));
        }
    }
    sentences.join(" ")
}
