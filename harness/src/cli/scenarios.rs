//! `svclab scenarios`: lists the built-in scenarios. Also finds any scenario by name or file.

use super::output::say;
use crate::cli::handed;
use crate::process::exit::{Exit, Failure};
use anyhow::{Context, anyhow};
use lab_core::scenario::Scenario;
use lab_core::vocabulary::Unknown;
use std::path::Path;
use std::process::ExitCode;

/// The scenarios that come with the program: name, file and text.
static BUILT_IN: &[(&str, &str, &str)] = &[
    ("smoke", "scenarios/smoke.yaml", include_str!("../../../scenarios/smoke.yaml")),
    ("scale-5k", "scenarios/scale-5k.yaml", include_str!("../../../scenarios/scale-5k.yaml")),
    ("scale-20k", "scenarios/scale-20k.yaml", include_str!("../../../scenarios/scale-20k.yaml")),
    ("scale-50k", "scenarios/scale-50k.yaml", include_str!("../../../scenarios/scale-50k.yaml")),
    ("capacity", "scenarios/capacity.yaml", include_str!("../../../scenarios/capacity.yaml")),
    ("kube-proxy", "scenarios/kube-proxy.yaml", include_str!("../../../scenarios/kube-proxy.yaml")),
    ("huawei-2017", "scenarios/huawei-2017.yaml", include_str!("../../../scenarios/huawei-2017.yaml")),
    ("ipvs-programming", "scenarios/ipvs-programming.yaml", include_str!("../../../scenarios/ipvs-programming.yaml")),
    ("ipvs-restart", "scenarios/ipvs-restart.yaml", include_str!("../../../scenarios/ipvs-restart.yaml")),
    ("ipvs-schedulers", "scenarios/ipvs-schedulers.yaml", include_str!("../../../scenarios/ipvs-schedulers.yaml")),
];

/// The scenario called `name`, or in the file `name`.
pub(crate) fn find(name: &str) -> Result<Scenario, Failure> {
    if let Some((_, file, text)) = BUILT_IN.iter().find(|(built_in, _, _)| *built_in == name) {
        return Scenario::read(file, text).map_err(Failure::usage);
    }
    let looks_like_a_file = name.contains('/') || name.contains('.') || Path::new(name).is_file();
    if !looks_like_a_file {
        let known = BUILT_IN.iter().map(|(name, _, _)| *name);
        return Err(Failure::usage(anyhow!("{}; or name a YAML file", Unknown::new("scenario", name, known))));
    }
    let text = handed::text(Path::new(name)).with_context(|| format!("reading the scenario {name}"));
    let text = text.map_err(Failure::usage)?;
    let mut scenario = Scenario::read(name, &text).map_err(Failure::usage)?;
    let folder = Path::new(name).parent().unwrap_or(Path::new(""));
    for file in scenario.cluster.iter_mut().filter(|file| *file != "-") {
        *file = folder.join(&*file).display().to_string();
    }
    Ok(scenario)
}

pub(crate) fn run() -> Result<ExitCode, Failure> {
    for (name, file, text) in BUILT_IN {
        let scenario = Scenario::read(file, text).map_err(Failure::usage)?;
        say!("{name:<18}{}", scenario.question);
    }
    say!("\nRun one with: svclab scenario NAME. Write your own as scenarios/README.md describes.");
    Ok(Exit::Done.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_that_comes_with_the_program_reads_and_is_named_after_its_file() {
        for (name, file, text) in BUILT_IN {
            let scenario = Scenario::read(file, text).unwrap();
            assert_eq!(scenario.name, *name);
            assert_eq!(*file, format!("scenarios/{name}.yaml"));
            assert!(!scenario.about.is_empty(), "{name} says nothing about itself");
        }
    }
}
