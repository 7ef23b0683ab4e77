//! How much of a node's memory is its rules.

use super::claim::Claim;
use super::evidence::{Evidence, is_iptables};
use super::finding::{Figure, Finding, Measure, Verdict};
use super::line::services_of;
use super::votes::Votes;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::vocabulary::ProbeName;

pub(super) const NODE: Claim = Claim {
    id: "iptables-memory",
    says: "iptables takes 1.1 GB of memory at 1,000 Services, 2.3 GB at 10,000, and runs out of it at 15,000",
    source: "huawei-memory",
    judge: node,
};

/// The published sizes, and by how many bytes they differ.
const FROM: u32 = 1000;
const TO: u32 = 10_000;
const MORE: f64 = 1200e6;
/// Within this factor it is as much.
const NEAR: f64 = 2.0;

fn node(evidence: &Evidence) -> Option<Finding> {
    let which = |cell: &Cell| is_iptables(cell) && cell.probe == ProbeName::SyncFull;
    let lines = evidence.lines(Metric::KernelMemory, which);
    if lines.is_empty() {
        return None;
    }
    let (mut votes, mut figures) = (Votes::default(), Vec::new());
    for line in &lines {
        figures.extend(line.medians().last().map(|(services, memory)| line.figure(*services, *memory)));
        let Some(more) = line.at(TO).and_then(|to| Some(to.less(line.at(FROM)?))) else { continue };
        let what = format!("more {} of {} at {} than at {FROM}", line.metric, line.name, services_of(TO));
        figures.push(Figure { what, estimate: more, measure: Measure::of(line.metric, line.clock) });
        let near = match (more.is_above(MORE / NEAR), more.is_above(MORE * NEAR)) {
            (Some(false), _) | (_, Some(true)) => Some(false),
            (Some(true), Some(false)) => Some(true),
            _ => None,
        };
        votes.cast(&line.name, near);
    }
    for line in evidence.lines(Metric::ToolPeakRss, which) {
        figures.extend(line.medians().last().map(|(services, peak)| line.figure(*services, *peak)));
    }
    let (verdict, says) = match votes.verdict() {
        Verdict::NotReproduced => (
            Verdict::MeansSomethingElse,
            "The published figures are of a whole node. They differ by 1.2 GB, and the rules by another amount: most of it is not \
             the rules.",
        ),
        Verdict::CannotBeTold => {
            (Verdict::CannotBeTold, "The memory of the rules has no interval both at 1,000 and at 10,000 Services.")
        }
        verdict => {
            (verdict, "The published figures are of a whole node. The rules differ by about as much as they do.")
        }
    };
    let finding = Finding::new(verdict, figures).say(says);
    Some(finding.lacking(&evidence.lacks(Metric::KernelMemory, which)))
}
