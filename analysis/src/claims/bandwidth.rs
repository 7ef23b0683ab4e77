//! Whether bandwidth falls: with Services, from the first to the last, and while a node is synced.

use super::claim::Claim;
use super::evidence::{Evidence, is_iptables};
use super::finding::{Finding, Verdict};
use super::line::{Line, from_to, list, services_of};
use super::votes::Votes;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::reference::{self, Value};
use lab_core::units;
use lab_core::vocabulary::{BackendName, Position, Word};

pub(super) const FALLS: Claim = Claim {
    id: "bandwidth-falls",
    says: "Bandwidth through iptables falls with the number of Services: to a tenth at 10,000, to nothing at 25,000",
    source: SOURCE,
    judge: falls,
};

pub(super) const LAST: Claim = Claim {
    id: "bandwidth-last",
    says: "The last Service gets less bandwidth through iptables than the first: half of it at 10,000",
    source: SOURCE,
    judge: last,
};

pub(super) const SYNCING: Claim = Claim {
    id: "bandwidth-while-syncing",
    says: "An open connection loses bandwidth while the node is synced",
    source: SOURCE,
    judge: syncing,
};

const SOURCE: &str = "huawei-bandwidth";
/// Less than this is a loss.
const LOSS: f64 = 0.9;

/// What was published at `services`, for the first or the last one.
fn published(position: Position, services: u32) -> Option<f64> {
    let reference = reference::find(SOURCE)?;
    let series = reference.series(&format!("iptables_{}", position.name()))?;
    match reference.value(series, services) {
        Value::Number(number) => Some(number),
        _ => None,
    }
}

/// The ratio below which what was measured is nearer to what was published than to no change; `None` where that is hardly a
/// change.
fn halfway(from: f64, to: f64) -> Option<f64> {
    /// What was published as nothing is a hundredth.
    const NOTHING: f64 = 0.01;
    let published = (to / from).max(NOTHING);
    (published < LOSS).then(|| published.sqrt())
}

/// The ratios below which something counts as a fall.
#[derive(Debug, Default)]
struct Limits(Vec<f64>);

impl Limits {
    fn add(&mut self, halfway: f64) {
        if !self.0.contains(&halfway) {
            self.0.push(halfway);
        }
    }

    fn sentence(&self) -> String {
        let limits: Vec<String> = self.0.iter().map(|limit| units::ratio(*limit)).collect();
        match limits.is_empty() {
            true => String::new(),
            false => format!(
                "It counts as a fall below {}: there it is nearer to what was published than to no change.",
                list(&limits)
            ),
        }
    }
}

fn alone(cell: &Cell) -> bool {
    is_iptables(cell) && cell.activity.is_none()
}

fn falls(evidence: &Evidence) -> Option<Finding> {
    let lines = evidence.lines(Metric::Bandwidth, alone);
    if !lines.iter().any(|line| line.taken.len() > 1) {
        return None;
    }
    let (mut votes, mut figures, mut limits) = (Votes::default(), Vec::new(), Limits::default());
    for line in &lines {
        let Some(position) = line.position else { continue };
        let Some([(few, small), (many, large)]) = line.ends() else { continue };
        let halfway = published(position, few).zip(published(position, many)).and_then(|(from, to)| halfway(from, to));
        let (Some(halfway), Some(ratio)) = (halfway, large.over(small)) else { continue };
        figures.push(line.figure(many, large));
        figures.push(line.ratio(&from_to(few, many), ratio));
        votes.cast(&line.placed, ratio.is_above(halfway).map(|above| !above));
        limits.add(halfway);
    }
    let says = match votes.verdict() {
        Verdict::NotReproduced => "conntrack takes a connection past the rules after its first packet.",
        Verdict::CannotBeTold => votes.unless_open("No two sizes of the published ones have an interval."),
        _ => "",
    };
    let mut finding = Finding::new(votes.verdict(), figures).say(votes.sentence()).say(limits.sentence()).say(says);
    for line in evidence.lines(Metric::Connect, |cell| alone(cell) && cell.position == Some(Position::Last)) {
        let Some([(few, small), (many, large)]) = line.ends() else { continue };
        if let Some(ratio) = large.over(small).filter(|ratio| ratio.is_above(1.1) == Some(true)) {
            finding.figures.push(line.ratio(&from_to(few, many), ratio));
            finding = finding.say(format!("What grows with {} is the first packet of each connection.", line.name));
        }
    }
    Some(finding.lacking(&evidence.lacks(Metric::Bandwidth, alone)))
}

fn last(evidence: &Evidence) -> Option<Finding> {
    let lines = evidence.lines(Metric::Bandwidth, alone);
    let at = |position| lines.iter().filter(move |line| line.position == Some(position));
    if at(Position::First).next().is_none() || at(Position::Last).next().is_none() {
        return None;
    }
    let (mut votes, mut figures, mut limits) = (Votes::default(), Vec::new(), Limits::default());
    for last in at(Position::Last) {
        let same = |first: &&Line| first.asked == last.asked;
        let Some(first) = at(Position::First).find(same) else { continue };
        let pair = |services| {
            let [from, to] = [Position::First, Position::Last].map(|position| published(position, services));
            Some((services, last.at(services)?.over(first.at(services)?)?, halfway(from?, to?)?))
        };
        let sizes = last.medians().into_iter().rev();
        let Some((services, ratio, halfway)) = sizes.filter_map(|(services, _)| pair(services)).next() else {
            continue;
        };
        figures.push(last.ratio(&format!("against the first one's at {}", services_of(services)), ratio));
        votes.cast(&last.name, ratio.is_above(halfway).map(|above| !above));
        limits.add(halfway);
    }
    let says = match votes.verdict() {
        Verdict::CannotBeTold => {
            votes.unless_open("No published size with a difference between first and last has an interval.")
        }
        _ => "",
    };
    let finding = Finding::new(votes.verdict(), figures).say(votes.sentence()).say(limits.sentence()).say(says);
    Some(finding.lacking(&evidence.lacks(Metric::Bandwidth, alone)))
}

fn syncing(evidence: &Evidence) -> Option<Finding> {
    let beside = |cell: &Cell| cell.activity.churn.is_some() && cell.variant.backend != BackendName::Direct;
    let synced = evidence.lines(Metric::Bandwidth, beside);
    if synced.is_empty() {
        return None;
    }
    let quiet = evidence.lines(Metric::Bandwidth, |cell| cell.activity.is_none());
    let (mut votes, mut figures) = (Votes::default(), Vec::new());
    for line in &synced {
        let Some(quiet) = quiet.iter().find(|quiet| quiet.is_beside(line)) else { continue };
        for (services, busy) in line.medians() {
            let Some(ratio) = quiet.at(services).and_then(|quiet| busy.over(quiet)) else { continue };
            figures.push(line.ratio(&format!("against none at {}", services_of(services)), ratio));
            votes.cast_at(line, services, ratio.is_above(LOSS).map(|above| !above));
        }
    }
    let says = match votes.verdict() {
        Verdict::CannotBeTold => votes.unless_open("There is no interval both with syncs and without."),
        Verdict::NotReproduced => "Where the interval tells, it keeps nine tenths and more.",
        _ => {
            "Less than nine tenths counts as a loss. The tools of a sync run on the cores that the traffic needs, although no \
             packet of the stream meets a rule."
        }
    };
    let finding = Finding::new(votes.verdict(), figures).say(votes.sentence()).say(says);
    Some(finding.lacking(&evidence.lacks(Metric::Bandwidth, beside)))
}
