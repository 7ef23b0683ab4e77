//! `sync_full`: empty node to N Services, with what it leaves in the kernel.

use super::{Probe, Reading, SyncSamples, ns};
use crate::cell_error::CellError;
use crate::lab::Lab;
use crate::programmer::Cost;
use lab_core::cell::Cell;
use lab_core::layout::Part;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::ProbeName;
use std::time::Duration;

pub(super) struct SyncFull;

impl Probe for SyncFull {
    fn name(&self) -> ProbeName {
        ProbeName::SyncFull
    }

    fn run(&self, lab: &mut Lab, _: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let Some(programmer) = lab.programmer() else { return Ok(Vec::new()) };
        let load = lab.full_load(&programmer, limit)?;
        let start = programmer.start(lab.node(), programmer.layout.sync_tool())?;
        let one = |metric, sample: f64| Reading::new(metric, vec![sample]);
        let mut samples = SyncSamples::new(Metric::SyncFull);
        samples.push(load.cost.clone(), start);
        let mut readings = samples.readings(plan);
        readings.extend([
            one(Metric::KernelMemory, load.kernel_memory as f64),
            one(Metric::Rules, load.installed.rules as f64),
            one(Metric::Chains, load.installed.chains as f64),
            one(Metric::SetElements, load.installed.set_elements as f64),
            one(Metric::ScriptBytes, load.script_bytes as f64),
        ]);
        // A load of a single part is that part.
        let parts = parts(&load.cost);
        if parts.len() > 1 {
            readings.extend(parts);
            readings.extend([
                one(Metric::VirtualServers, load.installed.virtual_servers as f64),
                one(Metric::RealServers, load.installed.real_servers as f64),
                one(Metric::Addresses, load.installed.addresses as f64),
            ]);
        }
        Ok(readings)
    }
}

/// What a load went into.
pub(super) fn parts(cost: &Cost) -> Vec<Reading> {
    cost.parts.iter().map(|(&part, &time)| Reading::new(metric(part), vec![ns(time)])).collect()
}

fn metric(part: Part) -> Metric {
    match part {
        Part::Rules => Metric::SyncRules,
        Part::Sets => Metric::SyncSets,
        Part::Addresses => Metric::SyncAddresses,
        Part::VirtualServers => Metric::SyncVirtualServers,
    }
}
