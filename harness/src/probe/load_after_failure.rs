//! `load_after_failure`: empty node to N Services, right after a load of the same that the kernel refused half-way.
//!
//! A transaction of nf_tables is all or nothing: the kernel takes back what it did of a refused one, and frees it in the
//! background. What that costs the load after it shows beside `sync_full`, the same load on a node where nothing failed.

use super::sync_full::parts;
use super::{Probe, Reading, SyncSamples};
use crate::cell_error::CellError;
use crate::driver::Operation;
use crate::lab::Lab;
use crate::process::clock::ns;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::ProbeName;
use std::time::Duration;

pub(super) struct LoadAfterFailure;

impl Probe for LoadAfterFailure {
    fn name(&self) -> ProbeName {
        ProbeName::LoadAfterFailure
    }

    fn run(&self, lab: &dyn Lab, _: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let (failure, load) = lab.load_after_failure(limit)?;
        let start = lab.driver().start(lab.node(), Operation::Sync)?;
        let failed = [
            Reading::new(Metric::FailedLoad, vec![ns(failure.cost.wall)]).on(failure.cost.accounts),
            Reading::new(Metric::FailureMemory, vec![failure.memory as f64]),
        ];
        let counts = load.counts.iter().map(|&(metric, count)| Reading::new(metric, vec![count]));
        let parts = parts(&load.cost);
        let mut samples = SyncSamples::new(Metric::LoadAfterFailure);
        samples.push(load.cost, start);
        Ok(samples.readings(plan).into_iter().chain(failed).chain(counts).chain(parts).collect())
    }
}
