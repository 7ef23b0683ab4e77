//! `exact`: a chosen kernel in guests whose clock counts instructions, so that every run gives the same numbers.

use super::Target;
use crate::cell_error::Missing;
use crate::fleet::{Fleet, largest};
use crate::process::exit::Failure;
use crate::process::interrupt;
use crate::session::Session;
use crate::session::spec::Guests;
use crate::session::spec::RunSpec;
use guests::Engine;
use lab_core::vocabulary::{BackendName, Clock, TargetName};
use std::process::ExitCode;

pub(super) struct Exact;

impl Target for Exact {
    fn name(&self) -> TargetName {
        TargetName::Exact
    }

    fn prefer(&self, guests: &Guests, backends: &[BackendName]) -> Result<Vec<String>, Missing> {
        super::in_guests(guests, backends).map(|()| Vec::new())
    }

    fn run(&self, spec: &RunSpec) -> Result<ExitCode, Failure> {
        interrupt::listen()?;
        let fleet = Fleet::ready(&spec.guests, Engine::Counted, largest(&spec.plan), &spec.plan.kube_proxies)
            .map_err(Failure::cannot_run)?;
        let clock = Clock::Instructions;
        let session = Session::begin(spec, clock, fleet.ground(&spec.plan))?;
        let left = session.left();
        Ok(session.run(|listener| fleet.run(&spec.plan, left, clock, listener))?.into())
    }
}
