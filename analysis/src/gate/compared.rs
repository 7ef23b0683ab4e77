//! A cell's metric in two runs: what a row of a comparison holds.

use super::policy::Numbers;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::vocabulary::Outcome;

/// One cell's metric in both runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The cell.
    pub cell: Cell,
    /// What it is called among the cells of both runs: `ipvs (batched) at 100 Services, connect (last)`.
    pub name: String,
    /// What was measured.
    pub metric: Metric,
    /// In the run that is compared with; `None` where it has no such cell or metric.
    pub before: Option<Side>,
    /// In the run that is compared; `None` where it has no such cell or metric.
    pub after: Option<Side>,
    /// What the change is a change of.
    pub basis: Basis,
    /// How much it changed; `None` where either run has no figure, or both have zero.
    pub change: Option<Delta>,
}

impl Compared {
    /// What its numbers are of.
    #[must_use]
    pub fn numbers(&self) -> Numbers {
        match self.basis {
            Basis::Exact => Numbers::Exact,
            Basis::Timed | Basis::RatioToDirect | Basis::Processor => Numbers::Timed,
        }
    }

    /// Whether either run has a figure.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        [&self.before, &self.after].into_iter().flatten().any(Side::is_measured)
    }
}

/// One run's side of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// How the cell ended.
    pub outcome: Outcome,
    /// Why it was not measured, or not as often as planned; empty otherwise.
    pub reason: String,
    /// The median of its samples, in the metric's base unit; `None` without samples.
    pub median: Option<f64>,
    /// The smallest and the largest median of a round or replica; `None` for fewer than two.
    pub range: Option<(f64, f64)>,
    /// How many samples.
    pub samples: usize,
}

impl Side {
    /// Whether it has a figure.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        self.outcome == Outcome::Measured && self.median.is_some()
    }
}

/// What a change is a change of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// A number that is the same whenever it is counted: of things installed, or of instructions.
    Exact,
    /// A time or rate, by the fastest tenth of all samples.
    Timed,
    /// A time or rate, by the ratio of its fastest tenth to that of `direct` in the same rounds.
    RatioToDirect,
    /// The time of a sync, by what its tools spent of processor time: how much it changed, had nothing else changed.
    Processor,
}

/// How much a metric changed: after over before, so that 1 is no change and more is more of the metric, not better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delta {
    /// The ratio; infinite from zero. Of times and rates it need not be that of the medians: see [`Basis`].
    pub ratio: f64,
    /// The lower end of its 95 % interval; the ratio itself where it is exact.
    pub low: f64,
    /// The upper end of its interval.
    pub high: f64,
}
