//! The xtables lock: how long somebody else waits for it while the node is synced, and whether they are refused.

use super::claim::Claim;
use super::estimate::Estimate;
use super::evidence::Evidence;
use super::finding::{Figure, Finding, Measure, Verdict};
use super::line::{Line, list, services_of};
use super::votes::Votes;
use lab_core::cell::Cell;
use lab_core::metric::Metric;

pub(super) const WAITS: Claim = Claim {
    id: "xtables-lock-waits",
    says: "Whoever else uses iptables waits for the xtables lock while the node is synced",
    source: SOURCE,
    judge: waits,
};

pub(super) const REFUSED: Claim = Claim {
    id: "xtables-lock-refused",
    says: "Who does not wait for it is refused: \"Another app is currently holding the xtables lock\"",
    source: SOURCE,
    judge: refused,
};

const SOURCE: &str = "xtables-lock";
/// More than a tenth longer is a wait.
const LONGER: f64 = 1.1;
/// A lock is met by chance: the tenth of the calls that waited longest says it.
const LATE: f64 = 0.9;
/// What takes the lock, also in ipvs mode.
const TOOL: &str = "iptables-legacy";
/// These iptables wait for the lock without `-w` too, and nobody is refused: from netfilter's commit 07e2107ef0cb, of 1.8.8, to
/// 63ab5b8906f6, of 1.8.11 (bug 1728).
const ALWAYS_WAIT: [&str; 3] = ["v1.8.8", "v1.8.9", "v1.8.10"];

/// Whether a writer calls while the node is synced.
fn synced(cell: &Cell) -> bool {
    cell.activity.writer.is_some() && cell.activity.churn.is_some_and(|churn| churn.rate > 0)
}

/// Whether a writer calls, and nothing else happens.
fn quiet(cell: &Cell) -> bool {
    cell.activity.writer.is_some() && cell.activity.churn.is_none_or(|churn| churn.rate == 0)
}

/// Whether its writer takes the xtables lock.
fn is_locked(cell: &Cell) -> bool {
    cell.activity.writer.is_some_and(|writer| writer.takes_xtables_lock(cell.variant.backend))
}

fn waits(evidence: &Evidence) -> Option<Finding> {
    let locked = evidence.lines(Metric::WriterCall, |cell| synced(cell) && is_locked(cell));
    if locked.is_empty() {
        return None;
    }
    let alone = evidence.lines(Metric::WriterCall, quiet);
    let mut figures = Vec::new();
    let votes = longer(&locked, &alone, &mut figures);
    let free = evidence.lines(Metric::WriterCall, |cell| synced(cell) && !is_locked(cell));
    let others = match longer(&free, &alone, &mut figures).sentence() {
        said if said.is_empty() => said,
        said => format!("Of those that do not take this lock, so that they wait for something else: {said}"),
    };
    let says = match votes.verdict() {
        Verdict::CannotBeTold => "There are no intervals both with syncs and without, of the same writer.",
        _ => "A call that takes more than a tenth longer than without syncs has waited.",
    };
    let finding = Finding::new(votes.verdict(), figures).say(votes.sentence()).say(says).say(others);
    Some(finding.lacking(&evidence.lacks(Metric::WriterCall, |cell| synced(cell) && is_locked(cell))))
}

/// Of which `lines` a call takes longer than that of the same writer in `alone`; adds the `figures` that say so.
fn longer(lines: &[Line], alone: &[Line], figures: &mut Vec<Figure>) -> Votes {
    let mut votes = Votes::default();
    for line in lines {
        let same =
            |alone: &&Line| alone.is_beside(line) && alone.contender.activity.writer == line.contender.activity.writer;
        let Some(alone) = alone.iter().find(same) else { continue };
        for (services, busy) in line.quantiles(LATE) {
            let Some(ratio) = alone.quantile(services, LATE).and_then(|alone| busy.over(alone)) else { continue };
            let of = |figure: Figure| Figure { what: format!("p90 of {}", figure.what), ..figure };
            figures.push(of(line.figure(services, busy)));
            figures.push(of(line.ratio(&format!("against no syncs at {}", services_of(services)), ratio)));
            votes.cast_at(line, services, ratio.is_above(LONGER));
        }
    }
    votes
}

fn refused(evidence: &Evidence) -> Option<Finding> {
    let which = |cell: &Cell| synced(cell) && is_locked(cell);
    let lines = evidence.lines(Metric::WriterRefused, which);
    if lines.is_empty() {
        return None;
    }
    let tried = evidence.lines(Metric::WriterTried, which);
    let (mut votes, mut figures, mut told, mut waiting) = (Votes::default(), Vec::new(), Vec::new(), Vec::new());
    for line in &lines {
        let version = evidence.version(line.run, TOOL);
        if version.split(' ').any(|word| ALWAYS_WAIT.contains(&word)) {
            waiting.push(version.to_owned());
            continue;
        }
        let Some(tried) = tried.iter().find(|tried| tried.asked == line.asked) else {
            continue;
        };
        for taken in &line.taken {
            let services = taken.services();
            let sum = |samples: Vec<f64>| samples.iter().sum::<f64>();
            let Some(share) = Estimate::share(sum(taken.samples()), sum(tried.samples(services))) else { continue };
            let what = format!("calls refused of {}", line.case(services));
            figures.push(Figure { what, estimate: share, measure: Measure::Share });
            let holds = if share.value > 0.0 { Some(true) } else { share.is_above(SELDOM).filter(|above| !above) };
            votes.cast_at(line, services, holds);
            if share.value > 0.0 && !taken.said().is_empty() && !told.contains(&taken.said()) {
                told.push(taken.said());
            }
        }
    }
    let says = match votes.verdict() {
        Verdict::CannotBeTold if waiting.is_empty() => {
            "Too few calls were made that do not wait for the lock.".to_owned()
        }
        _ => told.first().map(|told| format!("They were told: \"{told}\".")).unwrap_or_default(),
    };
    waiting.sort();
    waiting.dedup();
    let tool = match waiting.is_empty() {
        true => String::new(),
        false => format!(
            "With {} nobody is refused: iptables 1.8.8 to 1.8.10 wait for the lock without -w too. Other tools can tell: \
             --tools debian-13.",
            list(&waiting)
        ),
    };
    let finding = Finding::new(votes.verdict(), figures).say(votes.sentence()).say(says).say(tool);
    Some(finding.lacking(&evidence.lacks(Metric::WriterRefused, which)))
}

/// A share of calls up to which none is refused.
const SELDOM: f64 = 0.05;
