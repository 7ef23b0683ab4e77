//! How much of a sync is reading what is installed.

use super::claim::Claim;
use super::evidence::Evidence;
use super::finding::{Figure, Finding, Measure, Verdict};
use super::line::Line;
use super::votes::Votes;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::vocabulary::ProbeName;

pub(super) const DOMINATE: Claim = Claim {
    id: "reads-dominate",
    says: "Most of a sync is reading what is installed, not writing",
    source: "reads-before-writes",
    judge: dominate,
};

fn which(cell: &Cell) -> bool {
    cell.probe == ProbeName::SyncChange
}

fn dominate(evidence: &Evidence) -> Option<Finding> {
    let whole = evidence.lines(Metric::SyncChange, which);
    if whole.is_empty() {
        return None;
    }
    let reads = evidence.lines(Metric::SyncRead, which);
    let (mut votes, mut figures) = (Votes::default(), Vec::new());
    for line in &whole {
        let same = |read: &&Line| read.asked == line.asked;
        let Some(read) = reads.iter().find(same) else { continue };
        for (services, whole) in line.medians() {
            let Some(share) = read.at(services).and_then(|read| read.over(whole)) else { continue };
            let what = format!("{} in {} of {}", read.metric, line.metric, line.case(services));
            figures.push(Figure { what, estimate: share, measure: Measure::Share });
            votes.cast_at(line, services, share.is_above(0.5));
        }
    }
    let says = match votes.verdict() {
        Verdict::CannotBeTold => votes.unless_open("No part of a sync that reads has an interval, beside the whole."),
        Verdict::MeansSomethingElse => "It is a matter of the release and of the size.",
        _ => "",
    };
    let finding = Finding::new(votes.verdict(), figures).say(votes.sentence()).say(says);
    Some(finding.lacking(&evidence.lacks(Metric::SyncChange, which)))
}
