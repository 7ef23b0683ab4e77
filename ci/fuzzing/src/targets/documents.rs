//! YAML that people write.

use super::{Target, text};
use crate::seeds::{Seeds, files};
use analysis::gate::Policy;
use lab_core::encoding;
use lab_core::scenario::Scenario;
use lab_core::vocabulary::TargetName;

pub(super) const SCENARIO: Target = Target {
    name: "scenario",
    seeds: || Seeds::text(files(&["scenarios"], &[".yaml"], 100)),
    read: |bytes| {
        let _ = encoding::text(bytes);
        match Scenario::read("it", &text(bytes)) {
            // A plan of many cells is what was asked for.
            Ok(scenario) if scenario.parts.iter().map(|part| part.services.len()).sum::<usize>() < 50 => {
                drop(scenario.plan(TargetName::Host, 1));
            }
            Ok(_) => {}
            Err(problems) => drop(problems.to_string()),
        }
    },
};

pub(super) const POLICY: Target = Target {
    name: "policy",
    seeds: || Seeds::text(files(&["ci"], &["policy.yaml"], 10)),
    read: |bytes| match Policy::read("it", &text(bytes)) {
        Ok(_) => {}
        Err(problems) => drop(problems.to_string()),
    },
};
