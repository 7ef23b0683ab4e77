//! Whether traffic is interrupted while the node is synced.

use super::claim::Claim;
use super::estimate::Estimate;
use super::evidence::Evidence;
use super::finding::{Figure, Finding, Measure, Verdict};
use super::line::{Line, services_of};
use super::votes::Votes;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::units;
use lab_core::vocabulary::{BackendName, ProbeName};

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
            let name = format!("{} at {}", line.name, services_of(services));
            let Some(lost) = lost(evidence, line, services) else { continue };
            let before = quiet.and_then(|quiet| self::lost(evidence, quiet, services));
            figures.push(Figure {
                what: format!("connections lost of {name}"),
                estimate: lost,
                measure: Measure::Share,
            });
            let more = match before {
                Some(before) if lost.low > before.high => Some(true),
                Some(_) => lost.is_above(SELDOM).filter(|above| !above),
                None => None,
            };
            votes.cast(&name, more);
            let Some(busy) = line.quantile(services, LATE) else { continue };
            let longest = line.samples(services).into_iter().fold(0.0, f64::max);
            let longest = units::human(Metric::OpenLoop.unit(), line.clock, longest);
            let figure = line.figure(services, busy);
            figures.push(Figure { what: format!("p99 (longest {longest}) of {}", figure.what), ..figure });
            let Some(ratio) = quiet.and_then(|quiet| busy.over(quiet.quantile(services, LATE)?)) else { continue };
            let figure = line.ratio(&format!("against no syncs at {}", services_of(services)), ratio);
            figures.push(Figure { what: format!("p99 of {}", figure.what), ..figure });
            late.cast(&name, ratio.is_above(LONGER));
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

/// The share of a line's connections that got no answer, were reset, or were open and broke.
fn lost(evidence: &Evidence, line: &Line, services: u32) -> Option<Estimate> {
    let sum = |metric| {
        let lines = evidence.lines(metric, |cell| cell.probe == ProbeName::OpenLoop);
        let same =
            |other: &Line| (other.run, other.contender, other.position) == (line.run, line.contender, line.position);
        lines.iter().find(|other| same(other)).map_or(0.0, |other| other.samples(services).iter().sum())
    };
    let broken: f64 = [Metric::OpenLoopLost, Metric::OpenLoopReset, Metric::HeldLost].into_iter().map(sum).sum();
    let answered = line.samples(services).len() as f64;
    Estimate::share(broken, answered + broken)
}
