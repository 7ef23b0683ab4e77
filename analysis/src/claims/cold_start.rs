//! Whether a cold start of nftables mode grows with the square of the number of Services, by release.

use super::claim::Claim;
use super::evidence::{Evidence, is};
use super::finding::{Figure, Finding, Measure, Verdict};
use super::line::from_to;
use super::quadratic;
use super::votes::Votes;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::vocabulary::BackendName;

pub(super) const QUADRATIC: Claim = Claim {
    id: "nftables-cold-start",
    says: "The cold start of nftables mode is slow, and quadratic in the number of Services",
    source: "kubernetes-nftables-cold-start",
    judge: quadratic,
};

/// More than this of the largest load makes it quadratic.
const HALF: f64 = 0.5;

fn quadratic(evidence: &Evidence) -> Option<Finding> {
    let which = |cell: &Cell| is(BackendName::Nftables)(cell) && cell.activity.is_none();
    let lines = evidence.lines(Metric::SyncFull, which);
    if !lines.iter().any(|line| line.taken.len() > 1) {
        return None;
    }
    let (mut votes, mut figures) = (Votes::default(), Vec::new());
    for line in &lines {
        let medians = line.medians();
        let [(few, _), .., (many, large)] = medians[..] else { continue };
        let Some(share) = quadratic::share(&medians) else { continue };
        figures.push(line.figure(many, large));
        let what = format!("what grows with the square, of {} by sizes {}", line.name, from_to(few, many));
        figures.push(Figure { what, estimate: share, measure: Measure::Share });
        votes.cast(&line.name, share.is_above(HALF));
    }
    let says = match votes.verdict() {
        Verdict::CannotBeTold => votes.unless_open("There are no three sizes with intervals that are narrow enough."),
        Verdict::MeansSomethingElse => {
            "It is a matter of what a release installs, and how much of it at once: a chain with an anonymous map a \
             Service is what the kernel takes quadratic time for."
        }
        _ => "A load counts as quadratic if more than half of the largest one grows with the square, by all sizes.",
    };
    let finding = Finding::new(votes.verdict(), figures).say(votes.sentence()).say(says);
    Some(finding.lacking(&evidence.lacks(Metric::SyncFull, which)))
}
