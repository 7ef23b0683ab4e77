//! `vm`: a chosen kernel in a guest that shows real time.

use super::Target;
use crate::cell_error::Missing;
use crate::fleet::kvm;
use crate::fleet::{Fleet, largest};
use crate::process::exit::Failure;
use crate::process::interrupt;
use crate::session::Session;
use crate::session::spec::Guests;
use crate::session::spec::RunSpec;
use guests::Engine;
use lab_core::vocabulary::{BackendName, Clock, TargetName};
use std::process::ExitCode;

pub(super) struct Vm;

/// The guest's engine here, and its clock.
fn engine(guests: &Guests) -> (Engine, Clock) {
    match kvm::check(guests) {
        Ok(()) => (Engine::Kvm, Clock::Wall),
        Err(missing) => {
            tell!("vm: {missing}");
            (Engine::Emulated, Clock::WallEmulated)
        }
    }
}

impl Target for Vm {
    fn name(&self) -> TargetName {
        TargetName::Vm
    }

    /// Without KVM it is not chosen: an emulated guest's times mean little. Nor where KVM was not tried and cannot be, for
    /// lack of a kernel.
    fn prefer(&self, guests: &Guests, backends: &[BackendName]) -> Result<Vec<String>, Missing> {
        super::in_guests(guests, backends)?;
        kvm::usable(guests).map(|()| Vec::new())
    }

    fn run(&self, spec: &RunSpec) -> Result<ExitCode, Failure> {
        interrupt::listen()?;
        let (engine, clock) = engine(&spec.guests);
        // Parallel guests would slow each other down.
        let guests = Guests { jobs: Some(1), ..spec.guests.clone() };
        let fleet =
            Fleet::ready(&guests, engine, largest(&spec.plan), &spec.plan.kube_proxies).map_err(Failure::cannot_run)?;
        let session = Session::begin(spec, clock, fleet.ground(&spec.plan))?;
        let left = session.left();
        Ok(session.run(|listener| fleet.run(&spec.plan, left, clock, listener))?.into())
    }
}
