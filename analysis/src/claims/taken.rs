//! What a run measured of one cell, in one metric.

use super::estimate::Estimate;
use crate::summary::Gathered;
use lab_core::cell::Cell;
use lab_core::vocabulary::{Clock, Outcome};

/// What a run measured of a cell, in one metric.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Taken {
    pub(super) run: usize,
    pub(super) clock: Clock,
    pub(super) gathered: Gathered,
}

impl Taken {
    pub(super) fn cell(&self) -> &Cell {
        &self.gathered.cell
    }

    pub(super) fn services(&self) -> u32 {
        self.cell().cluster.services
    }

    /// The quantile `q`, where it was measured and has an interval.
    pub(super) fn estimate(&self, q: f64) -> Option<Estimate> {
        let measured = self.gathered.outcome == Outcome::Measured;
        if measured { Estimate::of(&self.gathered, self.clock, q) } else { None }
    }

    pub(super) fn samples(&self) -> Vec<f64> {
        self.gathered.passes.values().flatten().copied().collect()
    }

    /// What the run says of it beside its numbers.
    pub(super) fn said(&self) -> &str {
        &self.gathered.reason
    }
}
