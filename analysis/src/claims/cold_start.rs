//! With which power of the number of Services a cold start of nftables mode grows, by release.

use super::claim::Claim;
use super::evidence::{Evidence, is};
use super::finding::{Figure, Finding, Measure, Verdict};
use super::line::services_of;
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

/// Halfway between linear and quadratic.
const HALFWAY: f64 = 1.5;

fn quadratic(evidence: &Evidence) -> Option<Finding> {
    let which = |cell: &Cell| is(BackendName::Nftables)(cell) && cell.activity.is_none();
    let lines = evidence.lines(Metric::SyncFull, which);
    if !lines.iter().any(|line| line.taken.len() > 1) {
        return None;
    }
    let (mut votes, mut figures) = (Votes::default(), Vec::new());
    for line in &lines {
        let medians = line.medians();
        let [.., (few, small), (many, large)] = medians[..] else { continue };
        let power = large.over(small).and_then(|ratio| ratio.exponent(f64::from(many) / f64::from(few)));
        let Some(power) = power else { continue };
        figures.push(line.figure(many, large));
        let what = format!("power of {} from {few} to {}", line.name, services_of(many));
        figures.push(Figure { what, estimate: power, measure: Measure::Power });
        votes.cast(&line.name, power.is_above(HALFWAY));
    }
    let says = match votes.verdict() {
        Verdict::CannotBeTold => votes.unless_open("There are no two sizes with intervals that are narrow enough."),
        Verdict::MeansSomethingElse => {
            "It is a matter of what a release installs: a chain with an anonymous map a Service is what \
             the kernel takes quadratic time for."
        }
        _ => "A power above 1.5 counts as quadratic, between the two largest sizes.",
    };
    let finding = Finding::new(votes.verdict(), figures).say(votes.sentence()).say(says);
    Some(finding.lacking(&evidence.lacks(Metric::SyncFull, which)))
}
