//! When there is no number of Services although something was measured, and which sizes would give one.

use super::{MOST_SERVICES, REACH};

/// The fewest sizes that a number beyond them rests on. Through three sizes there goes a law of two numbers whatever they
/// are, and nothing is left to tell whether it is the right one.
pub const SETTLING: usize = 4;

/// The widest interval that a number is given for: its ends as a ratio.
pub const WIDEST: f64 = 10.0;

/// Why no number is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// The limit is held at every size, and so few of them tell no law.
    FewSizes(usize),
    /// The interval is wider than [`WIDEST`].
    Wide {
        /// Its lower end.
        low: u32,
        /// Its upper end; `None` when it is beyond everything that is claimed.
        high: Option<u32>,
    },
}

/// The most sizes that are advised at once.
const MOST_ADVISED: f64 = 5.0;

/// Sizes to measure besides `measured` (ascending, at least one), so that something can be said at `wanted` Services.
///
/// They go up in even steps to half of `wanted`, which a law may then reach, or lie beside it where it was passed already.
/// From `ceiling` on, where a cell went over its budget, none is advised.
pub(super) fn sizes_to_add(measured: &[u32], wanted: f64, ceiling: Option<u32>) -> Vec<u32> {
    let Some(&largest) = measured.last() else { return Vec::new() };
    let sizes: Vec<f64> = if wanted <= f64::from(largest) {
        let above = measured.partition_point(|size| f64::from(*size) < wanted).min(measured.len() - 1);
        let (low, high) = (f64::from(measured[above.saturating_sub(1)]), f64::from(measured[above]));
        let missing = SETTLING.saturating_sub(measured.len()).max(1);
        (1..=missing).map(|part| low * (high / low).powf(count(part) / count(missing + 1))).collect()
    } else {
        let goal = (wanted / REACH).max(REACH * f64::from(largest));
        let ratio = goal / f64::from(largest);
        let fewest = count((SETTLING + 1).saturating_sub(measured.len()));
        let steps = ratio.log2().ceil().clamp(fewest.max(1.0), MOST_ADVISED);
        let step = |part: usize| f64::from(largest) * ratio.powf(count(part) / steps);
        (1..).map(step).take_while(|size| *size <= goal * 1.01).collect()
    };
    let mut sizes: Vec<u32> = sizes.into_iter().map(round_up).collect();
    sizes.retain(|size| !measured.contains(size) && ceiling.is_none_or(|ceiling| *size < ceiling));
    sizes.dedup();
    sizes
}

/// To two digits, upwards: nobody runs 4,417 Services rather than 4,500.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 1 and at most a million")]
fn round_up(services: f64) -> u32 {
    let services = services.clamp(1.0, f64::from(MOST_SERVICES));
    let step = 10_f64.powf((services.log10().floor() - 1.0).max(0.0));
    ((services / step - 1e-9).ceil() * step) as u32
}

#[allow(clippy::cast_precision_loss, reason = "a handful")]
fn count(sizes: usize) -> f64 {
    sizes as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_go_up_to_half_of_what_is_asked() {
        assert_eq!(sizes_to_add(&[500, 1000, 2000], 44_125.0, None), [3700, 6700, 13_000, 23_000]);
        assert_eq!(sizes_to_add(&[25, 50, 100], 1000.0, None), [180, 300, 500]);
        assert_eq!(sizes_to_add(&[1, 100, 250, 500, 1000, 2500, 5000], 20_000.0, None), [10_000]);
    }

    #[test]
    fn few_sizes_become_enough_of_them() {
        for measured in [vec![1000], vec![1, 1000], vec![1, 500, 1000]] {
            for wanted in [10.0, 1000.0, 1500.0, 1e6] {
                let all = sizes_to_add(&measured, wanted, None).len() + measured.len();
                assert!(all >= SETTLING || measured.len() == 1, "{measured:?} {wanted}: {all}");
            }
        }
    }

    #[test]
    fn no_size_is_advised_that_went_over_its_budget() {
        assert_eq!(sizes_to_add(&[500, 1000, 2000], 44_125.0, Some(4000)), [3700]);
        assert!(sizes_to_add(&[500, 1000, 2000], 44_125.0, Some(2500)).is_empty());
    }

    #[test]
    fn a_size_that_was_passed_is_asked_for_more_closely() {
        assert_eq!(sizes_to_add(&[1, 100, 1000, 5000], 2000.0, None), [2300]);
    }
}
