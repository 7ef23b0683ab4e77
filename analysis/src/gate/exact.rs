//! Numbers that are the same whenever they are counted: their change, and what is to be said of it.
//!
//! ```text
//! better │ unchanged │            worse
//! ───────┼─────1─────┼───────────────┬──────────────► after / before
//!   1/(1+tolerance)  1+tolerance     1+spread
//!                    │ inconclusive, │ regressed
//!                    │ or unchanged  │
//! ```
//!
//! Guests of the same files repeat each other's digits, and there is no spread. Any other guest has its memory laid out
//! otherwise and its timers tick at other places of the code, as replicas have and do: how far those of one run are apart
//! is how far two runs may be apart without anything having got worse. What the policy knows of as noise counts as spread, too.

use super::compared::{Compared, Delta, Side};
use super::verdict::Verdict;
use lab_core::units;

/// The change from one number to another; `None` where both are zero.
pub(super) fn change(before: f64, after: f64) -> Option<Delta> {
    let ratio = match (before, after) {
        (0.0, 0.0) => return None,
        (0.0, _) => f64::INFINITY,
        _ => after / before,
    };
    Some(Delta { ratio, low: ratio, high: ratio })
}

/// How far apart the replicas of either run are, as a share; 0 where there is one of each.
pub(super) fn spread(before: &Side, after: &Side) -> f64 {
    let of = |side: &Side| match side.range {
        Some((low, high)) if low > 0.0 => high / low - 1.0,
        _ => 0.0,
    };
    of(before).max(of(after))
}

/// The verdict on `row`, which is exact and has a figure on both sides, and why. `noise` is what runs of the same thing may
/// be apart whatever their replicas say; `None` where they repeat each other to the digit.
pub(super) fn judge(row: &Compared, tolerance: f64, noise: Option<f64>) -> (Verdict, String) {
    let (Some(before), Some(after)) = (&row.before, &row.after) else { return (Verdict::Unchanged, String::new()) };
    let Some(change) = row.change else { return (Verdict::Unchanged, "zero in both".to_owned()) };
    let worse = row.metric.cost(change.ratio);
    let size = if worse >= 1.0 { worse } else { 1.0 / worse };
    let within = format!("within {}", percent(tolerance));
    if size <= 1.0 + tolerance {
        return (Verdict::Unchanged, if size == 1.0 { "the same".to_owned() } else { within });
    }
    let spread = noise.map_or(0.0, |noise| noise.max(spread(before, after)));
    if size > 1.0 + spread {
        let told = if worse > 1.0 { Verdict::Regressed } else { Verdict::Improved };
        let beyond = format!("beyond {}", percent(tolerance));
        let apart = format!("{beyond}, and further apart than other guests are ({})", percent(spread));
        return (told, if spread > tolerance { apart } else { beyond });
    }
    if overlap(before, after) {
        let alike = format!("no further apart than replicas of one run are ({})", percent(spread));
        return (Verdict::Unchanged, alike);
    }
    let told = format!("beyond {}, but other guests are up to {} apart by luck", percent(tolerance), percent(spread));
    (Verdict::Inconclusive, told)
}

/// Whether either run's median could be a replica of the other.
fn overlap(before: &Side, after: &Side) -> bool {
    let holds = |side: &Side, other: &Side| match (side.range, other.median) {
        (Some((low, high)), Some(median)) => (low..=high).contains(&median),
        _ => false,
    };
    holds(before, after) && holds(after, before)
}

/// A share as people read it: `0.5 %`, `12 %`.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let rounded = if percent >= 10.0 { percent.round() } else { (percent * 100.0).round() / 100.0 };
    format!("{} %", units::given(rounded))
}
