//! `restart` and `resync`: everything is written again, on a node that holds the rules: because what programs it was started
//! again, as after an update, or because the node's zone changed. Once an hour a kube-proxy does so by itself.

use super::{Probe, Reading, SyncSamples, must_be_as_before};
use crate::cell_error::CellError;
use crate::driver::{Cost, Driver};
use crate::lab::Lab;
use crate::tool::place::Place;
use lab_core::cell::Cell;
use lab_core::cluster::Cluster;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::ProbeName;
use std::time::Duration;

/// What a driver is made to do.
type Job = fn(&dyn Driver, &dyn Place, &Cluster, Duration) -> Result<Cost, CellError>;

pub(super) struct Again {
    name: ProbeName,
    job: Job,
}

pub(super) static RESTART: Again =
    Again { name: ProbeName::Restart, job: |driver, node, cluster, limit| driver.restart(node, cluster, limit) };
pub(super) static RESYNC: Again =
    Again { name: ProbeName::Resync, job: |driver, node, cluster, limit| driver.resync(node, cluster, limit) };

impl Probe for Again {
    fn name(&self) -> ProbeName {
        self.name
    }

    fn run(&self, lab: &dyn Lab, _: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let (driver, node) = (lab.driver(), lab.node());
        let mut samples = SyncSamples::new(Metric::of(self.name));
        samples.push((self.job)(driver, node, lab.cluster(), limit)?, None);
        must_be_as_before(lab)?;
        Ok(samples.readings(plan))
    }
}
