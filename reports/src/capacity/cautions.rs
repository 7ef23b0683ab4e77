//! What is to be borne in mind with an answer.

use super::words::services;
use crate::clock;
use crate::prose::list;
use lab_core::capacity::{Absence, Answer, Basis, Capacity, End, Quantile};
use lab_core::reference;
use lab_core::units;
use lab_core::vocabulary::Clock;
use std::collections::BTreeMap;

/// A wrong factor by more than this is warned of.
const FAR: f64 = 2.0;

pub(super) fn all(answer: &Answer) -> Vec<String> {
    let mut points: Vec<String> = Vec::new();
    points.extend(absences(answer));
    points.extend(unclaimed(answer));
    points.extend(calibration(answer));
    if answer.clock == Clock::Instructions {
        points.push(format!("{} For answers in time: --calibrate HOST_RUN.", clock::caution(answer.clock)));
    }
    if answer.passes == 1 && answer.clock == Clock::Wall && answer.calibration.is_none() {
        points.push(
            "Everything was measured in a single round: how the machine drifts from one to the next is not in the \
             intervals, which are too narrow."
                .to_owned(),
        );
    }
    points.extend(tails(answer));
    if !answer.other_endpoints.is_empty() {
        let others: Vec<String> = answer.other_endpoints.iter().map(u32::to_string).collect();
        points.push(format!(
            "This is with {} endpoints a Service; the run has {} too: --endpoints N.",
            answer.endpoints,
            list(&others)
        ));
    }
    points.extend(beyond(answer));
    points.push(
        "An interval holds the truth about 95 times of 100 if costs grow as they do between the sizes that were \
         measured: within them by interpolation, beyond them by the law. What no size shows is in no interval. All \
         Services alike have the endpoints that were measured, on one otherwise idle node; the times are those of this \
         machine."
            .to_owned(),
    );
    points
}

/// What was asked and gave no figure, the same reason once.
fn absences(answer: &Answer) -> Vec<String> {
    let mut absences: BTreeMap<(usize, u32, String), Vec<String>> = BTreeMap::new();
    for variant in &answer.variants {
        for (place, part) in variant.parts.iter().enumerate() {
            for missing in &part.missing {
                let why = match &missing.why {
                    Absence::NotTaken => continue,
                    Absence::TooFew(samples) => format!("{samples} samples are too few for the quantile"),
                    why @ Absence::Ended(..) => why.to_string(),
                };
                absences.entry((place, missing.services, why)).or_default().push(variant.name.clone());
            }
        }
    }
    let said = |((place, size, why), names): (&(usize, u32, String), &Vec<String>)| {
        format!(
            "Not counted: {} of {} at {} Services: {why}.",
            answer.question.objectives[*place].name(),
            list(names),
            units::count((*size).into())
        )
    };
    absences.iter().map(said).collect()
}

/// What to do where nothing is claimed for want of sizes.
fn unclaimed(answer: &Answer) -> Option<String> {
    let ends = |capacity: &Capacity| matches!(capacity, Capacity::Throughout { end: End::Reach(_), .. });
    answer.variants.iter().any(|variant| ends(&variant.capacity)).then(|| {
        "A law is believed up to twice the largest size that it was read from. For an answer beyond, run the scenario \
         with a larger size (--services), or take one on trust: --extrapolate."
            .to_owned()
    })
}

fn calibration(answer: &Answer) -> Vec<String> {
    let Some(calibration) = &answer.calibration else { return Vec::new() };
    let mut points = vec![
        "Instructions are not time: a factor makes times of them that knows nothing of caches and memory, which grow with \
         long rule lists. What it was off by for each backend that was left out is in the intervals."
            .to_owned(),
    ];
    for factor in &calibration.factors {
        let (backend, off) = factor.worst();
        if off > FAR {
            points.push(format!(
                "WARNING: with the factor of {} that is fitted without {backend}, a cell of it comes out wrong by {}. \
                 Times made of these instructions are good for an order of magnitude: where it matters, measure on the \
                 host.",
                factor.metric,
                units::ratio(off)
            ));
        }
    }
    points
}

/// What a p99 of few rounds is, and one of what is counted.
fn tails(answer: &Answer) -> Option<String> {
    let tail = answer.question.objectives.iter().find(|objective| objective.quantile != Quantile::P50)?;
    let (name, quantile) = (tail.name(), tail.quantile);
    Some(match (answer.clock, &answer.calibration) {
        (_, Some(_)) => format!(
            "{name}: what is counted comes out the same every time and has no tail. The factor is from that count to the \
             {quantile} of the timed run, tail and all."
        ),
        (Clock::Instructions, None) => format!(
            "{name}: what is counted comes out the same every time, so that its {quantile} is its median. The tail that \
             waiting and other programs make is not in it."
        ),
        (Clock::Wall | Clock::WallEmulated, None) => format!(
            "{name} is of all rounds' samples together, so that the machine's worst round decides it as much as the \
             backend: where direct has the same tail, it is the machine's."
        ),
    })
}

/// What Kubernetes supports, where an answer is past it.
fn beyond(answer: &Answer) -> Option<String> {
    let limits = reference::find("kubernetes-limits")?;
    let &supported = limits.services.first()?;
    let claimed = answer.variants.iter().filter_map(|variant| match variant.capacity {
        Capacity::UpTo { services, .. } | Capacity::Throughout { services, .. } => Some(services),
        Capacity::Unknown { .. } => None,
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
        return extrapolated.then(|| marked.trim_start().to_owned());
    }
    Some(format!(
        "Kubernetes supports {} Services in a cluster ({}): beyond that, read it as where things go, not as what anyone \
         should run.{marked}",
        services(supported),
        limits.source
    ))
}
