//! `sync_full`: empty node to N Services, with what it leaves in the kernel.

use super::{Probe, Reading, SyncSamples};
use crate::cell_error::CellError;
use crate::driver::{Cost, Operation};
use crate::lab::Lab;
use crate::process::clock::ns;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::ProbeName;
use std::time::Duration;

pub(super) struct SyncFull;

impl Probe for SyncFull {
    fn name(&self) -> ProbeName {
        ProbeName::SyncFull
    }

    fn run(&self, lab: &dyn Lab, _: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let load = lab.full_load(limit)?;
        let start = lab.driver().start(lab.node(), Operation::Sync)?;
        let counts = load.counts.iter().map(|&(metric, count)| Reading::new(metric, vec![count]));
        let parts = parts(&load.cost);
        let mut samples = SyncSamples::new(Metric::SyncFull);
        samples.push(load.cost, start);
        Ok(samples.readings(plan).into_iter().chain(counts).chain(parts).collect())
    }
}

/// The parts of what a load writes. Where there is a single one it is all of that, and is left out.
pub(super) fn parts(cost: &Cost) -> Vec<Reading> {
    let written = |part: &Metric| !matches!(part, Metric::SyncRead | Metric::SyncConntrack);
    let parts: Vec<_> = cost.parts.iter().filter(|(part, time)| written(part) && !time.is_zero()).collect();
    let parts = parts.iter().filter(|_| parts.len() > 1);
    parts.map(|&(&part, &time)| Reading::new(part, vec![ns(time)])).collect()
}
