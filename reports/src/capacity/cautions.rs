//! What is to be borne in mind with an answer.

use super::words::services;
use crate::prose::{list, services_of};
use crate::report::Point;
use crate::results::clock;
use analysis::capacity::{Absence, Answer, Basis, Calibration, Capacity, End};
use lab_core::reference;
use lab_core::units;
use lab_core::vocabulary::{BackendName, Clock, Quantile};
use std::collections::{BTreeMap, BTreeSet};

/// A wrong factor by more than this is warned of.
const FAR: f64 = 2.0;

pub(super) fn all(answer: &Answer) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    points.extend(absences(answer));
    points.extend(unclaimed(answer));
    points.extend(calibration(answer));
    if answer.clock == Clock::Instructions {
        let caution = format!("{} For answers in time: --calibrate HOST_RUN.", clock::caution(answer.clock));
        points.push(Point::new("Instructions", caution));
    }
    if answer.passes == 1 && answer.clock == Clock::Wall && answer.calibration.is_none() {
        let narrow = "everything was measured in it alone: how the machine drifts from one round to the next is not in the \
                      intervals, which are too narrow.";
        points.push(Point::new("A single round", narrow));
    }
    points.extend(tails(answer));
    if !answer.other_endpoints.is_empty() {
        let others: Vec<String> = answer.other_endpoints.iter().map(u32::to_string).collect();
        let others = format!("this is with {}; the run has {} too: --endpoints N.", answer.endpoints, list(&others));
        points.push(Point::new("Endpoints a Service", others));
    }
    points.extend(beyond(answer));
    let trust = "an interval holds the truth about 95 times of 100 if costs grow as they do between the sizes that were \
                 measured: within them by interpolation, beyond them by the law. What no size shows is in no interval. \
                 All Services are alike, with as many endpoints as were measured, on one otherwise idle node, and times \
                 are those of the machine that was measured.";
    points.push(Point::new("When to trust it", trust));
    points
}

/// What was asked and gave no figure, the same reason once.
fn absences(answer: &Answer) -> Vec<Point> {
    let mut absences: BTreeMap<(usize, String), (Vec<String>, Vec<u32>)> = BTreeMap::new();
    for variant in &answer.variants {
        for (place, part) in variant.parts.iter().enumerate() {
            for missing in &part.missing {
                let why = match &missing.why {
                    Absence::NotTaken => continue,
                    Absence::TooFew(samples) => {
                        let samples = units::agreeing(*samples as u64, "sample is", "samples are");
                        format!("{samples} too few for the quantile")
                    }
                    why @ Absence::Ended(..) => why.to_string(),
                };
                let (names, sizes) = absences.entry((place, why)).or_default();
                if !names.contains(&variant.name) {
                    names.push(variant.name.clone());
                }
                if !sizes.contains(&missing.services) {
                    sizes.push(missing.services);
                }
            }
        }
    }
    let mut points = Vec::new();
    for ((place, why), (names, sizes)) in absences {
        let what = answer.question.objectives[place].name();
        let (of, at) = (list(&names), services_of(&sizes));
        points.push(Point::new("Not counted", format!("{what} of {of} at {at}: {why}.")));
    }
    points
}

/// What to do where nothing is claimed for want of sizes.
fn unclaimed(answer: &Answer) -> Option<Point> {
    let ends = |capacity: &Capacity| matches!(capacity, Capacity::Throughout { end: End::Reach(_), .. });
    let beyond = "a law is believed up to twice the largest size that it was read from. For an answer beyond, run the \
                  scenario with a larger size (--services), or take one on trust: --extrapolate.";
    answer.variants.iter().any(|variant| ends(&variant.capacity)).then(|| Point::new("Farther", beyond))
}

fn calibration(answer: &Answer) -> Vec<Point> {
    let Some(calibration) = &answer.calibration else { return Vec::new() };
    let rates = "instructions are not time: the rates that make times of them know nothing of caches and memory, which \
                 grow with long rule lists. What they were off by for each backend that was left out is in the intervals.";
    let fitted = calibration.factors.iter().map(|factor| {
        let backends: Vec<String> = factor.left_out.iter().map(|left| left.backend.to_string()).collect();
        let cells = units::counted(factor.cells as u64, "cell");
        format!("{} to {cells} of {}", factor.quantile.of(factor.metric), list(&backends))
    });
    let fitted = fitted.collect::<Vec<_>>().join("; ");
    let text = format!("{rates} They are fitted to what both runs measured: {fitted}.");
    let mut points = vec![Point::new("Calibrated", text)];
    points.extend(untimed(answer, calibration));
    for factor in &calibration.factors {
        let (backend, off) = factor.worst();
        if off > FAR {
            let warning = format!(
                "with the rates of {} that are fitted without {backend}, a cell of it comes out wrong by {}. \
                 Times made of these instructions are good for an order of magnitude: where it matters, measure on the \
                 host.",
                factor.metric,
                units::ratio(off)
            );
            points.push(Point::new("WARNING", warning));
        }
    }
    points
}

/// The backends whose times come from other backends' rates.
fn untimed(answer: &Answer, calibration: &Calibration) -> Vec<Point> {
    let asked: BTreeSet<BackendName> = answer.variants.iter().map(|one| one.variant.backend).collect();
    let mut metrics: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for factor in &calibration.factors {
        let timed: BTreeSet<BackendName> = factor.left_out.iter().map(|left| left.backend).collect();
        let backends: Vec<String> = asked.difference(&timed).map(BackendName::to_string).collect();
        if !backends.is_empty() {
            metrics.entry(backends).or_default().push(factor.metric.to_string());
        }
    }
    let told = metrics.iter().map(|(backends, metrics)| {
        format!(
            "the times of {} are made with the others' rates alone: the timed run has no such cell of {}.",
            list(backends),
            list(metrics)
        )
    });
    told.map(|text| Point::new("WARNING", text)).collect()
}

/// What a p99 of few rounds is, and one of what is counted.
fn tails(answer: &Answer) -> Option<Point> {
    let tail = answer.question.objectives.iter().find(|objective| objective.quantile != Quantile::P50)?;
    let (name, quantile) = (tail.name(), tail.quantile);
    let text = match (answer.clock, &answer.calibration) {
        (_, Some(_)) => format!(
            "what is counted comes out the same every time and has no tail. The rates are from that count to the \
             {quantile} of the timed run, tail and all."
        ),
        (Clock::Instructions, None) => format!(
            "what is counted comes out the same every time, so that its {quantile} is its median. The tail that \
             waiting and other programs make is not in it."
        ),
        (Clock::Wall | Clock::WallEmulated, None) => {
            "it is of all rounds' samples together, so that the machine's worst round decides it as much as the backend: \
             where direct has the same tail, it is the machine's."
                .to_owned()
        }
    };
    Some(Point::new(name, text))
}

/// What Kubernetes supports, where an answer is past it.
fn beyond(answer: &Answer) -> Option<Point> {
    let limits = reference::find("kubernetes-limits")?;
    let &supported = limits.services.first()?;
    let claimed = answer.variants.iter().filter_map(|variant| match variant.capacity {
        Capacity::UpTo { services, .. } | Capacity::Throughout { services, .. } => Some(services),
        Capacity::Unsettled { .. } | Capacity::Unknown { .. } => None,
    });
    let largest = claimed.chain(answer.question.sizes.iter().copied()).max()?;
    let extrapolated = answer.variants.iter().any(|variant| {
        matches!(
            variant.capacity,
            Capacity::UpTo { basis: Basis::Extrapolated, .. } | Capacity::Throughout { end: End::Most, .. }
        )
    });
    let marked =
        if extrapolated { " What is marked EXTRAPOLATED rests on nothing that was measured near it." } else { "" };
    if largest <= supported {
        return extrapolated.then(|| Point::new("EXTRAPOLATED", marked.trim_start()));
    }
    let text = format!(
        "Kubernetes supports {} in a cluster ({}): beyond that, read it as where things go, not as what anyone \
         should run.{marked}",
        services(supported),
        limits.source
    );
    Some(Point::new("Past 10,000 Services", text))
}
