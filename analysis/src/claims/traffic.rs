//! Whether traffic is interrupted while the node is synced.

use super::claim::Claim;
use super::estimate::Estimate;
use super::evidence::Evidence;
use super::finding::{Figure, Finding, Measure, Verdict};
use super::line::{Line, services_of};
use super::votes::Votes;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::stats;
use lab_core::units;
use lab_core::vocabulary::{BackendName, ProbeName};
use std::collections::BTreeMap;

pub(super) const INTERRUPTED: Claim = Claim {
    id: "syncs-interrupt-traffic",
    says: "Connections are lost, reset or time out while rules are written",
    source: "kube-proxy-restart",
    judge: interrupted,
};

/// A share of connections up to which none is lost.
const SELDOM: f64 = 0.01;
/// More than this longer is a delay.
const LONGER: f64 = 1.25;
const LATE: f64 = 0.99;

fn synced(cell: &Cell) -> bool {
    cell.activity.churn.is_some() && cell.variant.backend != BackendName::Direct && cell.probe == ProbeName::OpenLoop
}

fn interrupted(evidence: &Evidence) -> Option<Finding> {
    let lines = evidence.lines(Metric::OpenLoop, synced);
    if lines.is_empty() {
        return None;
    }
    let quiet = evidence.lines(Metric::OpenLoop, |cell| cell.activity.is_none());
    let (mut votes, mut late, mut figures) = (Votes::default(), Votes::default(), Vec::new());
    for line in &lines {
        let quiet = quiet.iter().find(|quiet| quiet.is_beside(line));
        for services in line.taken.iter().map(|taken| taken.services()) {
            let name = line.case(services);
            let Some(lost) = lost(evidence, line, services) else { continue };
            let before = quiet.and_then(|quiet| self::lost(evidence, quiet, services));
            figures.push(Figure {
                what: format!("connections lost of {name}"),
                estimate: lost,
                measure: Measure::Share,
            });
            let more = match before {
                Some(before) if lost.low > before.high => {
                    quiet.and_then(|quiet| more_in_rounds(evidence, line, quiet, services))
                }
                Some(_) => lost.is_above(SELDOM).filter(|above| !above),
                None => None,
            };
            votes.cast_at(line, services, more);
            let Some(busy) = line.quantile(services, LATE) else { continue };
            let longest = line.samples(services).into_iter().fold(0.0, f64::max);
            let longest = units::human(Metric::OpenLoop.unit(), line.clock, longest);
            let figure = line.figure(services, busy);
            figures.push(Figure { what: format!("p99 (longest {longest}) of {}", figure.what), ..figure });
            let Some(ratio) = quiet.and_then(|quiet| later(line, quiet, services)) else { continue };
            let figure = line.ratio(&format!("against no syncs at {}", services_of(services)), ratio);
            figures.push(Figure { what: format!("p99 of {}", figure.what), ..figure });
            late.cast_at(line, services, ratio.is_above(LONGER));
        }
    }
    let delayed = late.verdict() == Verdict::Reproduced || late.verdict() == Verdict::MeansSomethingElse;
    let (verdict, says) = match votes.verdict() {
        Verdict::NotReproduced if delayed => (
            Verdict::MeansSomethingElse,
            "No connection is lost: some are delayed, which is said by the p99.".to_owned(),
        ),
        Verdict::CannotBeTold => {
            (Verdict::CannotBeTold, "There are too few connections with syncs and without.".to_owned())
        }
        verdict => (verdict, votes.sentence()),
    };
    let delays = if delayed { format!("Of delays: {}", late.sentence()) } else { String::new() };
    let finding = Finding::new(verdict, figures).say(says).say(delays);
    Some(finding.lacking(&evidence.lacks(Metric::OpenLoop, synced)))
}

/// How many times as long the late ones take with syncs. Rounds without syncs and with them lie side by side, so that what drifts
/// from round to round is in both, and each round has its own ratio. Of a single one it is that of the samples.
fn later(line: &Line, quiet: &Line, services: u32) -> Option<Estimate> {
    let before = quiet.rounds(services);
    let late = |samples: &Vec<f64>| stats::quantile(samples, LATE).filter(|late| *late > 0.0);
    let ratio = |(round, samples): (&(u32, u32), &Vec<f64>)| Some((late(samples)? / late(before.get(round)?)?).ln());
    let ratios: Vec<f64> = line.rounds(services).iter().filter_map(ratio).collect();
    match Estimate::of_rounds(&ratios) {
        Some(Estimate { low, value, high, .. }) => {
            Some(Estimate { low: low.exp(), value: value.exp(), high: high.exp(), exact: false })
        }
        None => line.quantile(services, LATE)?.over(quiet.quantile(services, LATE)?),
    }
}

/// Whether more connections are lost with syncs in round after round; `None` where rounds differ too much to say so. A single
/// round has nothing that could drift.
fn more_in_rounds(evidence: &Evidence, line: &Line, quiet: &Line, services: u32) -> Option<bool> {
    let (busy, before) = (shares_lost(evidence, line, services), shares_lost(evidence, quiet, services));
    let more: Vec<f64> = busy.iter().filter_map(|(round, share)| Some(share - before.get(round)?)).collect();
    match Estimate::of_rounds(&more) {
        Some(more) => more.is_above(0.0).filter(|above| *above),
        None => Some(true),
    }
}

/// What share of the connections of each round got no answer, were reset, or were open and broke.
fn shares_lost(evidence: &Evidence, line: &Line, services: u32) -> BTreeMap<(u32, u32), f64> {
    let broken: Vec<BTreeMap<(u32, u32), Vec<f64>>> = BROKEN
        .iter()
        .filter_map(|&metric| of_metric(evidence, line, metric).map(|other| other.rounds(services)))
        .collect();
    let share = |(round, answered): (&(u32, u32), &Vec<f64>)| {
        let lost: f64 = broken.iter().filter_map(|rounds| rounds.get(round)).flatten().sum();
        (*round, lost / (lost + answered.len() as f64).max(1.0))
    };
    line.rounds(services).iter().map(share).collect()
}

/// What became of connections that were not answered.
const BROKEN: [Metric; 3] = [Metric::OpenLoopLost, Metric::OpenLoopReset, Metric::HeldLost];

/// What was measured in `metric` where `line` was.
fn of_metric<'a>(evidence: &'a Evidence, line: &Line, metric: Metric) -> Option<Line<'a>> {
    let lines = evidence.lines(metric, |cell| cell.probe == ProbeName::OpenLoop);
    lines.into_iter().find(|other| line.same_cells(other))
}

/// The share of a line's connections that got no answer, were reset, or were open and broke.
fn lost(evidence: &Evidence, line: &Line, services: u32) -> Option<Estimate> {
    let sum = |metric: &Metric| {
        of_metric(evidence, line, *metric).map_or(0.0, |other| other.samples(services).iter().sum::<f64>())
    };
    let broken: f64 = BROKEN.iter().map(sum).sum();
    let answered = line.samples(services).len() as f64;
    Estimate::share(broken, answered + broken)
}
