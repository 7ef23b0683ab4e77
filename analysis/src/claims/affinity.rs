//! How many clients session affinity remembers.

use super::claim::Claim;
use super::estimate::Estimate;
use super::evidence::{Evidence, is_iptables};
use super::finding::{Figure, Finding, Measure, Verdict};
use super::votes::Votes;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::vocabulary::BackendName;

pub(super) const FORGETS: Claim = Claim {
    id: "recent-forgets",
    says: "With iptables, an endpoint remembers 100 clients for session affinity, and forgets others",
    source: "recent-list-size",
    judge: forgets,
};

/// A share of a crowd up to which none is forgotten.
const SELDOM: f64 = 0.01;

fn is_asked(cell: &Cell) -> bool {
    cell.variant.backend != BackendName::Direct
}

fn forgets(evidence: &Evidence) -> Option<Finding> {
    let lines = evidence.lines(Metric::AffinityForgotten, is_asked);
    if lines.is_empty() {
        return None;
    }
    let (mut votes, mut others, mut figures) = (Votes::default(), Votes::default(), Vec::new());
    for line in &lines {
        for services in line.taken.iter().map(|taken| taken.services()) {
            let sum = |metric| evidence.sum(line, metric, services, is_asked);
            let share = |part, whole| Estimate::share(sum(part)?, sum(whole)?);
            let shares = [
                ("of a crowd, forgotten", share(Metric::AffinityForgotten, Metric::AffinityCrowd)),
                (
                    "of few clients that come back in time, moved",
                    share(Metric::AffinityMoved, Metric::AffinityReturned),
                ),
                (
                    "of few clients that come back too late, still there",
                    share(Metric::AffinityKept, Metric::AffinityExpired),
                ),
            ];
            for (what, estimate) in shares {
                let what = format!("{what} with {}", line.case(services));
                figures.extend(estimate.map(|estimate| Figure { what, estimate, measure: Measure::Share }));
            }
            let forgets = shares[0].1.and_then(|share| share.is_above(SELDOM));
            let side = if line.taken.iter().any(|taken| is_iptables(taken.cell())) { &mut votes } else { &mut others };
            side.cast(&line.name, forgets);
        }
    }
    let says = match votes.verdict() {
        Verdict::CannotBeTold => votes.unless_open("iptables was not measured."),
        _ => "The crowd has 150 clients an endpoint, which come back in the order in which they came.",
    };
    let beside = others.sentence();
    let beside = if beside.is_empty() { beside } else { format!("Of others: {beside}") };
    Some(Finding::new(votes.verdict(), figures).say(votes.sentence()).say(says).say(beside))
}
