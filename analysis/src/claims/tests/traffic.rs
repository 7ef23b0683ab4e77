//! What becomes of connections while a node is synced, in rounds that drift.

use super::super::*;
use super::made::{Made, at, beside, legacy};
use lab_core::cell::Churn;
use lab_core::metric::Metric;
use lab_core::vocabulary::{Position, ProbeName};

const CLAIM: &str = "syncs-interrupt-traffic";

/// Rounds, each with its latency without syncs and with them, and how many of 2,000 connections are lost with them.
fn rounds(rounds: &[(f64, f64, f64)]) -> Finding {
    let quiet = at(Position::First, legacy(5000, ProbeName::OpenLoop));
    let mut made = Made::of(CLAIM);
    for (round, &(before, with, lost)) in (0..).zip(rounds) {
        for (cell, ns, lost) in [(quiet, before, 0.0), (beside(Churn::USUAL, quiet), with, lost)] {
            let samples: Vec<f64> = (0..2000).map(|number| ns * (1.0 + f64::from(number % 10) / 1000.0)).collect();
            made = made.samples(cell, Metric::OpenLoop, &samples).samples(cell, Metric::OpenLoopLost, &[lost]);
            let last = made.dataset.cells.len() - 2;
            made.dataset.cells[last..].iter_mut().for_each(|record| record.round = round);
        }
    }
    made.finding(CLAIM)
}

#[test]
fn what_drifts_from_round_to_round_is_no_delay() {
    // The machine becomes slower, with syncs and without.
    assert_eq!(rounds(&[(1e6, 1.02e6, 0.0), (3e6, 3.01e6, 0.0), (9e6, 9.1e6, 0.0)]).verdict, Verdict::NotReproduced);
    // As much slower, and syncs three times as slow in each round.
    let late = rounds(&[(1e6, 3e6, 0.0), (3e6, 9.1e6, 0.0), (9e6, 27e6, 0.0)]);
    assert_eq!(late.verdict, Verdict::MeansSomethingElse);
    // A single round that is slow with syncs may be anything.
    let once = rounds(&[(1e6, 1e6, 0.0), (1e6, 1e6, 0.0), (1e6, 9e6, 0.0)]);
    assert_ne!(once.verdict, Verdict::MeansSomethingElse);
}

#[test]
fn connections_are_lost_if_they_are_in_round_after_round() {
    assert_eq!(rounds(&[(1e6, 1e6, 200.0), (1e6, 1e6, 190.0), (1e6, 1e6, 210.0)]).verdict, Verdict::Reproduced);
    assert_eq!(rounds(&[(1e6, 1e6, 0.0), (1e6, 1e6, 0.0), (1e6, 1e6, 300.0)]).verdict, Verdict::CannotBeTold);
}
