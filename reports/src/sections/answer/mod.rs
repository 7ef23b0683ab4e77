//! The short answer: which backend to take at which size, and why.
//!
//! Where there is nothing to choose from, what was measured is told instead.

mod advice;
mod figures;
mod scope;

use crate::report::Point;
use crate::results::Results;
use lab_core::dataset::{CellRecord, Dataset};
use std::collections::BTreeSet;

/// How many rounds it takes for intervals to know anything of the machine's drift.
const ENOUGH_ROUNDS: usize = 3;

/// The answer, a paragraph each; the first of a run says what to take.
pub(crate) fn points(results: &Results) -> Vec<Point> {
    let runs = 0..results.runs.datasets().len();
    let mut points: Vec<Point> = runs.flat_map(|run| advice::points(results, run)).collect();
    // Of several runs, the same reason is given once, after all of them.
    let mut whys: Vec<Point> = points.extract_if(.., |point| point.head == advice::WHY).collect();
    whys.dedup();
    points.extend(whys);
    if points.is_empty() {
        points = figures::paragraphs(results).into_iter().map(Point::from).collect();
    }
    if points.is_empty() {
        let nothing = "No answer: nothing was measured. What became of each cell is listed below, with its reason.";
        points.push(Point::from(nothing.to_owned()));
    } else {
        points.extend((0..results.runs.datasets().len()).filter_map(|run| scope::point(results, run)));
        points.extend(results.beside_all().map(|beside| Point::from(format!("All of it is {beside}."))));
        points.extend(scope::upstream(results));
        points.extend(repetition(results).map(Point::from));
    }
    points
}

/// What the number of rounds, or of replicas, leaves open.
fn repetition(results: &Results) -> Option<String> {
    if results.is_exact() {
        let replicas = passes(results, |cell| cell.replica);
        return Some(match replicas {
            1 => "All of it was counted in one replica: the same numbers come out of every such guest. How much they \
                  differ in one with another entropy, of which hash tables depend, takes several replicas to see."
                .to_owned(),
            replicas => format!(
                "All of it was counted in {replicas} replicas, guests with an entropy of their own; a difference is \
                 claimed where their ranges lie apart."
            ),
        });
    }
    let rounds = passes(results, |cell| cell.round);
    if rounds >= ENOUGH_ROUNDS {
        return None;
    }
    let rounds = if rounds == 1 { "one round".to_owned() } else { format!("{rounds} rounds") };
    Some(format!(
        "All of it was measured in {rounds}: too few to tell how the machine drifts from one to the next, which the \
         intervals therefore do not hold. Small differences may be nothing else."
    ))
}

/// In how many passes the run that has the fewest was measured, of those in which anything was.
fn passes(results: &Results, pass: fn(&CellRecord) -> u32) -> usize {
    let of_run = |dataset: &Dataset| {
        let measured = dataset.cells.iter().filter(|cell| !cell.samples.is_empty());
        measured.map(pass).collect::<BTreeSet<_>>().len()
    };
    results.runs.datasets().iter().map(of_run).filter(|passes| *passes > 0).min().unwrap_or(0)
}
