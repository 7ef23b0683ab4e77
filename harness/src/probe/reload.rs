//! `reload`: a loaded node is emptied and loaded again at once, as by a kube-proxy that starts after `kube-proxy
//! --cleanup`. Only the load is timed.
//!
//! It differs from `sync_full` where the kernel keeps what was removed. IPVS keeps removed real servers in a list for two
//! minutes, in case they come back. It searches that list for each server that is added: N of them cost N² steps. In the
//! `exact` target these two minutes are of the virtual clock.

use super::sync_full::parts;
use super::{Probe, Reading, SyncSamples, left};
use crate::cell_error::CellError;
use crate::driver::Operation;
use crate::lab::Lab;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::ProbeName;
use std::time::{Duration, Instant};

pub(super) struct Reload;

impl Probe for Reload {
    fn name(&self) -> ProbeName {
        ProbeName::Reload
    }

    /// A single sample: a second one would find what the first left behind.
    fn run(&self, lab: &dyn Lab, _: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let begun = Instant::now();
        let (driver, node) = (lab.driver(), lab.node());
        driver.flush(node, lab.cluster(), limit)?;
        let load = driver.install(node, lab.cluster(), left(begun, limit)?)?;
        let start = driver.start(node, Operation::Sync)?;
        let parts = parts(&load.cost);
        let mut samples = SyncSamples::new(Metric::Reload);
        samples.push(load.cost, start);
        Ok(samples.readings(plan).into_iter().chain(parts).collect())
    }
}
