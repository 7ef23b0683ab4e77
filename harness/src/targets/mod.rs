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
use std::fmt;
use std::process::ExitCode;

/// A place where plans run.
pub(crate) trait Target: Sync {
    fn name(&self) -> TargetName;
    /// Checks that `--target auto` may choose it for a plan with these backends. Returns what is broken of them there. That
    /// is no reason to go elsewhere: guests have the same tools.
    ///
    /// # Errors
    /// What it lacks for them, and the remedy.
    fn prefer(&self, guests: &Guests, backends: &[BackendName]) -> Result<Vec<String>, Missing>;
    /// Runs `spec` from its first record to its reports.
    fn run(&self, spec: &RunSpec) -> Result<ExitCode, Failure>;
}

/// Every target, in the order of preference.
pub(crate) static TARGETS: &[&dyn Target] = &[&host::Host, &vm::Vm, &exact::Exact];

pub(crate) fn named(name: TargetName) -> &'static dyn Target {
    let found = TARGETS.iter().find(|target| target.name() == name);
    *found.expect("a test checks that every target of the vocabulary is in TARGETS")
}

/// The target that was chosen, and what each earlier one lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) target: TargetName,
    /// What is broken there: cells of it will fail.
    pub(crate) broken: Vec<String>,
    pub(crate) passed_over: Vec<(TargetName, Missing)>,
}

/// The first target that can run all of `backends`: for `plan` as for `scenario`, so that the one foretells the other.
///
/// It fetches nothing. It may start a guest for KVM's trial, whose result is kept.
pub(crate) fn choose(guests: &Guests, backends: &[BackendName]) -> Choice {
    // This process is inside a sandbox: its parent has chosen `host`.
    if sandbox::awaits() {
        return Choice::of(TargetName::Host);
    }
    choose_among(TARGETS, guests, backends)
}

/// The first of `targets` that can run all of `backends`. If none can, the first: it reports what each backend lacks.
fn choose_among(targets: &[&dyn Target], guests: &Guests, backends: &[BackendName]) -> Choice {
    let mut passed_over = Vec::new();
    for target in targets {
        match target.prefer(guests, backends) {
            Ok(broken) => return Choice { target: target.name(), broken, passed_over },
            Err(missing) => passed_over.push((target.name(), missing)),
        }
    }
    Choice { passed_over, ..Choice::of(targets[0].name()) }
}

impl Choice {
    fn of(target: TargetName) -> Self {
        Self { target, broken: Vec::new(), passed_over: Vec::new() }
    }

    /// The target. Prints why it is not an earlier one.
    pub(crate) fn said(self) -> TargetName {
        crate::process::standard::tell(format_args!("{self}"));
        self.target
    }
}

/// Says why a target is not an earlier one, and what will fail there.
impl fmt::Display for Choice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.passed_over.iter().try_for_each(|(target, missing)| writeln!(out, "not on {target}: {missing}"))?;
        self.broken.iter().try_for_each(|why| writeln!(out, "on {}: {why}", self.target))
    }
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

    /// A target that lacks what it is told.
    struct Fake(TargetName, Option<&'static str>, Vec<String>);

    impl Target for Fake {
        fn name(&self) -> TargetName {
            self.0
        }

        fn prefer(&self, _: &Guests, _: &[BackendName]) -> Result<Vec<String>, Missing> {
            self.1.map_or(Ok(self.2.clone()), |why| Err(Missing { why: why.to_owned(), remedy: "none".to_owned() }))
        }

        fn run(&self, _: &RunSpec) -> Result<ExitCode, Failure> {
            unreachable!("nothing is run")
        }
    }

    #[test]
    fn the_first_target_that_lacks_nothing_is_chosen_and_the_others_are_told() {
        let choose = |lacks: [Option<&'static str>; 3]| {
            let fakes = [TargetName::Host, TargetName::Vm, TargetName::Exact].into_iter().zip(lacks);
            let fakes: Vec<Fake> = fakes.map(|(name, lack)| Fake(name, lack, Vec::new())).collect();
            let fakes: Vec<&dyn Target> = fakes.iter().map(|fake| fake as &dyn Target).collect();
            choose_among(&fakes, &Guests::default(), &[])
        };
        assert_eq!(choose([None, None, None]).target, TargetName::Host);
        let exact = choose([Some("no ip_vs"), Some("no KVM"), None]);
        assert_eq!(exact.target, TargetName::Exact);
        assert_eq!(exact.to_string(), "not on host: no ip_vs; none\nnot on vm: no KVM; none\n");
        assert_eq!(choose([Some("a"), Some("b"), Some("c")]).target, TargetName::Host);
    }

    #[test]
    fn a_broken_tool_is_no_reason_to_pass_a_target_over_and_is_told() {
        let host = Fake(TargetName::Host, None, vec!["nft was killed by signal 9".to_owned()]);
        let choice = choose_among(&[&host, &Fake(TargetName::Exact, None, Vec::new())], &Guests::default(), &[]);
        assert_eq!(choice.target, TargetName::Host);
        assert_eq!(choice.to_string(), "on host: nft was killed by signal 9\n");
    }
}
