//! Axes: how numbers become places, and which are written.

use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// By decades, where a ratio is a distance.
    Logarithmic,
    /// From nothing, where a difference is.
    FromZero,
}

/// How many decades are written with what lies between them.
const FEW_DECADES: f64 = 1.8;

/// From how many decades on only every other is written.
const MANY_DECADES: f64 = 6.0;

impl Kind {
    /// What suits `values`: decades only where there is one between them.
    pub(super) fn suited(self, values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        if high < 10.0 * low { Self::FromZero } else { self }
    }

    /// Where `value` lies, on a scale on which distances are equal.
    pub(super) fn place(self, value: f64) -> f64 {
        match self {
            Self::Logarithmic => value.max(f64::MIN_POSITIVE).log10(),
            Self::FromZero => value,
        }
    }

    /// The places from the smallest to the largest of `values`, with room for markers, and above for what has no place.
    pub(super) fn extent(self, values: impl Iterator<Item = f64>, headroom: bool) -> Range<f64> {
        let places = values.map(|value| self.place(value)).filter(|place| place.is_finite());
        let (low, high) =
            places.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), place| (low.min(place), high.max(place)));
        let room = if headroom { 0.16 } else { 0.06 };
        match self {
            Self::FromZero if high > 0.0 => 0.0..high * (1.0 + room),
            Self::FromZero => 0.0..1.0,
            Self::Logarithmic => {
                // At least half a decade, so that noise does not look like a cliff.
                let lacking = (0.5 - (high - low)).max(0.0) / 2.0;
                let (low, high) = (low - lacking, high + lacking);
                low - 0.06 * (high - low)..high + room * (high - low)
            }
        }
    }

    /// The values that are written beside an axis of the places `extent`, in base units; `unit` is one of the axis's.
    pub(super) fn ticks(self, extent: &Range<f64>, unit: f64) -> Vec<f64> {
        match self {
            Self::FromZero => steps(extent.end / unit).into_iter().map(|tick| tick * unit).collect(),
            Self::Logarithmic => decades(extent.start - unit.log10()..extent.end - unit.log10())
                .into_iter()
                .map(|tick| tick * unit)
                .collect(),
        }
    }
}

/// Powers of ten within the exponents `extent`; where they are few, 2 and 5 times them as well.
fn decades(extent: Range<f64>) -> Vec<f64> {
    let width = extent.end - extent.start;
    let factors: &[f64] = if width <= FEW_DECADES { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let every = if width > MANY_DECADES { 2 } else { 1 };
    #[allow(clippy::cast_possible_truncation, reason = "exponents of numbers that were measured")]
    let exponents = extent.start.floor() as i32..=extent.end.ceil() as i32;
    let of_decade = |exponent: i32| factors.iter().map(move |factor| factor * 10_f64.powi(exponent));
    let all = exponents.filter(|exponent| exponent % every == 0).flat_map(of_decade);
    all.filter(|value| extent.contains(&value.log10())).collect()
}

/// Four to eight multiples of 1, 2 or 5 from nothing to `end`.
fn steps(end: f64) -> Vec<f64> {
    if end <= 0.0 || !end.is_finite() {
        return vec![0.0];
    }
    let rough = end / 5.0;
    let decade = 10_f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * decade).find(|step| *step >= rough).unwrap_or(rough);
    (0_u32..9).map(|count| f64::from(count) * step).take_while(|tick| *tick <= end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_are_drawn_where_there_is_one() {
        assert_eq!(Kind::Logarithmic.suited([30.0, 148.0].into_iter()), Kind::FromZero);
        assert_eq!(Kind::Logarithmic.suited([30.0, 300.0].into_iter()), Kind::Logarithmic);
        assert_eq!(Kind::FromZero.suited([1.0, 300.0].into_iter()), Kind::FromZero);
    }

    #[test]
    fn few_decades_are_written_with_what_lies_between() {
        assert_eq!(decades(1.2..2.4), [20.0, 50.0, 100.0, 200.0]);
        assert_eq!(decades(-0.1..3.2), [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(decades(0.0..8.0), [1.0, 100.0, 10_000.0, 1_000_000.0]);
    }

    #[test]
    fn an_axis_from_nothing_is_written_in_even_steps() {
        assert_eq!(steps(16.5), [0.0, 5.0, 10.0, 15.0]);
        assert_eq!(steps(1.0), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(steps(0.0), [0.0]);
    }

    #[test]
    fn an_axis_has_room_for_all_it_shows_and_half_a_decade_at_least() {
        let extent = Kind::Logarithmic.extent([100.0, 101.0].into_iter(), false);
        assert!(extent.end - extent.start >= 0.5 && extent.contains(&2.0), "{extent:?}");
        let extent = Kind::FromZero.extent([3.0, 4.0].into_iter(), true);
        assert!(extent.start == 0.0 && extent.end > 4.5, "{extent:?}");
        assert_eq!(Kind::FromZero.extent([0.0].into_iter(), false), 0.0..1.0);
    }
}
