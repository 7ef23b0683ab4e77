//! `svclab doctor`: what runs here, what is missing, and the remedy.

use crate::backend::BACKENDS;
use crate::conduct::version;
use crate::ended::Missing;
use crate::exit::{Exit, Failure};
use crate::probe::PROBES;
use crate::target::{TARGETS, Target};
use std::process::ExitCode;

pub(crate) fn run() -> Result<ExitCode, Failure> {
    let mut code = Exit::CannotRun.into();
    for target in TARGETS {
        match target.check() {
            Ok(()) => code = target.within(&|| Ok(examine(*target)))?,
            Err(missing) => report(target.name().to_string().as_str(), Err(&missing)),
        }
    }
    Ok(code)
}

/// Tries everything out, within the target.
fn examine(target: &dyn Target) -> ExitCode {
    let facts = netns_topology::facts::gather();
    let fact = |name: &str| facts.get(name).map_or("unknown", String::as_str);
    println!("kernel {} on {} ({} CPUs)", fact("kernel"), fact("cpu"), fact("cpus"));
    println!("target {}", target.name());
    for line in target.describe() {
        report(&target.name().to_string(), line.as_ref().map(String::as_str));
    }
    let mut any = false;
    for backend in BACKENDS {
        let check = target.check_backend(backend.name());
        any |= check.is_ok();
        let versions: Vec<_> = backend.tools().iter().filter_map(|&tool| version(backend.program(tool))).collect();
        let version = versions.first().map_or("needs no tool", String::as_str);
        report(&backend.name().to_string(), check.as_ref().map(|()| version));
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
        Ok(how) => println!("  ok       {what:<18}{how}"),
        Err(Missing { why, remedy }) => println!("  missing  {what:<18}{why}\n{:29}remedy: {remedy}", ""),
    }
}
