//! An endpoint that is removed while connections lead to it: what becomes of them, and of new ones from their ports.

use super::claim::Claim;
use super::estimate::Estimate;
use super::evidence::Evidence;
use super::finding::{Figure, Finding, Measure, Verdict};
use super::votes::Votes;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::vocabulary::ProbeName;

pub(super) const STALE: Claim = Claim {
    id: "used-port-leads-astray",
    says: "A connection from a port that was used before reaches an endpoint that is removed",
    source: "ipvs-port-reuse",
    judge: stale,
};

pub(super) const BREAKS: Claim = Claim {
    id: "removal-breaks-connections",
    says: "Connections to an endpoint break when it is removed, though its pod goes on answering",
    source: "ipvs-graceful-termination",
    judge: breaks,
};

fn which(cell: &Cell) -> bool {
    cell.probe == ProbeName::RemovedEndpoint
}

fn stale(evidence: &Evidence) -> Option<Finding> {
    judged(
        evidence,
        (Metric::ReusedStale, "that reached the removed endpoint"),
        &[(Metric::ReusedLost, "that got no answer")],
        "connections from used ports",
        // A connection that broke has its port still.
        |open, broken| open - broken,
    )
}

fn breaks(evidence: &Evidence) -> Option<Finding> {
    judged(evidence, (Metric::RemovedBroken, "that broke"), &[], "open connections", |open, _| open)
}

/// It holds where the count that `decides` is above zero. Counts are of as many connections as `whole` says, which is
/// given those that were open and those that broke.
fn judged(
    evidence: &Evidence,
    decides: (Metric, &str),
    beside: &[(Metric, &str)],
    of: &str,
    whole: impl Fn(f64, f64) -> f64,
) -> Option<Finding> {
    let lines = evidence.lines(Metric::RemovedOpen, which);
    if lines.is_empty() {
        return None;
    }
    let (mut votes, mut figures) = (Votes::default(), Vec::new());
    for line in &lines {
        for services in line.taken.iter().map(|taken| taken.services()) {
            let sum = |metric| evidence.sum(line, metric, services, which);
            let (Some(open), Some(broken)) = (sum(Metric::RemovedOpen), sum(Metric::RemovedBroken)) else { continue };
            let whole = whole(open, broken);
            let name = line.case(services);
            for &(metric, what) in [decides].iter().chain(beside) {
                let share = sum(metric).and_then(|count| Estimate::share(count, whole));
                figures.extend(share.map(|estimate| Figure {
                    what: format!("{of} {what} of {name}"),
                    estimate,
                    measure: Measure::Share,
                }));
            }
            votes.cast_at(line, services, sum(decides.0).filter(|_| whole > 0.0).map(|count| count > 0.0));
        }
    }
    let says = match votes.verdict() {
        Verdict::CannotBeTold => "There was no such connection.",
        _ => "",
    };
    let finding = Finding::new(votes.verdict(), figures).say(votes.sentence()).say(says);
    Some(finding.lacking(&evidence.uncounted(Metric::ReusedPort, Metric::RemovedOpen, which)))
}
