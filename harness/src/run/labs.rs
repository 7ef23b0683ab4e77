//! The labs of a run. Each is brought up when it is first needed, and kept loaded until the run ends.

use super::{Bench, Measured};
use crate::activity;
use crate::backend;
use crate::cell_error::{CellError, Obstacle};
use crate::driver;
use crate::lab::Lab;
use crate::lab::node::NodeLab;
use crate::probe::{self, Reading};
use crate::tool::Runner;
use lab_core::cell::{Cell, Load};
use lab_core::plan::{Plan, Visit};
use lab_core::vocabulary::{BackendName, ProbeName};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Measures cells on this kernel, in namespaces of this process.
pub(crate) struct Labs<'a> {
    plan: &'a Plan,
    stage: Box<dyn Stage + 'a>,
    /// What is in the way of the plan's backends and probes here.
    backends: BTreeMap<BackendName, Result<(), Obstacle>>,
    probes: BTreeMap<ProbeName, Result<(), Obstacle>>,
    labs: BTreeMap<Load, Result<NodeLab, CellError>>,
}

/// How labs are brought up and asked. To do more than that, put another stage around [`Plain`].
pub(crate) trait Stage {
    fn bring_up(&mut self, load: &Load, plan: &Plan) -> Result<NodeLab, CellError>;
    /// Has the probe of `cell` take its samples.
    fn ask(&mut self, lab: &dyn Lab, cell: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError>;
    /// Whether the lab is in the state it was in before `cell`, which failed.
    fn check(&mut self, lab: &dyn Lab, cell: &Cell) -> Result<(), CellError>;
}

/// Nothing but the lab and the probe.
pub(crate) struct Plain {
    pub(crate) make: driver::Make,
    pub(crate) runner: &'static dyn Runner,
}

impl Stage for Plain {
    fn bring_up(&mut self, load: &Load, plan: &Plan) -> Result<NodeLab, CellError> {
        NodeLab::bring_up(load, plan, self.make, self.runner)
    }

    fn ask(&mut self, lab: &dyn Lab, cell: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let asked = activity::beside(lab, cell, || probe::named(cell.probe).run(lab, cell, plan, limit));
        asked.map_err(|error| lab.memory().map_or_else(|| error.clone(), |memory| memory.judge(error.clone())))
    }

    fn check(&mut self, lab: &dyn Lab, cell: &Cell) -> Result<(), CellError> {
        if !cell.probe.programs() && cell.activity.is_none() {
            return Ok(());
        }
        let (driver, node) = (lab.driver(), lab.node());
        driver.count(node, lab.cluster()).and_then(|_| driver.verify(node)).map_err(|error| {
            CellError::Failed(format!("{} left the node in another state: {}", cell.probe, error.reason()))
        })
    }
}

impl<'a> Labs<'a> {
    /// Checks by trying whether all is here that `visits` of `plan` need. Brings up no lab yet.
    pub(crate) fn new(plan: &'a Plan, visits: &[Visit], runner: &'static dyn Runner, stage: impl Stage + 'a) -> Self {
        let (mut backends, mut probes) = (BTreeMap::new(), BTreeMap::new());
        for Visit { cell, .. } in visits {
            backends
                .entry(cell.variant.backend)
                .or_insert_with(|| driver::check(backend::named(cell.variant.backend), runner));
            probes.entry(cell.probe).or_insert_with(|| probe::named(cell.probe).check().map_err(Obstacle::from));
        }
        Self { plan, stage: Box::new(stage), backends, probes, labs: BTreeMap::new() }
    }

    pub(crate) fn up(&self) -> impl Iterator<Item = &NodeLab> {
        self.labs.values().filter_map(|lab| lab.as_ref().ok())
    }

    fn obstacle(&self, cell: &Cell) -> Option<&Obstacle> {
        let checks = [self.backends.get(&cell.variant.backend), self.probes.get(&cell.probe)];
        checks.into_iter().flatten().find_map(|check| check.as_ref().err())
    }
}

impl Bench for Labs<'_> {
    fn measure(&mut self, cell: &Cell, limit: Duration) -> Result<Measured, CellError> {
        if let Some(obstacle) = self.obstacle(cell) {
            return Err(obstacle.clone().into());
        }
        let (plan, stage) = (self.plan, &mut *self.stage);
        let load = cell.load();
        let slot = self.labs.entry(load).or_insert_with(|| stage.bring_up(&load, plan));
        let lab = slot.as_ref().map_err(|error| error.clone())?;
        // The load that brought the lab up is this probe's first sample. It was made before this visit.
        let owed = if cell.probe == ProbeName::SyncFull { lab.first_load_took() } else { Duration::ZERO };
        let begun = Instant::now();
        let readings = stage.ask(lab, cell, plan, limit);
        let cost = begun.elapsed() + owed;
        if readings.is_err()
            && let Err(error) = stage.check(lab, cell)
        {
            // Later cells on this lab would measure another state than they report.
            *slot = Err(error);
        }
        Ok(Measured { readings: readings?, cost })
    }
}
