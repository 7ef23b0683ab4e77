//! `idle`: nothing changes for half a minute, kube-proxy's `syncPeriod`. What it spends meanwhile.

use super::{Probe, Reading};
use crate::cell_error::CellError;
use crate::lab::Lab;
use lab_core::cell::Cell;
use lab_core::plan::Plan;
use lab_core::vocabulary::ProbeName;
use std::time::Duration;

pub(super) struct Idle;

impl Probe for Idle {
    fn name(&self) -> ProbeName {
        ProbeName::Idle
    }

    fn run(&self, lab: &dyn Lab, _: &Cell, _: &Plan, _: Duration) -> Result<Vec<Reading>, CellError> {
        let found = lab.driver().idle(lab.node())?;
        Ok(found.into_iter().map(|(metric, value)| Reading::new(metric, vec![value])).collect())
    }
}
