//! Whether Services without endpoints, of which each is a REJECT rule, take bandwidth from others.

use super::claim::Claim;
use super::evidence::{Evidence, is_iptables};
use super::finding::{Finding, Verdict};
use super::line::from_to;
use super::votes::Votes;
use lab_core::metric::Metric;

pub(super) const BANDWIDTH: Claim = Claim {
    id: "reject-rules-bandwidth",
    says: "More than 1,000 REJECT rules cut bandwidth from 600 to 50 Mb/s",
    source: "reject-rules",
    judge: bandwidth,
};

/// Between no change and the published twelfth, as ratios: their geometric mean.
const HALFWAY: f64 = 0.29;
/// The published number of REJECT rules; nine of ten Services have one here.
const ENOUGH: u32 = 1000;

fn bandwidth(evidence: &Evidence) -> Option<Finding> {
    let lines = evidence.lines(Metric::Bandwidth, is_iptables);
    if lines.is_empty() {
        return None;
    }
    let (mut votes, mut figures) = (Votes::default(), Vec::new());
    for line in &lines {
        let Some([(few, small), (many, large)]) = line.ends().filter(|[_, (many, _)]| *many >= ENOUGH) else {
            continue;
        };
        let Some(ratio) = large.over(small) else { continue };
        figures.push(line.figure(many, large));
        figures.push(line.ratio(&from_to(few, many), ratio));
        votes.cast(&line.placed, ratio.is_above(HALFWAY).map(|above| !above));
    }
    let says = match votes.verdict() {
        Verdict::NotReproduced => {
            "Only the first packet of a connection is tried against these rules since kube-proxy 1.11."
        }
        Verdict::CannotBeTold => {
            votes.unless_open("There are no intervals at a small size and at 1,000 Services or more.")
        }
        _ => "",
    };
    let finding = Finding::new(votes.verdict(), figures).say(votes.sentence()).say(says);
    Some(finding.lacking(&evidence.lacks(Metric::Bandwidth, is_iptables)))
}
