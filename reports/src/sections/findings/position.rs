//! Whether it makes a difference which Service is asked.

use crate::prose::{list, services_of};
use crate::report::Point;
use crate::results::clock::Between;
use crate::results::standing::ALIKE;
use crate::results::variant::VariantRun;
use crate::results::{Found, Results};
use analysis::summary::Figures;
use lab_core::metric::{Better, Metric};
use lab_core::units;
use lab_core::vocabulary::{BackendName, Outcome, Position, ProbeName};

/// What is asked at a position, and what that is called.
const ASKED: [(ProbeName, &str); 3] = [
    (ProbeName::Connect, "a new connection"),
    (ProbeName::Bandwidth, "bandwidth"),
    (ProbeName::ConnectionsPerSecond, "the rate of short connections"),
];

/// A finding a probe that was asked at the first and at the last Service.
pub(super) fn points(results: &Results) -> Vec<Point> {
    ASKED.into_iter().filter_map(|(probe, noun)| point(results, probe, noun)).collect()
}

fn point(results: &Results, probe: ProbeName, noun: &str) -> Option<Point> {
    let largest =
        results.sizes().into_iter().rev().find(|&size| size > 1 && !pairs(results, probe, size).is_empty())?;
    let pairs = pairs(results, probe, largest);
    let are = |between| pairs.iter().filter(move |(_, first, last)| results.between(first, last) == between);
    let known = are(Between::Different);
    let relevant = known.clone().filter(|(_, first, last)| !(1.0 / ALIKE..ALIKE).contains(&(last.p50 / first.p50)));
    let head = match (known.count(), relevant.count()) {
        (_, 0) if are(Between::Unknown).count() > 0 => {
            format!("There are too few samples to say whether position makes a difference to {noun}")
        }
        (0, _) if results.is_exact() => format!("Position makes no difference to {noun}"),
        (0, _) => format!("Position makes no difference to {noun} that the intervals show"),
        (_, 0) => format!("Position makes hardly a difference to {noun}"),
        (_, all) if all == pairs.len() => format!("Position makes a difference to {noun}"),
        _ => format!("Position makes a difference to {noun} with some"),
    };
    let clauses: Vec<String> = pairs
        .iter()
        .map(|(variant, first, last)| {
            let ratio = units::ratio(last.p50 / first.p50);
            format!("{ratio}{} with {}", outside(results, first, last), results.name(*variant, probe))
        })
        .collect();
    let verb = if Metric::of(probe).better() == Better::Higher { "reaches" } else { "costs" };
    let expected = match probe {
        ProbeName::Bandwidth if !head.contains("makes a difference") => {
            " conntrack takes a connection past the rules after its first packet."
        }
        _ => "",
    };
    let text = format!(
        "at {}, the last one {verb} {} what the first one does.{expected}",
        services_of(&[largest]),
        list(&clauses)
    );
    Some(Point::new(head, text))
}

/// What each backend was measured at the first and the last of `services`.
fn pairs(results: &Results, probe: ProbeName, services: u32) -> Vec<(VariantRun, Figures, Figures)> {
    let figures = |variant: VariantRun, position| {
        let found = results.at(variant, services, None, (probe, Some(position)), Metric::of(probe));
        let Found::Own(row) = found else { return None };
        row.figures.filter(|figures| row.outcome == Outcome::Measured && figures.p50 > 0.0)
    };
    let variants = results.variants(probe).into_iter().filter(|variant| variant.backend != BackendName::Direct);
    variants
        .filter_map(|variant| Some((variant, figures(variant, Position::First)?, figures(variant, Position::Last)?)))
        .collect()
}

/// Between which numbers the ratio lies, taking each interval's far end; empty where it has no interval, or is exact.
fn outside(results: &Results, first: &Figures, last: &Figures) -> String {
    let (Some(first), Some(last)) = (results.bounds(first), results.bounds(last)) else { return String::new() };
    let (low, high) = (last.0 / first.1, last.1 / first.0);
    match low.is_finite() && high.is_finite() && units::ratio(low) != units::ratio(high) {
        true => format!(" ({} to {})", units::ratio(low), units::ratio(high)),
        false => String::new(),
    }
}
