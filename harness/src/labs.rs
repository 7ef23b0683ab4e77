//! The labs of a run, brought up when they are first needed and kept, loaded, until the run ends.

use crate::backend;
use crate::ended::{Ended, Missing};
use crate::lab::Lab;
use crate::probe;
use crate::programmer;
use crate::run::{Bench, Measured};
use crate::tool::Runner;
use lab_core::plan::{Cell, Load, Plan, Visit};
use lab_core::vocabulary::{BackendName, ProbeName};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Measures cells on this kernel, in namespaces of this process.
pub(crate) struct Labs<'a> {
    plan: &'a Plan,
    runner: &'static dyn Runner,
    /// What the backends and probes of the plan lack here.
    backends: BTreeMap<BackendName, Result<(), Missing>>,
    probes: BTreeMap<ProbeName, Result<(), Missing>>,
    labs: BTreeMap<Load, Result<Lab, Ended>>,
}

impl<'a> Labs<'a> {
    /// Tries out what `visits` of `plan` need; brings nothing up yet.
    pub(crate) fn new(plan: &'a Plan, visits: &[Visit], runner: &'static dyn Runner) -> Self {
        let (mut backends, mut probes) = (BTreeMap::new(), BTreeMap::new());
        for Visit { cell, .. } in visits {
            backends.entry(cell.backend).or_insert_with(|| programmer::check(backend::named(cell.backend), runner));
            probes.entry(cell.probe).or_insert_with(|| probe::named(cell.probe).check());
        }
        Self { plan, runner, backends, probes, labs: BTreeMap::new() }
    }

    /// The labs that are up.
    pub(crate) fn up(&self) -> impl Iterator<Item = &Lab> {
        self.labs.values().filter_map(|lab| lab.as_ref().ok())
    }

    fn missing(&self, cell: &Cell) -> Option<&Missing> {
        let checks = [self.backends.get(&cell.backend), self.probes.get(&cell.probe)];
        checks.into_iter().flatten().find_map(|check| check.as_ref().err())
    }
}

impl Bench for Labs<'_> {
    fn measure(&mut self, cell: &Cell, limit: Duration) -> Result<Measured, Ended> {
        if let Some(missing) = self.missing(cell) {
            return Err(Ended::Skipped(missing.to_string()));
        }
        let (runner, plan) = (self.runner, self.plan);
        let slot = self.labs.entry(cell.load()).or_insert_with_key(|load| Lab::bring_up(load, plan, runner));
        let lab = slot.as_mut().map_err(|ended| ended.clone())?;
        // The load that brought the lab up is this probe's first sample, made before this visit began.
        let owed = if cell.probe == ProbeName::SyncFull { lab.first_load_took() } else { Duration::ZERO };
        let begun = Instant::now();
        let readings = probe::named(cell.probe).run(lab, cell, plan, limit);
        if let (Err(_), Some(programmer)) = (&readings, &lab.programmer)
            && cell.probe.programs()
            && let Err(state) = programmer.count(lab.node(), &lab.cluster)
        {
            // What is measured on it from here on would be of another state than it says.
            let left_behind = format!("{} left the node in another state: {}", cell.probe, state.reason());
            *slot = Err(Ended::Failed(left_behind));
        }
        Ok(Measured { readings: readings?, cost: begun.elapsed() + owed })
    }
}
