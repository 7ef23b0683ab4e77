//! The scenarios that come with the program; finds any scenario by name or file.

use crate::cli::handed;
use crate::process::exit::Failure;
use anyhow::{Context, anyhow};
use lab_core::scenario::Scenario;
use lab_core::vocabulary::Unknown;
use std::path::Path;

/// Files of `scenarios/`, by their names: name, file and text.
macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$((
            $name,
            concat!("scenarios/", $name, ".yaml"),
            include_str!(concat!("../../../scenarios/", $name, ".yaml")),
        )),+]
    };
}

/// The scenarios that come with the program.
static BUILT_IN: &[(&str, &str, &str)] = files![
    "smoke",
    "scale-5k",
    "scale-20k",
    "scale-50k",
    "capacity",
    "kube-proxy",
    "huawei-2017",
    "ipvs-programming",
    "ipvs-restart",
    "ipvs-schedulers",
    "add-one-rule",
    "affinity",
    "bandwidth-positions",
    "bandwidth-while-syncing",
    "conntrack-pressure",
    "cpu-under-churn",
    "dual-stack",
    "failed-transaction",
    "first-packet",
    "ipv6",
    "ipvs-cpu",
    "ipvs-static-rules",
    "kernels",
    "lock-contention",
    "memory",
    "memory-limit",
    "nftables-cold-start",
    "nftables-endpoints",
    "no-endpoints",
    "nodeport-2000x10",
    "one-large-service",
    "removed-endpoint",
    "restart",
    "spread",
    "spread-while-changing",
    "sync-reads",
    "traffic-while-syncing",
    "udp-stale",
    "vip-binding",
];

/// The names of those that come with the program.
pub(super) fn names() -> Vec<&'static str> {
    BUILT_IN.iter().map(|(name, ..)| *name).collect()
}

/// The scenario called `name`, or in the file `name`.
pub(crate) fn find(name: &str) -> Result<Scenario, Failure> {
    if let Some((_, file, text)) = BUILT_IN.iter().find(|(built_in, _, _)| *built_in == name) {
        return Scenario::read(file, text).map_err(Failure::usage);
    }
    let looks_like_a_file = name.contains('/') || name.contains('.') || Path::new(name).is_file();
    if !looks_like_a_file {
        return Err(Failure::usage(anyhow!(
            "{}; or name a YAML file",
            Unknown::new("scenario", name, names().into_iter())
        )));
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

/// The name and the question of each.
pub(super) fn questions() -> Result<Vec<(&'static str, String)>, Failure> {
    BUILT_IN.iter().map(|(name, ..)| Ok((*name, find(name)?.question))).collect()
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

    #[test]
    fn every_file_comes_with_the_program() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
        let files = folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        for file in files.filter(|file| file.ends_with(".yaml")) {
            assert!(BUILT_IN.iter().any(|(name, _, _)| file == format!("{name}.yaml")), "{file}");
        }
    }
}
