//! A full conntrack table: what it loses, and who is told.

use super::claim::Claim;
use super::estimate::Estimate;
use super::evidence::Evidence;
use super::finding::{Figure, Finding, Measure, Verdict};
use super::line::Line;
use super::votes::Votes;
use lab_core::cell::Cell;
use lab_core::metric::Metric;

pub(super) const FULL: Claim = Claim {
    id: "conntrack-full",
    says: "A full conntrack table drops new connections, and nobody is told but the kernel's log",
    source: "conntrack-full",
    judge: full,
};

/// A share of connections up to which none is lost.
const SELDOM: f64 = 0.05;

/// Whether the table has a limit of the scenario's.
fn limited(cell: &Cell) -> bool {
    cell.activity.conntrack.is_some_and(|conntrack| conntrack.max.is_some())
}

fn full(evidence: &Evidence) -> Option<Finding> {
    let lines = evidence.lines(Metric::OpenLoopLost, limited);
    // Where no connection was answered there are no latencies, but counts.
    let counted = |cell: &Cell| lines.iter().any(|line| line.taken.iter().any(|taken| taken.cell() == cell));
    let missing = evidence.lacks(Metric::OpenLoop, |cell| limited(cell) && is_full(cell) && !counted(cell));
    if lines.is_empty() && missing.is_empty() {
        return None;
    }
    let of = |metric| evidence.lines(metric, limited);
    let (answered, reset, dropped) = (of(Metric::OpenLoop), of(Metric::OpenLoopReset), of(Metric::ConntrackDropped));
    let (mut votes, mut figures, mut told) = (Votes::default(), Vec::new(), Vec::new());
    for line in &lines {
        for services in line.taken.iter().map(|taken| taken.services()) {
            let same = |other: &&Line| line.same_cells(other);
            let samples = |lines: &[Line]| lines.iter().find(same).map_or_else(Vec::new, |one| one.samples(services));
            let sum = |samples: Vec<f64>| samples.iter().sum::<f64>();
            let (lost, reset) = (sum(line.samples(services)), sum(samples(&reset)));
            let all = samples(&answered).len() as f64 + lost + reset;
            let name = line.case(services);
            for (what, part) in [("lost", lost), ("refused", reset)] {
                if let Some(share) = Estimate::share(part, all) {
                    let what = format!("connections {what} of {name}");
                    figures.push(Figure { what, estimate: share, measure: Measure::Share });
                }
            }
            let Some(taken) = line.taken.iter().find(|taken| taken.services() == services) else { continue };
            if !is_full(taken.cell()) {
                continue;
            }
            let holds = match Estimate::share(lost, all).and_then(|share| share.is_above(SELDOM)) {
                // Who is refused is told.
                Some(true) if reset > 0.0 => Some(false),
                holds => holds,
            };
            votes.cast_at(line, services, holds);
            let said = dropped.iter().find(same).and_then(|line| line.taken.first().map(|taken| taken.said()));
            // The cell's other reasons stand beside it.
            let said = said.and_then(|said| said.split("; ").find(|part| part.starts_with("the kernel's log")));
            told.extend(said.filter(|said| !told.contains(said)));
        }
    }
    let says = match votes.verdict() {
        Verdict::CannotBeTold => "There are too few connections beside a full table.".to_owned(),
        _ if told.is_empty() => String::new(),
        _ => format!("A client waits until it gives up. Who is told: {}.", told.join("; ")),
    };
    Some(Finding::new(votes.verdict(), figures).say(votes.sentence()).say(says).lacking(&missing))
}

fn is_full(cell: &Cell) -> bool {
    cell.activity.conntrack.is_some_and(|conntrack| conntrack.is_full())
}
