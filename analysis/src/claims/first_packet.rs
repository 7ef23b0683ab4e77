//! What the place of a Service costs its first packets: a rule after the other, or one look into a map.

use super::claim::Claim;
use super::estimate::Estimate;
use super::evidence::{Evidence, is, is_iptables};
use super::finding::{Figure, Finding, Measure, Verdict};
use super::line::{Asked, Line, from_to, services_of};
use super::votes::Votes;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::units;
use lab_core::vocabulary::{BackendName, Position};

pub(super) const LINEAR: Claim = Claim {
    id: "matching-is-linear",
    says: "A first packet is tried against rule after rule: O(n), and felt from 1,000 Services on",
    source: "testsvc-linear",
    judge: linear,
};

pub(super) const NFTABLES: Claim = Claim {
    id: "nftables-first-packet",
    says: "With nftables the first packet takes as long at any number of Services",
    source: "k8s-nftables-blog",
    judge: nftables,
};

/// From so many Services on it is felt, it is said.
const CLAIMED: f64 = 1000.0;
/// More than this is felt.
const FELT: f64 = 1.1;
const LATE: f64 = 0.99;
/// Up to this the first packet takes as long.
const LEVEL: f64 = 1.25;

fn alone(cell: &Cell) -> bool {
    cell.activity.is_none()
}

fn linear(evidence: &Evidence) -> Option<Finding> {
    let which = |cell: &Cell| is_iptables(cell) && alone(cell);
    let lines = evidence.lines(Metric::Connect, which);
    if lines.is_empty() {
        return None;
    }
    let (mut votes, mut figures, mut felt) = (Votes::default(), Vec::new(), Vec::new());
    let mut is_short = false;
    let mut variants: Vec<Asked> = Vec::new();
    for line in &lines {
        if !variants.contains(&line.asked) {
            variants.push(line.asked);
        }
    }
    for variant in variants {
        let of: Vec<&Line> = lines.iter().filter(|line| line.asked == variant).collect();
        let Some((name, clock)) = of.first().map(|line| (line.name.clone(), line.clock)) else { continue };
        let places = places(&of);
        if let Some(slope) = slope(&places) {
            let what = format!("slope of {} over the place in the chain, of {name}", Metric::Connect);
            figures.push(Figure { what, estimate: slope, measure: Measure::ARule(clock) });
            let grows = grows(&places, slope);
            // What is not felt below the size that is claimed says nothing of it.
            if grows == Some(false) && places.iter().all(|(place, _)| *place < CLAIMED) {
                is_short = true;
            } else {
                votes.cast(&name, grows);
            }
        }
        for line in of.iter().filter(|line| line.position == Some(Position::Last)) {
            felt.extend(from(line));
        }
    }
    let says = match votes.verdict() {
        Verdict::CannotBeTold if is_short => {
            "It is not felt, but no chain had the 1,000 Services from which on it may be."
        }
        Verdict::CannotBeTold => votes.unless_open("There are no Services at two places of the chain with intervals."),
        _ => "The slope is what each rule costs that a first packet is tried against.",
    };
    let finding = Finding::new(votes.verdict(), figures).say(votes.sentence()).say(says);
    let finding = felt.into_iter().fold(finding, Finding::say);
    Some(finding.lacking(&evidence.lacks(Metric::Connect, which)))
}

/// The places in the chain that were dialled, from 1, each once.
fn places(lines: &[&Line]) -> Vec<(f64, Estimate)> {
    let mut places: Vec<(f64, Estimate)> = Vec::new();
    for line in lines {
        for (services, estimate) in line.medians() {
            let place = f64::from(line.position.map_or(services, |position| position.index(services) + 1));
            if !places.contains(&(place, estimate)) {
                places.push((place, estimate));
            }
        }
    }
    places
}

/// The slope of the straight line through `points`, of least squares; `None` where all are at one place.
fn slope(points: &[(f64, Estimate)]) -> Option<Estimate> {
    let count = lab_core::stats::size(points.len());
    let middle = points.iter().map(|(place, _)| place).sum::<f64>() / count;
    let squares: f64 = points.iter().map(|(place, _)| (place - middle).powi(2)).sum();
    let weighted = points.iter().map(|(place, estimate)| ((place - middle) / squares, *estimate));
    if squares > 0.0 { Estimate::weighted(weighted) } else { None }
}

/// Whether it costs more the farther down the chain a Service is, by more than a tenth over all places.
fn grows(places: &[(f64, Estimate)], slope: Estimate) -> Option<bool> {
    let (nearest, least) = places.iter().min_by(|(one, _), (other, _)| one.total_cmp(other))?;
    let (farthest, _) = places.iter().max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    slope.times((farthest - nearest) / least.value).is_above(FELT - 1.0)
}

/// From how many Services on a line's p99 is more than a tenth above that at the fewest, in a sentence.
fn from(line: &Line) -> Option<String> {
    let late = line.quantiles(LATE);
    let ((few, least), others) = late.split_first()?;
    let felt =
        |(_, estimate): &&(u32, Estimate)| estimate.over(*least).and_then(|ratio| ratio.is_above(FELT)) == Some(true);
    let (last, _) = others.last()?;
    let few = units::count((*few).into());
    Some(match others.iter().find(felt) {
        Some((services, _)) => format!(
            "With {}, the p99 at the last Service is more than a tenth above that at {few} from {} on.",
            line.name,
            services_of(*services)
        ),
        None => format!(
            "With {}, the p99 at the last Service is not known to be a tenth above that at {few}, up to {}.",
            line.name,
            services_of(*last)
        ),
    })
}

fn nftables(evidence: &Evidence) -> Option<Finding> {
    let which = |cell: &Cell| is(BackendName::Nftables)(cell) && alone(cell);
    let lines = evidence.lines(Metric::Connect, which);
    if !lines.iter().any(|line| line.taken.len() > 1) {
        return None;
    }
    let (mut votes, mut figures) = (Votes::default(), Vec::new());
    let mut beside = Vec::new();
    for line in evidence.lines(Metric::Connect, alone) {
        let last = line.position.is_none_or(|position| position == Position::Last);
        let Some([(few, small), (many, large)]) = line.ends().filter(|_| last) else { continue };
        let Some(ratio) = large.over(small) else { continue };
        let figure = line.ratio(&format!("last, {}", from_to(few, many)), ratio);
        match line.contender.backend {
            BackendName::Nftables => {
                votes.cast(&line.name, ratio.is_above(LEVEL).map(|above| !above));
                figures.push(figure);
            }
            BackendName::Direct => {}
            _ => beside.push(figure),
        }
    }
    figures.extend(beside);
    let says = match votes.verdict() {
        Verdict::CannotBeTold => votes.unless_open("There are no two sizes with intervals that are narrow enough."),
        _ => "Up to a quarter more counts as the same.",
    };
    let finding = Finding::new(votes.verdict(), figures).say(votes.sentence()).say(says);
    Some(finding.lacking(&evidence.lacks(Metric::Connect, which)))
}
