//! The labs of a run, brought up when they are first needed and kept, loaded, until the run ends.

use crate::backend;
use crate::cell_error::{CellError, Missing};
use crate::lab::Lab;
use crate::planting::{Planting, Rules};
use crate::probe;
use crate::programmer;
use crate::run::{Bench, Measured};
use crate::tool::Runner;
use guests::init::load_module;
use lab_core::cell::{Cell, Load};
use lab_core::plan::{Plan, Visit};
use lab_core::slowdown::Means;
use lab_core::vocabulary::{BackendName, ProbeName};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Measures cells on this kernel, in namespaces of this process.
pub(crate) struct Labs<'a> {
    plan: &'a Plan,
    visits: &'a [Visit],
    planting: &'a Planting,
    runner: &'static dyn Runner,
    /// What the backends and probes of the plan lack here.
    backends: BTreeMap<BackendName, Result<(), Missing>>,
    probes: BTreeMap<ProbeName, Result<(), Missing>>,
    labs: BTreeMap<Load, Result<Lab, CellError>>,
}

impl<'a> Labs<'a> {
    /// Tries out what `visits` of `plan` need; brings nothing up yet.
    pub(crate) fn new(
        plan: &'a Plan,
        visits: &'a [Visit],
        planting: &'a Planting,
        runner: &'static dyn Runner,
    ) -> Self {
        let (mut backends, mut probes) = (BTreeMap::new(), BTreeMap::new());
        for Visit { cell, .. } in visits {
            backends
                .entry(cell.variant.backend)
                .or_insert_with(|| programmer::check(backend::named(cell.variant.backend), runner));
            probes.entry(cell.probe).or_insert_with(|| probe::named(cell.probe).check());
        }
        Self { plan, visits, planting, runner, backends, probes, labs: BTreeMap::new() }
    }

    /// The labs that are up.
    pub(crate) fn up(&self) -> impl Iterator<Item = &Lab> {
        self.labs.values().filter_map(|lab| lab.as_ref().ok())
    }

    fn missing(&self, cell: &Cell) -> Option<&Missing> {
        let checks = [self.backends.get(&cell.variant.backend), self.probes.get(&cell.probe)];
        checks.into_iter().flatten().find_map(|check| check.as_ref().err())
    }

    /// What is planted into the cell that `is_it`.
    fn planted(&self, is_it: impl Fn(&Cell) -> bool) -> Option<Means> {
        self.visits.iter().position(|visit| is_it(&visit.cell)).and_then(|place| self.planting.at(place))
    }
}

impl Bench for Labs<'_> {
    fn measure(&mut self, cell: &Cell, limit: Duration) -> Result<Measured, CellError> {
        if let Some(missing) = self.missing(cell) {
            return Err(CellError::Skipped(missing.to_string()));
        }
        let (runner, plan) = (self.runner, self.plan);
        let load = cell.load();
        if !self.labs.contains_key(&load) {
            // The load that brings it up is what this other cell will report.
            let full = self.planted(|cell| cell.load() == load && cell.probe == ProbeName::SyncFull);
            let delay = full.map_or(Duration::ZERO, Means::delay);
            self.labs.insert(load, Lab::bring_up(&load, plan, delay, runner));
        }
        let means = self.planted(|other| other == cell);
        let slot = self.labs.get_mut(&load).expect("it was brought up above");
        let lab = slot.as_mut().map_err(|ended| ended.clone())?;
        // The load that brought the lab up is this probe's first sample, made before this visit began.
        let owed = if cell.probe == ProbeName::SyncFull { lab.first_load_took() } else { Duration::ZERO };
        lab.delay = means.map_or(Duration::ZERO, Means::delay);
        let rules = match means {
            Some(Means::Rules(count)) => {
                self.planting.modules().iter().try_for_each(|module| load_module(module))?;
                Some(Rules::plant(lab.node(), runner, count)?)
            }
            Some(Means::Delay(_)) | None => None,
        };
        let begun = Instant::now();
        let readings = probe::named(cell.probe).run(lab, cell, plan, limit);
        let cost = begun.elapsed() + owed;
        lab.delay = Duration::ZERO;
        if let Some(Err(ended)) = rules.map(|rules| rules.remove(lab.node())) {
            // Whatever is measured on it from here on would be slower, too.
            *slot = Err(ended.clone());
            return Err(ended);
        }
        if let (Err(_), Some(programmer)) = (&readings, &lab.programmer)
            && cell.probe.programs()
            && let Err(state) = programmer.count(lab.node(), &lab.cluster)
        {
            // What is measured on it from here on would be of another state than it says.
            let left_behind = format!("{} left the node in another state: {}", cell.probe, state.reason());
            *slot = Err(CellError::Failed(left_behind));
        }
        Ok(Measured { readings: readings?, cost })
    }
}
