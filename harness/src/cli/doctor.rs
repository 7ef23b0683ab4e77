//! `svclab doctor`: what runs here, what is missing, and the remedy.

use super::say;
use crate::backend::BACKENDS;
use crate::conduct::version;
use crate::ended::Missing;
use crate::exit::{Exit, Failure};
use crate::probe::PROBES;
use crate::target::{TARGETS, Target};
use lab_core::vocabulary::Word;
use std::process::ExitCode;

pub(crate) fn run() -> Result<ExitCode, Failure> {
    let mut code = Exit::CannotRun.into();
    for target in TARGETS {
        match target.check() {
            Ok(()) => code = target.within(&|| Ok(examine(*target)))?,
            Err(missing) => report(target.name().name(), Err(&missing)),
        }
    }
    Ok(code)
}

/// Tries everything out, within the target.
fn examine(target: &dyn Target) -> ExitCode {
    let facts = netns_topology::facts::gather();
    let fact = |name: &str| facts.get(name).map_or("unknown", String::as_str);
    say!("kernel {} on {} ({} CPUs)", fact("kernel"), fact("cpu"), fact("cpus"));
    say!("target {}", target.name());
    for line in target.describe() {
        match line {
            Ok(what) => show("ok", target.name().name(), &what),
            Err(limit) => show("limited", target.name().name(), &remedied(&limit)),
        }
    }
    let mut any = false;
    for backend in BACKENDS {
        let check = target.check_backend(backend.name());
        any |= check.is_ok();
        let versions: Vec<_> = backend.tools().iter().filter_map(|&tool| version(backend.program(tool))).collect();
        let version = versions.first().map_or("needs no tool", String::as_str);
        report(backend.name().name(), check.as_ref().map(|()| version));
    }
    for probe in PROBES {
        if let Err(missing) = probe.check() {
            report(&format!("probe {}", probe.name()), Err(&missing));
        }
    }
    if any { Exit::Done.into() } else { Exit::CannotRun.into() }
}

fn report(what: &str, check: Result<&str, &Missing>) {
    match check {
        Ok(how) => show("ok", what, how),
        Err(missing) => show("missing", what, &remedied(missing)),
    }
}

fn show(state: &str, what: &str, details: &str) {
    say!("  {state:<9}{what:<18}{details}");
}

/// What is missing and, below it, the remedy.
fn remedied(missing: &Missing) -> String {
    format!("{}\n{:29}remedy: {}", missing.why, "", missing.remedy)
}
