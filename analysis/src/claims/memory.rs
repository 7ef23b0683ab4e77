//! How much of a node's memory is its rules.

use super::claim::Claim;
use super::evidence::{Evidence, is_iptables};
use super::finding::{Figure, Finding, Measure, Verdict};
use super::line::{list, services_of};
use super::votes::Votes;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::units;
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
    let (mut votes, mut figures, mut grown) = (Votes::default(), Vec::new(), Vec::new());
    for line in &lines {
        figures.extend(line.medians().last().map(|(services, memory)| line.figure(*services, *memory)));
        let Some(more) = line.at(TO).and_then(|to| Some(to.less(line.at(FROM)?))) else { continue };
        let (to, from) = (services_of(TO), units::count(FROM.into()));
        let what = format!("more {} of {} at {to} than at {from}", line.metric, line.name);
        figures.push(Figure { what, estimate: more, measure: Measure::of(line.metric, line.clock) });
        grown.push(format!("{} with {}", units::human(line.metric.unit(), line.clock, more.value), line.name));
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
    let node = format!(
        "The published figures are of a whole node. They grow by 1.2 GB from 1,000 to 10,000 Services, and the rules by {}.",
        list(&grown)
    );
    let (verdict, says) = match votes.verdict() {
        Verdict::NotReproduced => (Verdict::MeansSomethingElse, node),
        Verdict::CannotBeTold if grown.is_empty() => {
            let open = "The memory of the rules has no interval both at 1,000 and at 10,000 Services.";
            (Verdict::CannotBeTold, open.to_owned())
        }
        verdict => (verdict, node),
    };
    let finding = Finding::new(verdict, figures).say(says);
    Some(finding.lacking(&evidence.lacks(Metric::KernelMemory, which)))
}
