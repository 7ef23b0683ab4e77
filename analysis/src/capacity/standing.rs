//! Where a series stands towards a limit: up to how many Services it holds it, and how far anything is claimed.

use super::curve::{DRAWS, Estimate};
use super::doubt::{Doubt, SETTLING, WIDEST, sizes_to_add};
use super::fitted::Fitted;
use super::{MOST_SERVICES, REACH};
use lab_core::metric::Better;
use lab_core::stats::{self, CONFIDENCE, Dice, size};

/// Up to how many Services objectives are held.
#[derive(Debug, Clone, PartialEq)]
pub enum Capacity {
    /// Up to this many, and no more.
    UpTo {
        /// How many; 0 when an objective is broken at the smallest size that was measured.
        services: u32,
        /// The interval's lower end.
        low: u32,
        /// The interval's upper end; `None` when it is beyond everything that is claimed.
        high: Option<u32>,
        /// What it rests on.
        basis: Basis,
    },
    /// At every size of which anything is claimed.
    Throughout {
        /// The largest such size.
        services: u32,
        /// From where on an objective may be broken nevertheless; `None` when that is not to be expected.
        low: Option<u32>,
        /// Why nothing is claimed beyond.
        end: End,
        /// What the claim rests on at its largest size.
        basis: Basis,
    },
    /// Something was measured, and it does not tell a number.
    Unsettled {
        /// The largest measured size up to which every objective is held; 0 where one is broken at the smallest.
        held: u32,
        /// Why there is no number.
        doubt: Doubt,
        /// The sizes to measure besides; empty when more of the same sizes is what is missing.
        add: Vec<u32>,
    },
    /// Nothing can be said.
    Unknown {
        /// Why.
        why: String,
    },
}

/// What a number of Services rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// It lies between sizes that were measured.
    Measured,
    /// It lies beyond them, by at most [`REACH`].
    Law,
    /// It lies beyond that, because it was asked for.
    Extrapolated,
}

/// Why nothing is claimed beyond a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It is [`REACH`] times the largest size that was measured, which is this.
    Reach(u32),
    /// The next size that was tried, this one, went over its budget.
    OverBudget(u32),
    /// It is the largest that was measured, and too few were for a law.
    NoLaw,
    /// It is the largest that was measured, this one, and a load's growth does not show up to there.
    NotShown(u32),
    /// It is the most that anything is said of.
    Most,
}

/// Whether an objective is held at a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Holds,
    /// It is broken.
    Breaks,
    /// The limit lies within the interval.
    Unsure,
    /// Nothing is claimed there.
    Beyond(End),
    /// There is nothing to tell it from.
    NoData,
}

/// A series against a limit.
pub(super) struct Standing<'a> {
    pub(super) fitted: &'a Fitted,
    pub(super) limit: f64,
    /// How far anything is claimed, and why not farther.
    pub(super) reach: (f64, End),
    /// From where on the limit is broken: by the best guess, then by each draw. `None` when it is not within the reach.
    pub(super) breaks: (Option<f64>, Vec<Option<f64>>),
}

/// The quantiles of the draws that an interval ends at.
const TAIL: f64 = (1.0 - CONFIDENCE) / 2.0;

impl<'a> Standing<'a> {
    /// `None` when nothing was measured.
    pub(super) fn of(fitted: &'a Fitted, limit: f64, extrapolate: bool) -> Option<Self> {
        let reach = reach(fitted, extrapolate)?;
        let breaks = match &fitted.curve {
            Some(curve) => curve.breaks(limit, reach.0),
            None => between(fitted, limit),
        };
        Some(Self { fitted, limit, reach, breaks })
    }

    /// The largest size that was measured.
    pub(super) fn largest(&self) -> u32 {
        self.fitted.series.figures.last().map_or(0, |figure| figure.services)
    }

    /// The sizes that were measured, ascending.
    fn sizes(&self) -> Vec<u32> {
        self.fitted.series.figures.iter().map(|figure| figure.services).collect()
    }

    /// Whether so few sizes were measured that nothing is said beyond them.
    fn is_young(&self) -> bool {
        self.fitted.series.figures.len() < SETTLING
    }

    /// The largest measured size up to which the limit is held; 0 where it is broken at the smallest.
    fn held(&self) -> u32 {
        let figures = &self.fitted.series.figures;
        let held = figures.iter().take_while(|figure| self.holds(figure.value));
        held.last().map_or(0, |figure| figure.services)
    }

    fn holds(&self, value: f64) -> bool {
        match self.fitted.series.metric.better() {
            Better::Higher => value >= self.limit,
            Better::Lower | Better::Neither => value <= self.limit,
        }
    }

    /// The metric at `services`, where there is a curve and something is claimed; where there is none, at measured sizes.
    pub(super) fn value(&self, services: u32) -> Option<Estimate> {
        if let Some(curve) = &self.fitted.curve {
            return (f64::from(services) <= self.reach.0).then(|| curve.at(services.into()));
        }
        let figure = self.fitted.series.figures.iter().find(|figure| figure.services == services)?;
        let off = (2.0 * figure.variance.sqrt()).exp();
        Some(Estimate { value: figure.value, low: figure.value / off, high: figure.value * off })
    }

    /// Whether the limit is held at `services`.
    ///
    /// Where it is broken below the reach already it is so beyond, since costs do not fall.
    pub(super) fn verdict(&self, services: u32) -> Verdict {
        if let Some(value) = self.value(services) {
            return match (self.holds(value.low), self.holds(value.high)) {
                (true, true) => Verdict::Holds,
                (false, false) => Verdict::Breaks,
                _ => Verdict::Unsure,
            };
        }
        let (wanted, draws) = (f64::from(services), &self.breaks.1);
        let share = |test: fn(f64, f64) -> bool| {
            size(draws.iter().flatten().filter(|broken| test(**broken, wanted)).count()) / size(draws.len())
        };
        match () {
            () if share(|broken, wanted| broken < wanted) >= 1.0 - TAIL => Verdict::Breaks,
            () if wanted > self.reach.0 => Verdict::Beyond(self.reach.1),
            () if share(|broken, wanted| broken < wanted) <= TAIL => Verdict::Holds,
            () => Verdict::Unsure,
        }
    }

    /// The worse one first: that breaks its limit at fewer Services, or may come nearer to it within its reach.
    pub(super) fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let broken = |standing: &Self| standing.breaks.0.unwrap_or(f64::INFINITY);
        let near = |standing: &Self| {
            let farthest = whole(standing.reach.0);
            let value = standing.value(farthest).or_else(|| standing.value(standing.largest()));
            match (value, standing.fitted.series.metric.better()) {
                (None, _) => f64::INFINITY,
                (Some(value), Better::Higher) => value.low,
                (Some(value), Better::Lower | Better::Neither) => -value.high,
            }
        };
        broken(self).total_cmp(&broken(other)).then(near(self).total_cmp(&near(other)))
    }
}

impl Verdict {
    /// What is to be said of all together: broken if any is, held if all are.
    pub(super) fn of_all(verdicts: impl Iterator<Item = Self>) -> Self {
        let rank = |verdict: &Self| match verdict {
            Self::Holds => 0,
            Self::Unsure => 1,
            Self::Beyond(_) => 2,
            Self::NoData => 3,
            Self::Breaks => 4,
        };
        verdicts.max_by_key(rank).unwrap_or(Self::NoData)
    }
}

impl Capacity {
    /// Up to where all of `standings`, at least one, are held together. Where that cannot be told, what to measure to tell
    /// it, also at the size `wanted`.
    pub(super) fn of(standings: &[&Standing], wanted: Option<u32>) -> Self {
        let first = |breaks: &mut dyn Iterator<Item = Option<f64>>| breaks.flatten().min_by(f64::total_cmp);
        let Some(shortest) = standings.iter().min_by(|one, other| one.reach.0.total_cmp(&other.reach.0)) else {
            return Self::Unknown { why: "nothing was measured".to_owned() };
        };
        let (reach, end) = shortest.reach;
        let within = |broken: &f64| *broken < reach;
        let guess = first(&mut standings.iter().map(|standing| standing.breaks.0)).filter(within);
        let draws: Vec<f64> = (0..DRAWS)
            .map(|draw| first(&mut standings.iter().map(|standing| standing.breaks.1[draw])).filter(within))
            .map(|broken| broken.unwrap_or(f64::INFINITY))
            .collect();
        let draws = stats::sorted(&draws);
        let at = |q: f64| draws[index(q * size(DRAWS - 1))];
        let (low, high) = (at(TAIL), at(1.0 - TAIL));
        let largest = standings.iter().map(|standing| standing.largest()).min().unwrap_or(0);
        let young = standings.iter().filter(|standing| standing.is_young()).map(|one| one.sizes().len()).min();
        let wide = high.min(reach) > WIDEST * low.max(1.0);
        let doubt = match (guess, young) {
            (None, Some(sizes)) => Some(Doubt::FewSizes(sizes)),
            (Some(_), Some(sizes)) if !high.is_finite() && !wide => Some(Doubt::FewSizes(sizes)),
            _ if low.is_finite() && wide => {
                Some(Doubt::Wide { low: whole(low), high: high.is_finite().then(|| whole(high)) })
            }
            _ => None,
        };
        if let Some(doubt) = doubt {
            // Where the limit breaks among the sizes, larger ones would not tell better where.
            let among = guess.filter(|services| *services <= f64::from(largest));
            let wanted = among.or(wanted.map(f64::from)).or(guess).unwrap_or(2.0 * REACH * f64::from(largest));
            let add = sizes_to_add(&shortest.sizes(), wanted, shortest.fitted.series.over_budget());
            let held = standings.iter().map(|standing| standing.held()).min().unwrap_or(0);
            return Self::Unsettled { held, doubt, add };
        }
        match guess {
            Some(services) => Self::UpTo {
                services: whole(services),
                low: whole(low.min(services)),
                high: high.is_finite().then(|| whole(high.max(services))),
                basis: Basis::of(services, largest),
            },
            None => Self::Throughout {
                services: whole(reach),
                low: low.is_finite().then(|| whole(low)),
                end,
                basis: Basis::of(reach, largest),
            },
        }
    }
}

impl Basis {
    pub(super) fn of(services: f64, largest: u32) -> Self {
        let largest = f64::from(largest);
        match services {
            _ if services <= largest => Self::Measured,
            _ if services <= REACH * largest => Self::Law,
            _ => Self::Extrapolated,
        }
    }
}

/// How far anything is claimed of a series, and why not farther; `None` when nothing was measured.
pub(super) fn reach(fitted: &Fitted, extrapolate: bool) -> Option<(f64, End)> {
    let largest = fitted.series.figures.last()?.services;
    let over = fitted.series.over_budget();
    let curve = fitted.curve.as_ref().filter(|_| fitted.series.figures.len() >= SETTLING);
    let Some(curve) = curve else { return Some((largest.into(), over.map_or(End::NoLaw, End::OverBudget))) };
    if fitted.series.grows && !curve.shows_growth() {
        return Some((largest.into(), over.map_or(End::NotShown(largest), End::OverBudget)));
    }
    let (reach, end) = match extrapolate {
        true => (MOST_SERVICES.into(), End::Most),
        false => (REACH * f64::from(largest), End::Reach(largest)),
    };
    Some(match over {
        Some(over) if f64::from(over) <= reach => (f64::from(over) - 1.0, End::OverBudget(over)),
        _ => (reach, end),
    })
}

/// Without a law: the limit breaks somewhere between the last size that holds it and the first that does not.
fn between(fitted: &Fitted, limit: f64) -> (Option<f64>, Vec<Option<f64>>) {
    let figures = &fitted.series.figures;
    let higher = fitted.series.metric.better() == Better::Higher;
    let broken = |value: f64| if higher { value < limit } else { value > limit };
    let mut dice = Dice::seeded(0);
    let draws = (0..DRAWS).map(|_| {
        let moved: Vec<f64> =
            figures.iter().map(|figure| figure.value * (figure.variance.sqrt() * dice.normal()).exp()).collect();
        let first = moved.iter().position(|value| broken(*value))?;
        let Some(before) = first.checked_sub(1) else { return Some(0.0) };
        let (low, high) = (f64::from(figures[before].services), f64::from(figures[first].services));
        Some(low * (high / low).powf(dice.share()))
    });
    let draws = draws.collect();
    let first = figures.iter().position(|figure| broken(figure.value));
    let guess = first.map(|first| first.checked_sub(1).map_or(0.0, |before| f64::from(figures[before].services)));
    (guess, draws)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and below a million")]
pub(super) fn whole(services: f64) -> u32 {
    // What was found by halving may be a hair below a whole number.
    (services * (1.0 + 1e-9)) as u32
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
fn index(place: f64) -> usize {
    place.round() as usize
}
