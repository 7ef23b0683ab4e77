//! `append_rule`: one rule added by the command-line tool, then taken away again.

use super::{Probe, Reading, SyncSamples, repeat};
use crate::cell_error::CellError;
use crate::lab::{Lab, left};
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::ProbeName;
use std::time::{Duration, Instant};

pub(super) struct AppendRule;

impl Probe for AppendRule {
    fn name(&self) -> ProbeName {
        ProbeName::AppendRule
    }

    fn run(&self, lab: &mut Lab, _: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let Some(programmer) = lab.programmer() else { return Ok(Vec::new()) };
        let begun = Instant::now();
        let append = programmer.layout.append_rule(&lab.cluster);
        let mut samples = SyncSamples::new(Metric::AppendRule);
        repeat(plan, || {
            let cost = programmer.call(lab.node(), &append.add, left(begun, limit)?)?;
            programmer.call_back(lab.node(), &append.undo, limit)?;
            samples.push(cost, programmer.start(lab.node(), append.add.tool)?);
            Ok(())
        })?;
        programmer.count(lab.node(), &lab.cluster)?;
        Ok(samples.readings(plan))
    }
}
