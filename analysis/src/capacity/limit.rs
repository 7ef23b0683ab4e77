//! Limits as one writes them: a number with a unit that says what kind of number it is.

use lab_core::foreign::quoted;
use lab_core::metric::Unit;

/// What a limit is a number of, which must be what the clock counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// A time, or something a second.
    Time,
    /// Instructions, or something an instruction.
    Instructions,
    /// Bytes, things or a share: the same on every clock.
    Plain,
}

/// The spellings of a limit on a number in `unit`: what follows the number, base units in one of it, and its measure.
fn spellings(unit: Unit) -> &'static [(&'static str, f64, Measure)] {
    use Measure::{Instructions, Plain, Time};
    match unit {
        Unit::Ns => &[
            ("ns", 1.0, Time),
            ("us", 1e3, Time),
            ("µs", 1e3, Time),
            ("μs", 1e3, Time),
            ("ms", 1e6, Time),
            ("s", 1e9, Time),
            ("min", 60e9, Time),
            ("", 1.0, Instructions),
            ("k", 1e3, Instructions),
            ("M", 1e6, Instructions),
            ("G", 1e9, Instructions),
            ("instr", 1.0, Instructions),
            ("k instr", 1e3, Instructions),
            ("M instr", 1e6, Instructions),
            ("G instr", 1e9, Instructions),
        ],
        Unit::Bytes => &[
            ("B", 1.0, Plain),
            ("KiB", 1024.0, Plain),
            ("MiB", 1_048_576.0, Plain),
            ("GiB", 1_073_741_824.0, Plain),
            ("kB", 1e3, Plain),
            ("MB", 1e6, Plain),
            ("GB", 1e9, Plain),
        ],
        Unit::BitsPerSecond => &[
            ("bit/s", 1.0, Time),
            ("kbit/s", 1e3, Time),
            ("Mbit/s", 1e6, Time),
            ("Gbit/s", 1e9, Time),
            ("bit/instr", 1e9, Instructions),
        ],
        Unit::PerSecond => &[("/s", 1.0, Time), ("k/s", 1e3, Time), ("/Ginstr", 1.0, Instructions)],
        Unit::Share => &[("", 1.0, Plain), ("%", 0.01, Plain), ("cores", 1.0, Plain)],
        Unit::Count => &[("", 1.0, Plain), ("k", 1e3, Plain), ("M", 1e6, Plain)],
    }
}

/// What limits on a number in `unit` look like.
#[must_use]
pub(super) fn example(unit: Unit) -> &'static str {
    match unit {
        Unit::Ns => "a time such as 250us, 1ms or 2s; in the target exact, instructions such as 60M or 2G",
        Unit::Bytes => "bytes such as 64KiB, 512MiB or 2GiB",
        Unit::BitsPerSecond => "a bandwidth such as 500Mbit/s or 5Gbit/s; in the target exact 5bit/instr",
        Unit::PerSecond => "a rate such as 20000/s; in the target exact 30000/Ginstr",
        Unit::Share => "a share of one core such as 0.5 or 50%",
        Unit::Count => "a number such as 500 or 160k",
    }
}

/// Reads a limit in `unit`: its base units, and what it is a number of.
///
/// # Errors
/// What is wrong with it, as a fragment that stands after the limit's text.
pub(super) fn read(text: &str, unit: Unit) -> Result<(f64, Measure), String> {
    let text = text.trim();
    let end = text.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(text.len());
    let (number, spelled) = (&text[..end], text[end..].trim());
    let Ok(number) = number.parse::<f64>() else {
        return Err(format!("is no number with a unit: give {}", example(unit)));
    };
    let known = spellings(unit).iter().find(|(spelling, ..)| spelling.replace(' ', "") == spelled.replace(' ', ""));
    let Some(&(_, factor, measure)) = known else {
        let what = if spelled.is_empty() { "has no unit".to_owned() } else { format!("is in {}", quoted(spelled)) };
        return Err(format!("{what}: give {}", example(unit)));
    };
    let value = number * factor;
    if value <= 0.0 {
        return Err(format!("is zero, which nothing holds: give {}", example(unit)));
    }
    Ok((value, measure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_in_base_units() {
        let cases = [
            ("1ms", Unit::Ns, 1e6, Measure::Time),
            ("250us", Unit::Ns, 250e3, Measure::Time),
            ("1.5 µs", Unit::Ns, 1500.0, Measure::Time),
            ("2min", Unit::Ns, 120e9, Measure::Time),
            ("60M", Unit::Ns, 60e6, Measure::Instructions),
            ("60 M instr", Unit::Ns, 60e6, Measure::Instructions),
            ("512MiB", Unit::Bytes, 536_870_912.0, Measure::Plain),
            ("5Gbit/s", Unit::BitsPerSecond, 5e9, Measure::Time),
            ("5bit/instr", Unit::BitsPerSecond, 5e9, Measure::Instructions),
            ("20000/s", Unit::PerSecond, 2e4, Measure::Time),
            ("50%", Unit::Share, 0.5, Measure::Plain),
            ("0.5", Unit::Share, 0.5, Measure::Plain),
            ("160k", Unit::Count, 160e3, Measure::Plain),
        ];
        for (text, unit, value, measure) in cases {
            let (read, of) = read(text, unit).unwrap();
            assert!((read - value).abs() < 1e-9 * value && of == measure, "{text}: {read} {of:?}");
        }
    }

    #[test]
    fn what_is_no_limit_is_answered_with_what_is_one() {
        for (text, unit, said) in [
            ("", Unit::Ns, "is no number with a unit: give a time"),
            ("fast", Unit::Ns, "is no number with a unit"),
            ("1.2.3ms", Unit::Ns, "is no number with a unit"),
            ("-1ms", Unit::Ns, "is no number with a unit"),
            ("5Gbit/s", Unit::Ns, "is in \"Gbit/s\": give a time"),
            ("5", Unit::Bytes, "has no unit: give bytes"),
            ("0ms", Unit::Ns, "is zero, which nothing holds"),
            ("1ms", Unit::BitsPerSecond, "is in \"ms\": give a bandwidth"),
        ] {
            let problem = read(text, unit).unwrap_err();
            assert!(problem.starts_with(said), "{text}: {problem}");
        }
    }
}
