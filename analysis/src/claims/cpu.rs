//! How much CPU it takes to follow endpoints that change.

use super::claim::Claim;
use super::estimate::Estimate;
use super::evidence::{Evidence, is, is_iptables};
use super::finding::{Finding, Verdict};
use super::votes::Votes;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::vocabulary::BackendName;

pub(super) const IPTABLES: Claim = Claim {
    id: "iptables-cpu",
    says: "iptables takes 50 to 100 % of a core from 5,000 Services on",
    source: "huawei-cpu",
    judge: iptables,
};

pub(super) const IPVS: Claim = Claim {
    id: "ipvs-cpu",
    says: "IPVS takes 0 % of a core at any number of Services",
    source: "huawei-cpu",
    judge: ipvs,
};

/// From so many Services on.
const FROM: u32 = 5000;
/// Half of a core.
const HALF: f64 = 0.5;
/// What is written as 0 %.
const NOTHING: f64 = 0.01;

fn iptables(evidence: &Evidence) -> Option<Finding> {
    let which = |cell: &Cell| is_iptables(cell) && cell.cluster.services >= FROM;
    judge(
        evidence,
        which,
        |share| share.is_above(HALF),
        |verdict| match verdict {
            Verdict::Reproduced => "That is with endpoints that change; a node where nothing changes takes none.",
            Verdict::MeansSomethingElse => {
                "It is no property of iptables: it takes endpoints that change, and a sync for each."
            }
            Verdict::NotReproduced => "A sync writes only what changed, in the releases of today.",
            Verdict::CannotBeTold => "No share of CPU at 5,000 Services or more has an interval.",
        },
    )
}

fn ipvs(evidence: &Evidence) -> Option<Finding> {
    judge(
        evidence,
        is(BackendName::Ipvs),
        |share| share.is_above(NOTHING).map(|above| !above),
        |verdict| match verdict {
            Verdict::CannotBeTold => "No share of CPU has an interval.",
            _ => "What is less than a hundredth of a core counts as nothing.",
        },
    )
}

fn judge(
    evidence: &Evidence,
    which: impl Fn(&Cell) -> bool,
    holds: fn(&Estimate) -> Option<bool>,
    says: fn(Verdict) -> &'static str,
) -> Option<Finding> {
    let lines = evidence.lines(Metric::CpuSync, &which);
    if lines.is_empty() {
        return None;
    }
    let (mut votes, mut figures) = (Votes::default(), Vec::new());
    for line in &lines {
        for (services, share) in line.medians() {
            figures.push(line.figure(services, share));
            votes.cast_at(line, services, holds(&share));
        }
    }
    let finding = Finding::new(votes.verdict(), figures).say(votes.sentence()).say(says(votes.verdict()));
    Some(finding.lacking(&evidence.lacks(Metric::CpuSync, which)))
}
