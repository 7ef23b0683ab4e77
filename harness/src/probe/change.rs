//! `sync_change`, `endpoint_change` and `remove_service`: one change applied as kube-proxy does it, then undone.
//!
//! In between, and outside what is measured, it is read back and the changed Service is asked.

use super::{Probe, Reading, SyncSamples, in_force, left, must_be_as_before, repeat};
use crate::cell_error::CellError;
use crate::driver::Operation;
use crate::lab::Lab;
use lab_core::cell::Cell;
use lab_core::change::Change;
use lab_core::cluster::{Cluster, Supply};
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::ProbeName;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) struct ChangeProbe {
    name: ProbeName,
    change: fn(&Arc<Cluster>, &dyn Supply) -> Change,
}

pub(super) static SYNC_CHANGE: ChangeProbe = ChangeProbe { name: ProbeName::SyncChange, change: Change::adding };
pub(super) static ENDPOINT_CHANGE: ChangeProbe =
    ChangeProbe { name: ProbeName::EndpointChange, change: Change::replacing_endpoint };
pub(super) static REMOVE_SERVICE: ChangeProbe =
    ChangeProbe { name: ProbeName::RemoveService, change: |cluster, _| Change::removing(cluster) };

impl Probe for ChangeProbe {
    fn name(&self) -> ProbeName {
        self.name
    }

    fn run(&self, lab: &dyn Lab, cell: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let mut begun = Instant::now();
        let (driver, node) = (lab.driver(), lab.node());
        // In a guest that counts instructions, a client that tries would be counted, too.
        let is_observed = cell.variant.driver.is_kube_proxy() && !plan.target.is_exact();
        let change = (self.change)(lab.cluster(), lab.supply());
        let undone = change.undone();
        let mut samples = SyncSamples::new(Metric::of(self.name));
        repeat(plan, || {
            let left = left(begun, limit)?;
            let apply = || driver.apply(node, &change, left);
            let cost = if is_observed { in_force::observe(lab, &change, apply)? } else { apply()? };
            let aside = Instant::now();
            let right = driver.verify(node).and_then(|()| lab.ask_changed(&change));
            let aside = aside.elapsed();
            begun += aside;
            let restored = driver.undo(node, &undone, limit);
            // What never was cannot be undone.
            right.and(restored)?;
            samples.push(cost, driver.start(node, Operation::Sync)?);
            Ok(aside)
        })?;
        must_be_as_before(lab)?;
        Ok(samples.readings(plan))
    }
}
