//! Targets: where a plan runs.

mod exact;
mod examination;
mod examine;
mod host;
mod vm;

pub(crate) use examination::{Examination, VERB as EXAMINE};
pub(crate) use examine::examine;
pub(crate) use host::within as within_host;

use crate::backend;
use crate::cell_error::Missing;
use crate::process::exit::Failure;
use crate::session::spec::Guests;
use crate::session::spec::RunSpec;
use guests::{qemu, tools};
use lab_core::vocabulary::{BackendName, TargetName};
use netns_topology::sandbox;
use std::process::ExitCode;

/// A place where plans run.
pub(crate) trait Target: Sync {
    fn name(&self) -> TargetName;
    /// Checks that `--target auto` may choose it for a plan with these backends.
    ///
    /// # Errors
    /// What it lacks for them, and the remedy.
    fn prefer(&self, guests: &Guests, backends: &[BackendName]) -> Result<(), Missing>;
    /// Like `prefer`, but starts no guest to find out.
    fn foresee(&self, guests: &Guests, backends: &[BackendName]) -> Result<(), Missing> {
        self.prefer(guests, backends)
    }
    /// Runs `spec` from its first record to its reports.
    fn run(&self, spec: &RunSpec) -> Result<ExitCode, Failure>;
}

/// Every target, in the order of preference.
pub(crate) static TARGETS: &[&dyn Target] = &[&host::Host, &vm::Vm, &exact::Exact];

pub(crate) fn named(name: TargetName) -> &'static dyn Target {
    let found = TARGETS.iter().find(|target| target.name() == name);
    *found.expect("a test checks that every target of the vocabulary is in TARGETS")
}

/// The first target that can run all of `backends`. Prints why it is not an earlier one. If no target can, returns the
/// first: it reports what each backend lacks.
pub(crate) fn choose(guests: &Guests, backends: &[BackendName]) -> TargetName {
    // This process is inside a sandbox: its parent has chosen `host`.
    if sandbox::awaits() {
        return TargetName::Host;
    }
    for target in TARGETS {
        match target.prefer(guests, backends) {
            Ok(()) => return target.name(),
            Err(missing) => eprintln!("not on {}: {missing}", target.name()),
        }
    }
    TARGETS[0].name()
}

/// The target that [`choose`] would return, as far as is known without starting a guest.
pub(crate) fn foresee(guests: &Guests, backends: &[BackendName]) -> TargetName {
    let found = TARGETS.iter().find(|target| target.foresee(guests, backends).is_ok());
    found.unwrap_or(&TARGETS[0]).name()
}

/// Checks that everything is installed that `backends` need in guests. Kernel and tools may still have to be fetched.
fn in_guests(guests: &Guests, backends: &[BackendName]) -> Result<(), Missing> {
    qemu::find()?;
    let toolset = match guests.tools.as_deref().map(tools::find).transpose()? {
        Some(None) => return Ok(()),
        found => found.flatten(),
    };
    backends.iter().try_for_each(|&name| backend::check_tools_in(toolset.as_ref(), backend::named(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::vocabulary::Word;

    #[test]
    fn every_target_of_the_vocabulary_is_here() {
        for &name in TargetName::ALL {
            assert_eq!(named(name).name(), name);
        }
    }
}
