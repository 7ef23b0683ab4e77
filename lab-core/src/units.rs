//! Numbers for humans: the only place where a number is rounded.
//!
//! Three significant digits, except for counts, which are exact. On the clock `instructions` a nanosecond is one
//! instruction, and is never written as a time.

use crate::metric::Unit;
use crate::vocabulary::Clock;
use std::time::Duration;

/// One unit for a whole column, so that its numbers are easy to compare.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    unit: Unit,
    /// Base units in one of the column's.
    factor: f64,
    label: &'static str,
}

/// The units that a base unit is shown in on `clock`, ascending, each with its size in base units.
fn steps(unit: Unit, clock: Clock) -> &'static [(&'static str, f64)] {
    match (unit, clock) {
        (Unit::Ns, Clock::Instructions) => &[("instr", 1.0), ("k instr", 1e3), ("M instr", 1e6), ("G instr", 1e9)],
        (Unit::BitsPerSecond, Clock::Instructions) => &[("bit/M instr", 1e3), ("bit/k instr", 1e6), ("bit/instr", 1e9)],
        (Unit::PerSecond, Clock::Instructions) => &[("per G instr", 1.0)],
        (Unit::Share, Clock::Instructions) => &[("share of instructions", 1.0)],
        (unit, Clock::Wall | Clock::WallEmulated | Clock::Instructions) => steps_of_time(unit),
    }
}

fn steps_of_time(unit: Unit) -> &'static [(&'static str, f64)] {
    match unit {
        Unit::Ns => &[("ns", 1.0), ("µs", 1e3), ("ms", 1e6), ("s", 1e9)],
        Unit::Bytes => &[("B", 1.0), ("KiB", 1024.0), ("MiB", 1_048_576.0), ("GiB", 1_073_741_824.0)],
        Unit::BitsPerSecond => &[("bit/s", 1.0), ("kbit/s", 1e3), ("Mbit/s", 1e6), ("Gbit/s", 1e9)],
        Unit::PerSecond => &[("1/s", 1.0)],
        Unit::Count => &[("", 1.0)],
        Unit::Share => &[("cores", 1.0)],
    }
}

impl Scale {
    /// The unit in which `values` (in base units, on `clock`) are best read together: the one that suits the middle
    /// between the smallest and the largest, on a logarithmic axis.
    #[must_use]
    pub fn fit(unit: Unit, clock: Clock, values: impl IntoIterator<Item = f64>) -> Self {
        let sizes = values.into_iter().map(f64::abs).filter(|value| value.is_finite() && *value > 0.0);
        let (low, high) = sizes.fold((f64::INFINITY, 0.0_f64), |(low, high), size| (low.min(size), high.max(size)));
        let middle = if high > 0.0 { low.sqrt() * high.sqrt() } else { 0.0 };
        // 999.7 would be written as 1,000: it belongs to the next unit already.
        let suits = |&&(_, factor): &&(&str, f64)| middle >= 0.9995 * factor;
        let steps = steps(unit, clock);
        let &(label, factor) = steps.iter().rev().find(suits).unwrap_or(&steps[0]);
        Self { unit, factor, label }
    }

    /// What the column's unit is called; empty for counts.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.label
    }

    /// `value`, in base units, as it stands beside an axis: a round number of the unit, without further digits.
    #[must_use]
    pub fn tick(&self, value: f64) -> String {
        let scaled = value / self.factor;
        let rounded: f64 = format!("{scaled:.2e}").parse().unwrap_or(scaled);
        thousands(&rounded.to_string())
    }

    /// How many base units are one of the column's.
    #[must_use]
    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// `value`, in base units, as a number of the column's unit.
    #[must_use]
    pub fn number(&self, value: f64) -> String {
        self.digits(value, 3)
    }

    /// `value`, in base units, as a number of the column's unit with `digits` significant digits where it is no count.
    fn digits(&self, value: f64, digits: i32) -> String {
        let scaled = value / self.factor;
        if !scaled.is_finite() {
            return "not a number".to_owned();
        }
        match self.unit {
            Unit::Count => thousands(&decimals(scaled, if scaled.fract() == 0.0 { 0 } else { 1 })),
            Unit::Share if digits == 3 && scaled.abs() >= 0.1 => decimals(scaled, 2),
            Unit::Share if digits == 3 => significant(scaled, 2),
            _ => significant(scaled, digits),
        }
    }

    /// `number`, as the column has it, with its unit.
    fn spell(&self, number: &str, clock: Clock) -> String {
        match (self.unit, clock) {
            (Unit::Count, _) | (Unit::Share, Clock::Wall | Clock::WallEmulated) => number.to_owned(),
            (Unit::Share, Clock::Instructions) => format!("{number} of the instructions"),
            (Unit::PerSecond, Clock::Wall | Clock::WallEmulated) => format!("{number}/s"),
            _ => format!("{number} {}", self.label),
        }
    }
}

/// `value`, in base units on `clock`, with the unit that suits it: `12.3 µs`, `312 k instr`.
#[must_use]
pub fn human(unit: Unit, clock: Clock, value: f64) -> String {
    let scale = Scale::fit(unit, clock, [value]);
    scale.spell(&scale.number(value), clock)
}

/// Two values, in base units on `clock`, in one unit that suits both: `482 µs` and `1,450 µs`.
#[must_use]
pub fn together(unit: Unit, clock: Clock, values: [f64; 2]) -> [String; 2] {
    let scale = Scale::fit(unit, clock, values);
    values.map(|value| scale.spell(&scale.number(value), clock))
}

/// Two values, in base units on `clock`, in one unit and with as many digits, three at the least, as make their
/// difference five of the last one: `7.024 M instr` and `7.031 M instr`.
#[must_use]
pub fn apart(unit: Unit, clock: Clock, values: [f64; 2]) -> [String; 2] {
    const MOST: i32 = 6;
    let scale = Scale::fit(unit, clock, values);
    let largest = values[0].abs().max(values[1].abs());
    let last = |digits: i32| 10_f64.powi(largest.log10().floor() as i32 + 1 - digits);
    let tells = |digits: &i32| (values[0] - values[1]).abs() >= 5.0 * last(*digits);
    let digits = if values[0] == values[1] { 3 } else { (3..MOST).find(tells).unwrap_or(MOST) };
    values.map(|value| scale.spell(&scale.digits(value, digits), clock))
}

/// `value` with every digit it was given: `18,000`, `0.00005`.
#[must_use]
pub fn given(value: f64) -> String {
    thousands(&value.to_string())
}

/// A ratio, to three significant digits, or two decimals where it is about one: `1.02×`, `0.99×`.
#[must_use]
pub fn ratio(value: f64) -> String {
    let digits = if (0.1..1.0).contains(&value) { decimals(value, 2) } else { significant(value, 3) };
    format!("{digits}×")
}

/// What a number became over what it was, to three decimals where that is about one: `1.006×`, `1.25×`.
#[must_use]
pub fn factor(value: f64) -> String {
    if (value - 1.0).abs() < 0.0995 { format!("{}×", decimals(value, 3)) } else { ratio(value) }
}

/// By how much more or less, as a share of what it was: `+12.2 %`, `−0.61 %`, `0 %`.
#[must_use]
pub fn change(share: f64) -> String {
    let percent = 100.0 * share.abs();
    let digits = match percent {
        percent if percent >= 10.0 => significant(percent, 3),
        percent if percent >= 0.1 => significant(percent, 2),
        percent => decimals(percent, 2),
    };
    match (digits.as_str(), share) {
        ("0.00", 0.0) => "0 %".to_owned(),
        ("0.00", _) => "≈ 0 %".to_owned(),
        (_, share) if share < 0.0 => format!("−{digits} %"),
        _ => format!("+{digits} %"),
    }
}

/// A share as it was given: `0.5 %`, `10 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    // 100 times a share that was read from a percentage is not that percentage again, to the last digit.
    format!("{} %", given((share * 1e8).round() / 1e6))
}

/// A whole number with thousands separators: `160,005`.
#[must_use]
pub fn count(value: u64) -> String {
    thousands(&value.to_string())
}

/// So many of what `noun` names one of: `1 round`, `1,000 Services`.
#[must_use]
pub fn counted(value: u64, noun: &str) -> String {
    agreeing(value, noun, &format!("{noun}s"))
}

/// A number before the words that fit it: `1 figure has`, `2 figures have`.
#[must_use]
pub fn agreeing(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(value), if value == 1 { one } else { many })
}

/// About how long `time` is, for a clock that nobody needs to the second: `45 s`, `3 min`, `2 h 10 min`.
#[must_use]
pub fn about(time: Duration) -> String {
    const SECONDS_TOLD: u64 = 90;
    match time.as_secs() {
        seconds if seconds < SECONDS_TOLD => format!("{seconds} s"),
        seconds => match (seconds + 30) / 60 {
            minutes if minutes < 60 => format!("{minutes} min"),
            minutes => format!("{} h {} min", count(minutes / 60), minutes % 60),
        },
    }
}

/// `value` rounded to `digits` significant digits, in plain decimals.
fn significant(value: f64, digits: i32) -> String {
    if value == 0.0 || !value.is_finite() {
        return decimals(value, 0);
    }
    // The exponent after rounding, so that 99.96 becomes 100 and not 100.0.
    let scientific = format!("{value:.*e}", usize::try_from(digits - 1).unwrap_or(0));
    let exponent: i32 = scientific.rsplit('e').next().and_then(|text| text.parse().ok()).unwrap_or(0);
    let places = digits - 1 - exponent;
    if let Ok(places) = usize::try_from(places) {
        return thousands(&decimals(value, places));
    }
    let step = 10_f64.powi(-places);
    thousands(&decimals((value / step).round() * step, 0))
}

/// `value` with `places` decimals, never as `-0`.
fn decimals(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.chars().all(|digit| matches!(digit, '0' | '.')) => digits.to_owned(),
        _ => text,
    }
}

/// Puts a comma between every three digits before the point.
fn thousands(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let whole = digits.find('.').unwrap_or(digits.len());
    let mut text = sign.to_owned();
    for (index, digit) in digits.char_indices() {
        if index > 0 && index < whole && (whole - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Word;
    use proptest::prelude::*;

    #[test]
    fn words_fit_their_number() {
        assert_eq!([0, 1, 1000].map(|value| counted(value, "rule")), ["0 rules", "1 rule", "1,000 rules"]);
        assert_eq!(
            [1, 2].map(|value| agreeing(value, "figure has", "figures have")),
            ["1 figure has", "2 figures have"]
        );
    }

    #[test]
    fn a_value_takes_the_unit_that_suits_it() {
        let cases = [
            (Unit::Ns, 0.0, "0 ns"),
            (Unit::Ns, 999.0, "999 ns"),
            (Unit::Ns, 999.6, "1.00 µs"),
            (Unit::Ns, 12_345.0, "12.3 µs"),
            (Unit::Ns, 99_960.0, "100 µs"),
            (Unit::Ns, 18e12, "18,000 s"),
            (Unit::Bytes, 1_289_748.0, "1.23 MiB"),
            (Unit::Bytes, 512.0, "512 B"),
            (Unit::BitsPerSecond, 12.345e9, "12.3 Gbit/s"),
            (Unit::PerSecond, 31_365.0, "31,400/s"),
            (Unit::Count, 160_005.0, "160,005"),
            (Unit::Count, 2.5, "2.5"),
            (Unit::Share, 0.834, "0.83"),
            (Unit::Share, 0.00345, "0.0034"),
            (Unit::Share, 0.0, "0"),
            (Unit::Share, 1.5, "1.50"),
            (Unit::Ns, f64::NAN, "not a number ns"),
        ];
        for (unit, value, expected) in cases {
            assert_eq!(human(unit, Clock::Wall, value), expected);
            assert_eq!(human(unit, Clock::WallEmulated, value), expected);
        }
    }

    #[test]
    fn an_instruction_is_never_spelled_as_a_time() {
        let cases = [
            (Unit::Ns, 0.0, "0 instr"),
            (Unit::Ns, 312_400.0, "312 k instr"),
            (Unit::Ns, 7.02e9, "7.02 G instr"),
            (Unit::Ns, 18e12, "18,000 G instr"),
            (Unit::BitsPerSecond, 12.345e9, "12.3 bit/instr"),
            (Unit::BitsPerSecond, 4.2e6, "4.20 bit/k instr"),
            (Unit::BitsPerSecond, 512.0, "0.512 bit/M instr"),
            (Unit::PerSecond, 31_365.0, "31,400 per G instr"),
            (Unit::Share, 0.834, "0.83 of the instructions"),
            (Unit::Bytes, 1_289_748.0, "1.23 MiB"),
            (Unit::Count, 160_005.0, "160,005"),
        ];
        for (unit, value, expected) in cases {
            assert_eq!(human(unit, Clock::Instructions, value), expected);
        }
        for &unit in Unit::ALL {
            for &(label, _) in steps(unit, Clock::Instructions) {
                assert!(!label.ends_with("/s") && !["ns", "µs", "ms", "s", "cores"].contains(&label), "{label}");
            }
        }
    }

    #[test]
    fn what_was_published_keeps_its_digits() {
        assert_eq!([given(0.00005), given(18000.0), given(66.6)], ["0.00005", "18,000", "66.6"]);
    }

    #[test]
    fn a_column_has_one_unit_that_suits_its_middle() {
        let scale = Scale::fit(Unit::Ns, Clock::Wall, [2e6, 60e9]);
        assert_eq!(scale.label(), "ms");
        assert_eq!(scale.number(2e6), "2.00");
        assert_eq!(scale.number(60e9), "60,000");
        assert_eq!(scale.number(12_345_678.0), "12.3");
        assert_eq!(Scale::fit(Unit::Ns, Clock::Wall, []).label(), "ns");
        assert_eq!(Scale::fit(Unit::Ns, Clock::Instructions, [2e6, 60e9]).label(), "M instr");
    }

    #[test]
    fn ratios_and_counts_are_read_at_a_glance() {
        assert_eq!(ratio(1.0249), "1.02×");
        assert_eq!(ratio(0.9949), "0.99×");
        assert_eq!(ratio(0.0123), "0.0123×");
        assert_eq!(ratio(1234.0), "1,230×");
        assert_eq!(count(50_000), "50,000");
        assert_eq!(count(999), "999");
        assert_eq!(thousands("-1234567.25"), "-1,234,567.25");
        assert_eq!(thousands("-123"), "-123");
    }

    #[test]
    fn two_values_are_told_apart_in_one_unit() {
        let cases = [
            (Unit::Ns, [7_024_000.0, 7_031_000.0], ["7.024 M instr", "7.031 M instr"]),
            (Unit::Ns, [12_300_000.0, 13_800_000.0], ["12.3 M instr", "13.8 M instr"]),
            (Unit::Ns, [7e6, 7e6], ["7.00 M instr", "7.00 M instr"]),
            (Unit::Count, [805.0, 806.0], ["805", "806"]),
            (Unit::Share, [0.4312, 0.4321], ["0.4312 of the instructions", "0.4321 of the instructions"]),
        ];
        for (unit, values, expected) in cases {
            assert_eq!(apart(unit, Clock::Instructions, values), expected);
        }
        assert_eq!(together(Unit::Ns, Clock::Wall, [482_000.0, 1_450_000.0]), ["482 µs", "1,450 µs"]);
        assert_eq!(together(Unit::Ns, Clock::Wall, [31_201.0, 31_162.0]), ["31.2 µs", "31.2 µs"]);
        assert_eq!(apart(Unit::PerSecond, Clock::Wall, [31_365.0, 31_400.0]), ["31,365/s", "31,400/s"]);
    }

    #[test]
    fn a_change_is_read_in_percent() {
        let cases = [
            (0.122, "+12.2 %"),
            (-0.0061, "−0.61 %"),
            (0.0, "0 %"),
            (0.00001, "≈ 0 %"),
            (0.0004, "+0.04 %"),
            (1.25, "+125 %"),
            (11.3, "+1,130 %"),
            (-1.0, "−100 %"),
        ];
        for (share, expected) in cases {
            assert_eq!(change(share), expected);
        }
        assert_eq!(
            [factor(1.0061), factor(0.98765), factor(1.25), factor(0.5)],
            ["1.006×", "0.988×", "1.25×", "0.50×"]
        );
        assert_eq!([percent(0.005), percent(0.1), percent(0.07)], ["0.5 %", "10 %", "7 %"]);
    }

    proptest! {
        #[test]
        fn three_digits_are_within_half_a_percent(value in 1e-6..1e15_f64) {
            let text = significant(value, 3).replace(',', "");
            let back: f64 = text.parse().unwrap();
            prop_assert!((back - value).abs() <= value * 0.00501, "{} as {}", value, text);
        }

        #[test]
        fn no_value_of_any_unit_fails_to_print(
            value in any::<f64>(),
            unit in 0..Unit::ALL.len(),
            clock in 0..Clock::ALL.len(),
        ) {
            prop_assert!(!human(Unit::ALL[unit], Clock::ALL[clock], value).is_empty());
        }
    }
}
