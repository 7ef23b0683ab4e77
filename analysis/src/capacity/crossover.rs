//! Where one variant becomes cheaper than another.
//!
//! At every size of a fine grid the draws of the two curves say whether one is surely cheaper, the other, or neither. A
//! crossover lies between the last size at which the one surely is and the first at which the other is: all sizes at which
//! their costs may be equal, so that the interval holds the true one as often as the curves' own do.

use super::curve::{Curve, Estimate, estimate};
use super::fitted::Fitted;
use super::series::Series;
use super::standing::{Basis, reach, whole};
use lab_core::metric::{Better, Metric};
use lab_core::stats::{CONFIDENCE, size};
use lab_core::vocabulary::{BackendName, Position, Quantile};
use std::collections::BTreeMap;

/// Two variants beside each other in one metric. `direct` is not compared: it carries no Services.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The first one's name.
    pub one: String,
    /// The other one's name.
    pub other: String,
    /// What is compared.
    pub metric: Metric,
    /// Which figure of it.
    pub quantile: Quantile,
    /// Which Service was asked.
    pub position: Option<Position>,
    /// The smallest and the largest size at which they are compared: both were measured, or their laws reach so far.
    pub range: (u32, u32),
    /// How they stand to each other.
    pub relation: Relation,
}

/// How two variants stand to each other. *Cheaper* is less of a cost and more of a rate.
#[derive(Debug, Clone, PartialEq)]
pub enum Relation {
    /// They are told apart at no size.
    Alike,
    /// One is cheaper wherever they are told apart.
    Cheaper {
        /// Its name.
        name: String,
        /// The smallest size at which that is sure.
        from: u32,
        /// The largest.
        to: u32,
        /// The largest size that both were measured at and at which it is sure; [`to`](Self::Cheaper::to) where there is
        /// none.
        at: u32,
        /// What the dearer one costs against it there, as a ratio above 1.
        ratio: Estimate,
    },
    /// Which one is cheaper depends on the number of Services.
    Crosses(Vec<Crossing>),
}

/// A number of Services at which two variants cost the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Crossing {
    /// The number.
    pub services: u32,
    /// The largest size at which `below` is surely cheaper.
    pub low: u32,
    /// The smallest size at which `above` is surely cheaper.
    pub high: u32,
    /// The cheaper one below.
    pub below: String,
    /// The cheaper one above.
    pub above: String,
    /// What it rests on.
    pub basis: Basis,
}

/// The least difference that anyone would call one, as a logarithm: what three digits show.
const VISIBLE: f64 = 0.005;

/// The comparisons of all pairs of variants among `fitted` that are of the same metric, quantile and probe, at the largest
/// number of endpoints and the last position that was asked.
///
/// They are compared where both were measured, and up to twice the largest size that both were measured at (a law each
/// needs three sizes; without one a variant is not compared).
#[must_use]
pub fn crossovers(fitted: &[Fitted]) -> Vec<Comparison> {
    pairs(&fitted.iter().collect::<Vec<_>>(), false)
}

/// The same, beyond that too if one is to `extrapolate`.
pub(super) fn pairs(fitted: &[&Fitted], extrapolate: bool) -> Vec<Comparison> {
    let mut alike: BTreeMap<_, Vec<&Fitted>> = BTreeMap::new();
    for &one in fitted.iter().filter(|fitted| fitted.series.variant.backend != BackendName::Direct) {
        let Series { probe, metric, quantile, .. } = one.series;
        alike.entry((metric, quantile, probe)).or_default().push(one);
    }
    let mut comparisons = Vec::new();
    for mut fitted in alike.into_values() {
        let place = |fitted: &&Fitted| (fitted.series.endpoints, fitted.series.position);
        let last = fitted.iter().map(place).max();
        fitted.retain(|one| Some(place(one)) == last);
        for (index, one) in fitted.iter().enumerate() {
            comparisons.extend(fitted[index + 1..].iter().filter_map(|other| compare(one, other, extrapolate)));
        }
    }
    comparisons
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cheaper {
    One,
    Other,
}

/// `None` where one of them has no curve, or they have no size in common.
fn compare(one: &Fitted, other: &Fitted, extrapolate: bool) -> Option<Comparison> {
    let (a, b) = (one.curve.as_ref()?, other.curve.as_ref()?);
    let start = a.range().0.max(b.range().0);
    let largest = a.range().1.min(b.range().1);
    let end = reach(one, extrapolate)?.0.min(reach(other, extrapolate)?.0);
    // One of them may have a longer reach than what both were measured at allows.
    let end = if extrapolate { end } else { end.min(super::REACH * largest) };
    if start >= end {
        return None;
    }
    let mut grid: Vec<f64> = [a.grid(end), b.grid(end)].concat();
    grid.retain(|services| (start..=end).contains(services));
    grid.sort_by(f64::total_cmp);
    grid.dedup_by(|one, other| (*one / *other - 1.0).abs() < 1e-9);
    let all: Vec<Option<Cheaper>> = grid.iter().map(|&services| surely(a, b, services)).collect();
    // What is sure at one size and not at those beside it is chance: of so many sizes, some are looked at too often.
    let stands = |index: usize| {
        let beside = [index.checked_sub(1), Some(index + 1)];
        beside.into_iter().flatten().any(|beside| all.get(beside) == Some(&all[index]))
    };
    let sure: Vec<(f64, Cheaper)> =
        (0..grid.len()).filter(|&index| stands(index)).filter_map(|index| Some((grid[index], all[index]?))).collect();
    let name = |cheaper| if cheaper == Cheaper::One { &one.name } else { &other.name }.clone();
    let crossing = |pair: &[(f64, Cheaper)]| {
        let ((low, below), (high, above)) = (pair[0], pair[1]);
        let services = equal(a, b, low, high);
        let basis = Basis::of(services, whole(largest));
        Crossing {
            services: whole(services),
            low: whole(low),
            high: whole(high.ceil()),
            below: name(below),
            above: name(above),
            basis,
        }
    };
    let crossings: Vec<Crossing> = sure.windows(2).filter(|pair| pair[0].1 != pair[1].1).map(crossing).collect();
    let relation = match (sure.first(), sure.last()) {
        _ if !crossings.is_empty() => Relation::Crosses(crossings),
        (Some(&(from, cheaper)), Some(&(to, _))) => {
            let at = if from <= largest { to.min(largest) } else { to };
            let ratio = if cheaper == Cheaper::One { ratio(b, a, at) } else { ratio(a, b, at) };
            Relation::Cheaper { name: name(cheaper), from: whole(from), to: whole(to), at: whole(at), ratio }
        }
        _ => Relation::Alike,
    };
    let series = &one.series;
    Some(Comparison {
        one: one.name.clone(),
        other: other.name.clone(),
        metric: series.metric,
        quantile: series.quantile,
        position: series.position,
        range: (whole(start), whole(end)),
        relation,
    })
}

/// Which of the two costs surely less at `services`.
fn surely(one: &Curve, other: &Curve, services: f64) -> Option<Cheaper> {
    let (draws, all) = (differences(one, other, services), size(super::DRAWS));
    let share = |test: fn(f64) -> bool| size(draws.iter().filter(|difference| test(**difference)).count()) / all;
    let sure = 1.0 - (1.0 - CONFIDENCE) / 2.0;
    if share(|difference| difference < -VISIBLE) >= sure {
        return Some(Cheaper::One);
    }
    (share(|difference| difference > VISIBLE) >= sure).then_some(Cheaper::Other)
}

/// The logarithm of one's cost against the other's, by each draw.
fn differences(one: &Curve, other: &Curve, services: f64) -> Vec<f64> {
    one.costs(services).1.zip(other.costs(services).1).map(|(one, other)| one - other).collect()
}

/// What `dear` costs against `cheap`.
fn ratio(dear: &Curve, cheap: &Curve, services: f64) -> Estimate {
    let guess = (dear.costs(services).0 - cheap.costs(services).0).exp();
    estimate(guess, differences(dear, cheap, services).into_iter().map(f64::exp))
}

/// Where the best guesses of the two cost the same, between `low` and `high`.
fn equal(one: &Curve, other: &Curve, low: f64, high: f64) -> f64 {
    let difference = |services: f64| one.costs(services).0 - other.costs(services).0;
    let (mut low, mut high, side) = (low, high, difference(low) < 0.0);
    for _ in 0..30 {
        let middle = (low * high).sqrt();
        if (difference(middle) < 0.0) == side { low = middle } else { high = middle }
    }
    (low * high).sqrt()
}

impl Relation {
    /// Whether more of `metric` is better, so that *cheaper* reads as *better*.
    #[must_use]
    pub fn word(metric: Metric) -> &'static str {
        if metric.better() == Better::Higher { "better" } else { "cheaper" }
    }
}
