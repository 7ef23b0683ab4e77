//! Capacities, laws and comparisons as one says them.

use crate::prose::list;
use crate::report::Point;
use analysis::capacity::{
    Answer, Basis, Capacity, Comparison, Crossing, Doubt, End, Estimate, Relation, Shape, VariantAnswer, Verdict,
};
use lab_core::units;
use lab_core::vocabulary::{Clock, Position, Quantile};

/// A number of Services to three digits, rounded down: what is claimed must hold.
pub(super) fn services(services: u32) -> String {
    let step = 10_u32.pow(services.checked_ilog10().unwrap_or(0).saturating_sub(2));
    units::count((services / step * step).into())
}

pub(super) fn number(capacity: &Capacity) -> String {
    match capacity {
        Capacity::UpTo { services: 0, .. } => "none".to_owned(),
        Capacity::UpTo { services, .. } => self::services(*services),
        Capacity::Throughout { services, .. } => format!("≥ {}", self::services(*services)),
        Capacity::Unsettled { .. } | Capacity::Unknown { .. } => "unknown".to_owned(),
    }
}

/// Its interval; empty where there is none.
pub(super) fn interval(capacity: &Capacity) -> String {
    match capacity {
        Capacity::UpTo { low, high: Some(high), .. } if low == high => String::new(),
        Capacity::UpTo { low, high: Some(high), .. } => format!("{}–{}", services(*low), services(*high)),
        Capacity::UpTo { low, high: None, .. } | Capacity::Throughout { low: Some(low), .. } => {
            format!("{} or more", services(*low))
        }
        Capacity::Unsettled { doubt: Doubt::Wide { low, high }, .. } => match high {
            Some(high) => format!("{}–{}", services(*low), services(*high)),
            None => format!("{} or more", services(*low)),
        },
        Capacity::Throughout { low: None, .. } | Capacity::Unsettled { .. } | Capacity::Unknown { .. } => String::new(),
    }
}

/// Why it is not more.
pub(super) fn why(answer: &Answer, variant: &VariantAnswer) -> String {
    let largest = answer.sizes.last().copied().unwrap_or(0);
    let binding = variant.binding.map_or(String::new(), |place| answer.question.objectives[place].name());
    match &variant.capacity {
        Capacity::UpTo { services: 0, high, .. } => {
            let smallest = variant.binding.and_then(|place| variant.parts[place].fitted.as_ref());
            let smallest =
                smallest.and_then(|fitted| fitted.series.figures.first()).map_or(1, |figure| figure.services);
            let perhaps = if *high == Some(0) { "" } else { ", as far as its interval tells" };
            format!("{binding} breaks its limit at {} already{perhaps}", crate::prose::services_of(&[smallest]))
        }
        Capacity::UpTo { basis, .. } => {
            let rests = match basis {
                Basis::Measured => String::new(),
                Basis::Law => format!(", by its law: measured up to {}", services(largest)),
                Basis::Extrapolated => {
                    format!(", EXTRAPOLATED past twice the {} that were measured", services(largest))
                }
            };
            format!("{binding} breaks its limit first{rests}")
        }
        Capacity::Throughout { low, end, .. } => {
            let may = low.map_or(String::new(), |low| format!("; it may break from {} on", services(low)));
            format!("{}{may}", self::end(*end))
        }
        Capacity::Unsettled { held, doubt, add } => unsettled(answer, *held, *doubt, add),
        Capacity::Unknown { why } => why.clone(),
    }
}

/// Why there is no number, and what to measure for one.
fn unsettled(answer: &Answer, held: u32, doubt: Doubt, add: &[u32]) -> String {
    let held = match held {
        0 => "an objective is broken at the smallest size".to_owned(),
        held if answer.sizes.last() == Some(&held) => format!("holds at {}, the largest size", services(held)),
        held => format!("holds as measured up to {}", services(held)),
    };
    let doubt = match doubt {
        Doubt::FewSizes(1) => "one size tells no law".to_owned(),
        Doubt::FewSizes(sizes) => format!("{sizes} sizes tell no law"),
        Doubt::Wide { low: 0, high: None } => {
            "the limit lies within the interval at every size: too little is known".to_owned()
        }
        Doubt::Wide { .. } => "the interval is wider than a factor of ten".to_owned(),
    };
    format!("{held}; {doubt}: {}", more(answer, add))
}

/// What to measure besides: `add --services 3,700 …`.
fn more(answer: &Answer, add: &[u32]) -> String {
    if add.is_empty() {
        return "measure it in more rounds (--rounds), or with a larger --budget where it ran out".to_owned();
    }
    let mut all: Vec<u32> = answer.sizes.iter().chain(add).copied().collect();
    all.sort_unstable();
    all.dedup();
    let sizes: Vec<String> = add.iter().map(|size| units::count((*size).into())).collect();
    let option: Vec<String> = all.iter().map(u32::to_string).collect();
    format!("add {} (--services {})", list(&sizes), option.join(","))
}

/// Why nothing is claimed beyond.
pub(super) fn end(end: End) -> String {
    match end {
        End::Reach(largest) => format!(
            "holds wherever it was measured, up to {}, and by the laws up to twice that; past it nothing is claimed",
            services(largest)
        ),
        End::OverBudget(over) => format!(
            "holds wherever it was measured; at {} the lab ran out of its budget, so that nothing is claimed from there \
             on",
            services(over)
        ),
        End::NoLaw => {
            "holds wherever it was measured; too few sizes were for a law, so that nothing is claimed beyond".to_owned()
        }
        End::NotShown(largest) => format!(
            "holds wherever it was measured, up to {}; up to there its growth does not show beside its fixed part, so that \
             nothing is claimed beyond: add larger sizes",
            services(largest)
        ),
        End::Most => "holds at every size one may ask for, EXTRAPOLATED".to_owned(),
    }
}

pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Breaks => "breaks",
        Verdict::Unsure => "not known: the limit lies within the interval",
        Verdict::Beyond(End::Reach(_)) => "not known: past twice what was measured",
        Verdict::Beyond(End::OverBudget(_)) => "not known: the lab ran out of its budget there or before",
        Verdict::Beyond(End::NoLaw) => "not known: too few sizes for a law",
        Verdict::Beyond(End::NotShown(_)) => "not known: its growth does not show at the sizes that were measured",
        Verdict::Beyond(End::Most) => "not known: more than anything is said of",
        Verdict::NoData => "not known: nothing was measured",
    }
}

pub(super) fn quantile(quantile: Quantile) -> &'static str {
    match quantile {
        Quantile::P50 => "; the median",
        Quantile::P90 => "; 9 of 10 stay within it",
        Quantile::P99 => "; 99 of 100 stay within it",
    }
}

/// `, at the last Service`.
pub(super) fn position(position: Option<Position>) -> String {
    position.map_or(String::new(), |position| format!(", at the {position} Service"))
}

/// What the numbers are of, after `Measured at …`.
pub(super) fn clock(answer: &Answer) -> String {
    let passes = match answer.passes {
        1 => "once".to_owned(),
        passes if answer.clock == Clock::Instructions || answer.calibration.is_some() => {
            format!("in {passes} replicas")
        }
        passes => format!("in {passes} rounds"),
    };
    match (answer.clock, &answer.calibration) {
        (_, Some(calibration)) => {
            format!(", counted {passes} in instructions, which the run {} made times of", calibration.timed)
        }
        (Clock::Instructions, None) => format!(", counted {passes} in instructions"),
        (Clock::Wall | Clock::WallEmulated, None) => format!(", {passes}"),
    }
}

/// `1.20 ms (1.10–1.31)` in one unit.
pub(super) fn estimate(estimate: Estimate, unit: lab_core::metric::Unit, clock: Clock) -> (String, String) {
    // One unit for the three of them, so that it need be said only once.
    let scale = units::Scale::fit(unit, clock, [estimate.value]);
    let (low, high) = (scale.number(estimate.low), scale.number(estimate.high));
    let interval = if low == high { String::new() } else { format!("{low}–{high}") };
    (units::human(unit, clock, estimate.value), interval)
}

/// What backends are to each other in every objective's metric, a sentence each.
pub(super) fn comparisons(answer: &Answer) -> Vec<Point> {
    let mut sentences = Vec::new();
    for objective in &answer.question.objectives {
        let of = |comparison: &&Comparison| {
            (comparison.metric, comparison.quantile) == (objective.metric, objective.quantile)
        };
        let clauses: Vec<String> = answer.comparisons.iter().filter(of).map(clause).collect();
        let Some(first) = answer.comparisons.iter().find(of) else { continue };
        let place = position(first.position);
        let head = format!("Beside each other in {}{place}", objective.name());
        let sentence = Point::new(head, format!("{}.", clauses.join("; ")));
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    sentences
}

/// What two backends are to each other: `nftables is cheaper than ipvs throughout (3.13× at 5,000)`.
pub(crate) fn clause(comparison: &Comparison) -> String {
    let Comparison { one, other, metric, range, relation, .. } = comparison;
    let better = Relation::word(*metric);
    match relation {
        Relation::Alike => {
            format!("{one} and {other} are not told apart up to {}", services(range.1))
        }
        Relation::Cheaper { name, from, to, at, ratio } => {
            let dearer = if name == one { other } else { one };
            let ratio = format!("{} at {}", units::ratio(ratio.value), services(*at));
            let apart = match (*from <= range.0, *to >= range.1) {
                (true, true) => "throughout".to_owned(),
                (false, true) => format!("from {} on", services(*from)),
                (true, false) => format!("up to {}", services(*to)),
                (false, false) => format!("from {} to {}", services(*from), services(*to)),
            };
            format!("{name} is {better} than {dearer} {apart} ({ratio})")
        }
        Relation::Crosses(crossings) => {
            let crossing = |crossing: &Crossing| {
                let law = if crossing.basis == Basis::Measured { "" } else { ", by their laws" };
                format!(
                    "{} is {better} up to {} Services ({}–{}{law}), {} beyond",
                    crossing.below,
                    services(crossing.services),
                    services(crossing.low),
                    services(crossing.high),
                    crossing.above
                )
            };
            list(&crossings.iter().map(crossing).collect::<Vec<_>>())
        }
    }
}

/// The law in words, with how sure its shape is and how well it fits where that is not as one expects.
pub(crate) fn law(fitted: &analysis::capacity::Fitted) -> String {
    const SURE: f64 = 0.8;
    const CLOSE: f64 = 1.25;
    let mut text = fitted.words();
    let Some(curve) = &fitted.curve else { return text };
    if curve.agreement() < SURE {
        text = format!("{text}; the shape is not sure ({:.0} % of draws agree)", 100.0 * curve.agreement());
    }
    if curve.distance() > CLOSE && curve.law().shape != Shape::Constant {
        let apart = units::ratio(curve.distance());
        text = format!("{text}; it does not fit well: sizes lie up to {apart} off it, and the curve follows them");
    }
    text
}
