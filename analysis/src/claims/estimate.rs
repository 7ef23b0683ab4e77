//! A figure with its interval, and what becomes of both where figures are added, divided, and compared with a number.

use crate::summary::Gathered;
use lab_core::metric::Unit;
use lab_core::stats;
use lab_core::vocabulary::Clock;

/// The bootstrap's seed: fixed, so that a dataset has one finding.
const SEED: u64 = 0;

/// The two-sided 95 % quantile of Student's t with `free` degrees of freedom; endless with none.
pub(super) fn student(free: usize) -> f64 {
    const FIRST: [f64; 10] = [12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23];
    free.checked_sub(1).map_or(f64::INFINITY, |place| FIRST.get(place).copied().unwrap_or(2.1))
}

/// A figure, and between which numbers it lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The lower end of its interval.
    pub low: f64,
    /// The figure.
    pub value: f64,
    /// The upper end of its interval.
    pub high: f64,
    /// Whether it was counted, and would be the same again.
    pub exact: bool,
}

impl Estimate {
    /// A figure that was counted.
    #[must_use]
    pub fn exact(value: f64) -> Self {
        Self { low: value, value, high: value, exact: true }
    }

    /// The quantile `q` of the samples; `None` where they are too few for an interval of it.
    pub(super) fn of(gathered: &Gathered, clock: Clock, q: f64) -> Option<Self> {
        let rounds: Vec<Vec<f64>> = gathered.passes.values().cloned().collect();
        let samples = rounds.concat();
        let value = stats::quantile(&samples, q)?;
        let same = samples.iter().all(|sample| *sample == samples[0]);
        if (clock == Clock::Instructions && rounds.len() == 1) || (gathered.metric.unit() == Unit::Count && same) {
            return Some(Self::exact(value));
        }
        if stats::size(samples.len()) * (1.0 - q) < 1.0 {
            return None;
        }
        let (low, high) = match q {
            0.5 => stats::interval(&rounds, SEED)?,
            q => {
                let drawn = stats::sorted(&stats::resample(&rounds, q, stats::RESAMPLES, SEED));
                let tail = (1.0 - stats::CONFIDENCE) / 2.0;
                let end = |q| stats::quantile_of_sorted(&drawn, q);
                (end(tail)?, end(1.0 - tail)?)
            }
        };
        Some(Self { low: low.min(value), value, high: high.max(value), exact: false })
    }

    /// The mean of what each round says, with the interval that its differences between rounds leave; `None` for fewer than two.
    pub(super) fn of_rounds(rounds: &[f64]) -> Option<Self> {
        let count = rounds.len() as f64;
        let free = rounds.len().checked_sub(1).filter(|free| *free > 0)?;
        let value = rounds.iter().sum::<f64>() / count;
        let variance = rounds.iter().map(|round| (round - value).powi(2)).sum::<f64>() / free as f64;
        let half = student(free) * (variance / count).sqrt();
        Some(Self { low: value - half, value, high: value + half, exact: false })
    }

    /// `part` of `whole` events, with Wilson's interval; `None` without any event.
    pub(super) fn share(part: f64, whole: f64) -> Option<Self> {
        const Z: f64 = 1.959_963_984_540_054;
        if whole <= 0.0 {
            return None;
        }
        // The sum of nothing is −0.
        let (value, square) = (part / whole + 0.0, Z * Z);
        let middle = (part + square / 2.0) / (whole + square);
        let half = Z / (whole + square) * (part * (1.0 - value) + square / 4.0).max(0.0).sqrt();
        Some(Self { low: (middle - half).max(0.0).min(value), value, high: (middle + half).max(value), exact: false })
    }

    /// The sum of `weight × estimate`, taking each interval's far end; `None` of nothing.
    pub(super) fn weighted(parts: impl IntoIterator<Item = (f64, Self)>) -> Option<Self> {
        parts.into_iter().map(|(weight, estimate)| estimate.times(weight)).reduce(|one, other| Self {
            low: one.low + other.low,
            value: one.value + other.value,
            high: one.high + other.high,
            exact: one.exact && other.exact,
        })
    }

    /// So many times as much.
    pub(super) fn times(self, factor: f64) -> Self {
        let (one, other) = (self.low * factor, self.high * factor);
        Self { low: one.min(other), value: self.value * factor, high: one.max(other), exact: self.exact }
    }

    /// It less `other`, taking each interval's far end.
    pub(super) fn less(self, other: Self) -> Self {
        let Self { low, value, high, exact } = other;
        Self { low: self.low - high, value: self.value - value, high: self.high - low, exact: self.exact && exact }
    }

    /// Its ratio to `other`, taking each interval's far end; `None` where that may be nothing.
    pub(super) fn over(self, other: Self) -> Option<Self> {
        let Self { low, value, high, exact } = other;
        (low > 0.0 && self.low >= 0.0).then(|| Self {
            low: self.low / high,
            value: self.value / value,
            high: self.high / low,
            exact: self.exact && exact,
        })
    }

    /// Whether it is more than `number`; `None` where the interval holds both.
    #[must_use]
    pub fn is_above(self, number: f64) -> Option<bool> {
        match self {
            Self { low, .. } if low > number => Some(true),
            Self { high, .. } if high <= number => Some(false),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_reaches_as_far_as_those_it_is_made_of() {
        let one = Estimate { low: 8.0, value: 10.0, high: 12.0, exact: false };
        let other = Estimate { low: 1.0, value: 2.0, high: 4.0, exact: false };
        let ratio = one.over(other).unwrap();
        assert_eq!((ratio.low, ratio.value, ratio.high), (2.0, 5.0, 12.0));
        let less = one.less(other);
        assert_eq!((less.low, less.value, less.high), (4.0, 8.0, 11.0));
        let sum = Estimate::weighted([(2.0, one), (-1.0, other)]).unwrap();
        assert_eq!((sum.low, sum.value, sum.high), (12.0, 18.0, 23.0));
        assert_eq!(one.over(Estimate::exact(0.0)), None);
    }

    #[test]
    fn rounds_that_differ_make_a_wide_interval_and_one_makes_none() {
        let alike = Estimate::of_rounds(&[1.0, 1.01, 0.99]).unwrap();
        assert!((alike.value - 1.0).abs() < 1e-9 && alike.high - alike.low < 0.06, "{alike:?}");
        let drifting = Estimate::of_rounds(&[1.0, 1.0, 4.0]).unwrap();
        assert!(drifting.low < 0.0 && drifting.high > 5.0, "{drifting:?}");
        assert_eq!(Estimate::of_rounds(&[1.0]), None);
    }

    #[test]
    fn what_lies_on_both_sides_of_a_number_is_neither() {
        let estimate = Estimate { low: 1.0, value: 2.0, high: 3.0, exact: false };
        assert_eq!([0.5, 2.5, 3.0].map(|number| estimate.is_above(number)), [Some(true), None, Some(false)]);
    }

    #[test]
    fn no_event_among_many_is_a_small_share_and_among_few_may_be_a_large_one() {
        let many = Estimate::share(0.0, 10_000.0).unwrap();
        assert!(many.low == 0.0 && many.high < 0.0005, "{many:?}");
        assert!(Estimate::share(0.0, 10.0).unwrap().high > 0.2);
        assert_eq!(Estimate::share(0.0, 0.0), None);
    }
}
