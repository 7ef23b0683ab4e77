//! `append_rule`: one rule added by the command-line tool, then removed. In between, and outside what is measured, it is
//! read back.

use super::{Probe, Reading, SyncSamples, left, must_be_as_before, repeat};
use crate::cell_error::CellError;
use crate::driver::Operation;
use crate::lab::Lab;
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

    fn run(&self, lab: &dyn Lab, _: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let mut begun = Instant::now();
        let (driver, node, cluster) = (lab.driver(), lab.node(), lab.cluster());
        let mut samples = SyncSamples::new(Metric::AppendRule);
        repeat(plan, || {
            let cost = driver.append(node, cluster, left(begun, limit)?)?;
            // Counts are the same before it and after it was taken away: a tool that does nothing would not show.
            let aside = Instant::now();
            let right = driver.verify(node);
            let aside = aside.elapsed();
            begun += aside;
            let taken_away = driver.take_away(node, cluster, limit);
            // A rule that was never added cannot be taken away.
            right.and(taken_away)?;
            samples.push(cost, driver.start(node, Operation::Append(cluster))?);
            Ok(aside)
        })?;
        must_be_as_before(lab)?;
        Ok(samples.readings(plan))
    }
}
