//! The labs of a run, brought up when they are first needed and kept, loaded, until the run ends.

use crate::backend;
use crate::ended::{Ended, Missing};
use crate::lab::Lab;
use crate::probe;
use crate::programmer;
use crate::run::{Bench, Measured};
use crate::tool::Runner;
use lab_core::plan::{Cell, Plan};
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
    /// By backend, Services and endpoints.
    labs: BTreeMap<(BackendName, u32, u32), Result<Lab, Ended>>,
}

impl<'a> Labs<'a> {
    /// Tries out what `plan` needs; brings nothing up yet.
    pub(crate) fn new(plan: &'a Plan, runner: &'static dyn Runner) -> Self {
        let (mut backends, mut probes) = (BTreeMap::new(), BTreeMap::new());
        for cell in &plan.cells {
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
        let (runner, budget) = (self.runner, self.plan.budget);
        let lab = self
            .labs
            .entry((cell.backend, cell.services, cell.endpoints))
            .or_insert_with(|| Lab::bring_up(cell.backend, cell.services, cell.endpoints, runner, budget));
        let lab = match lab {
            Ok(lab) => lab,
            // An interrupted load is not the lab's end: it was never there.
            Err(ended) => return Err(ended.clone()),
        };
        // The load that brought the lab up is this probe's first sample, made before this visit began.
        let owed = if cell.probe == ProbeName::SyncFull { lab.first_load_took() } else { Duration::ZERO };
        let begun = Instant::now();
        let readings = probe::named(cell.probe).run(lab, cell, self.plan, limit)?;
        Ok(Measured { readings, cost: begun.elapsed() + owed })
    }
}
