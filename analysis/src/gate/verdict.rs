//! What the gate says of one cell and metric.

use lab_core::vocabulary::words;

/// What the gate says of one cell and metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Worse, by more than the policy lets pass.
    Regressed,
    /// It was measured before and is not now: over budget, failed, skipped, or never reached.
    Missing,
    /// It may be worse by more than the policy lets pass, or not: the noise does not let it be told.
    Inconclusive,
    /// Better, by more than the policy takes for nothing.
    Improved,
    /// Neither, as far as the policy cares.
    Unchanged,
    /// It is measured now and was not before.
    New,
}

words!("verdict", Verdict {
    Regressed = "regressed",
    Missing = "missing",
    Inconclusive = "inconclusive",
    Improved = "improved",
    Unchanged = "unchanged",
    New = "new",
});
