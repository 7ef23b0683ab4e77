//! Fault injection: cells of a run are made slower on purpose, to see whether the gate finds them.
//!
//! It surrounds what measures, which knows nothing of it: a [`Late`] runner delays tools, a slowed driver says which
//! ones, and a stage puts rules ahead of the Services' own.

mod driver;
mod faults;
mod late;
mod rules;

pub(crate) use faults::Faults;
pub(crate) use rules::MODULES;

use crate::cell_error::CellError;
use crate::lab::Lab;
use crate::lab::node::NodeLab;
use crate::probe::Reading;
use crate::run::labs::{Labs, Plain, Stage};
use crate::tool::Real;
use guests::init::load_module;
use lab_core::cell::{Cell, Load};
use lab_core::plan::{Plan, Visit};
use lab_core::slowdown::Means;
use lab_core::vocabulary::ProbeName;
use late::{LATE, Late};
use rules::Rules;
use std::time::Duration;

/// What measures `visits` of `plan`, with `faults` in them.
pub(crate) fn labs<'a>(plan: &'a Plan, visits: &'a [Visit], faults: &'a Faults) -> Labs<'a> {
    let inner = Box::new(Plain { make: driver::slowed, runner: &LATE });
    Labs::new(plan, visits, &Real, Injection { inner, visits, faults, late: &LATE, stuck: None })
}

struct Injection<'a> {
    inner: Box<dyn Stage + 'a>,
    visits: &'a [Visit],
    faults: &'a Faults,
    late: &'static Late,
    /// Rules that could not be removed: whatever is measured on their node would be slower, too.
    stuck: Option<CellError>,
}

impl Injection<'_> {
    /// What is injected into the cell that `is_it`.
    fn fault(&self, is_it: impl Fn(&Cell) -> bool) -> Option<Means> {
        self.visits.iter().position(|visit| is_it(&visit.cell)).and_then(|place| self.faults.at(place))
    }

    fn slow_down(&self, fault: Option<Means>) {
        self.late.slow_down(fault.map_or(Duration::ZERO, Means::delay));
    }
}

impl Stage for Injection<'_> {
    /// The load that brings a lab up is a sample of another cell.
    fn bring_up(&mut self, load: &Load, plan: &Plan) -> Result<NodeLab, CellError> {
        self.slow_down(self.fault(|cell| cell.load() == *load && cell.probe == ProbeName::SyncFull));
        let lab = self.inner.bring_up(load, plan);
        self.slow_down(None);
        lab
    }

    fn ask(&mut self, lab: &dyn Lab, cell: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let fault = self.fault(|other| other == cell);
        self.slow_down(fault);
        let rules = match fault {
            Some(Means::Rules(count)) => {
                self.faults.modules().iter().try_for_each(|file| load_module(file))?;
                Some(Rules::add(lab.node(), self.late, count)?)
            }
            Some(Means::Delay(_)) | None => None,
        };
        let readings = self.inner.ask(lab, cell, plan, limit);
        self.slow_down(None);
        if let Some(Err(error)) = rules.map(|rules| rules.remove(lab.node())) {
            self.stuck = Some(error.clone());
            return Err(error);
        }
        readings
    }

    fn check(&mut self, lab: &dyn Lab, cell: &Cell) -> Result<(), CellError> {
        self.stuck.take().map_or_else(|| self.inner.check(lab, cell), Err)
    }
}

#[cfg(test)]
mod tests;
