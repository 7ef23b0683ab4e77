//! Where a plan runs.

mod host;

use crate::conduct::Job;
use crate::ended::Missing;
use crate::exit::Failure;
use lab_core::vocabulary::{BackendName, TargetName};
use std::process::ExitCode;

/// Somewhere that plans run.
pub(crate) trait Target: Sync {
    /// Its name.
    fn name(&self) -> TargetName;
    /// Whether it can be had on this machine.
    fn check(&self) -> Result<(), Missing>;
    /// What it is, as found from within it; a line each of what is as it should be, and of what limits it.
    fn describe(&self) -> Vec<Result<String, Missing>>;
    /// What `backend` lacks there. Only for within the target, where trying is harmless.
    fn check_backend(&self, backend: BackendName) -> Result<(), Missing>;
    /// Runs a job from its first record to its reports.
    fn run(&self, job: &Job) -> Result<ExitCode, Failure>;
    /// Runs `inside` within the target, on behalf of a verb that is no run.
    fn within(&self, inside: &dyn Fn() -> Result<ExitCode, Failure>) -> Result<ExitCode, Failure>;
}

/// Every target, in the order in which they are preferred.
pub(crate) static TARGETS: &[&dyn Target] = &[&host::Host];

/// The target that was asked for, or the first of all.
pub(crate) fn choose(asked: Option<TargetName>) -> &'static dyn Target {
    let wanted = |target: &&&dyn Target| asked.is_none_or(|name| target.name() == name);
    *TARGETS.iter().find(wanted).expect("every name of the vocabulary has its line in TARGETS, which a test checks")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::vocabulary::Word;

    #[test]
    fn every_target_of_the_vocabulary_is_here() {
        for &name in TargetName::ALL {
            assert_eq!(choose(Some(name)).name(), name);
        }
    }
}
