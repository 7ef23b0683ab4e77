//! `build_one_by_one`: an empty node gets its whole table with a call of the command-line tool for each rule.
//!
//! The best-known published table gives 11 minutes for 5,000 Services, and 5 hours for 20,000. Those are sums of such calls.
//! In full this is for small tables. Of large ones a report projects it from `append_rule`.

use super::{Probe, Reading, SyncSamples};
use crate::cell_error::CellError;
use crate::lab::Lab;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::ProbeName;
use std::time::Duration;

pub(super) struct BuildOneByOne;

impl Probe for BuildOneByOne {
    fn name(&self) -> ProbeName {
        ProbeName::BuildOneByOne
    }

    fn run(&self, lab: &dyn Lab, _: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let mut samples = SyncSamples::new(Metric::BuildOneByOne);
        let built = lab.build_one_by_one(limit)?;
        samples.push(built.cost, None);
        let counts = built.counts.into_iter().map(|(metric, count)| Reading::new(metric, vec![count]));
        Ok(samples.readings(plan).into_iter().chain(counts).collect())
    }
}
