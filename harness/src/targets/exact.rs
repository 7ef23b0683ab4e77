//! `exact`: a chosen kernel in guests whose clock counts instructions, so that a run comes out the same every time.

use super::{Guests, Target};
use crate::cell_error::Missing;
use crate::process::exit::Failure;
use crate::process::interrupt;
use crate::session::{Job, conduct};
use crate::vm::fleet::Fleet;
use crate::vm::qemu::Engine;
use lab_core::vocabulary::{BackendName, Clock, TargetName};
use std::process::ExitCode;

pub(super) struct Exact;

impl Target for Exact {
    fn name(&self) -> TargetName {
        TargetName::Exact
    }

    fn prefer(&self, _: &Guests, backends: &[BackendName]) -> Result<(), Missing> {
        super::in_guests(backends)
    }

    fn run(&self, job: &Job) -> Result<ExitCode, Failure> {
        interrupt::listen()?;
        let fleet = Fleet::ready(&job.guests, Engine::Counted, job.plan.memory).map_err(Failure::cannot_run)?;
        let clock = Clock::Instructions;
        Ok(conduct(job, clock, fleet.ground(&job.plan), |listener| fleet.run(&job.plan, clock, listener))?.into())
    }
}
