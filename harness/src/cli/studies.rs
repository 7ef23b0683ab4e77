//! The studies that come with the program; finds any study by name or file.

use super::scenarios;
use crate::cli::handed;
use crate::process::exit::Failure;
use analysis::study::{Asked, Study};
use anyhow::{Context, anyhow};
use lab_core::foreign::quoted;
use lab_core::scenario::Scenario;
use lab_core::shell::word;
use lab_core::vocabulary::Unknown;
use std::path::{Path, PathBuf};

/// Name, file and text.
static BUILT_IN: &[(&str, &str, &str)] =
    &[("claims", "studies/claims.yaml", include_str!("../../../studies/claims.yaml"))];

/// A study, and where its scenarios' files are looked for.
pub(super) struct Found {
    pub(super) study: Study,
    folder: PathBuf,
}

impl Found {
    /// A scenario's name, or its file as it is found from here.
    pub(super) fn scenario(&self, asked: &Asked) -> String {
        match asked.is_file() {
            true => self.folder.join(&asked.scenario).display().to_string(),
            false => asked.scenario.clone(),
        }
    }
}

/// The study called `name`, or in the file `name`.
pub(super) fn find(name: &str) -> Result<Found, Failure> {
    let known = scenarios::names();
    if let Some((_, file, text)) = BUILT_IN.iter().find(|(built_in, ..)| *built_in == name) {
        let study = Study::read(file, text, &known).map_err(Failure::usage)?;
        return Ok(Found { study, folder: PathBuf::new() });
    }
    let file = Path::new(name);
    if !(name.contains('/') || name.contains('.') || file.is_file()) {
        let unknown = Unknown::new("study", name, BUILT_IN.iter().map(|(name, ..)| *name));
        return Err(Failure::usage(anyhow!("{unknown}; or name a YAML file")));
    }
    let text = handed::text(file).with_context(|| format!("reading the study {name}")).map_err(Failure::usage)?;
    let study = Study::read(name, &text, &known).map_err(|problems| {
        Failure::usage(match Scenario::read(name, &text) {
            Ok(_) => {
                anyhow!("{} is a scenario, not a study; run it with: svclab scenario {}", quoted(name), word(name))
            }
            Err(_) => problems.into(),
        })
    })?;
    Ok(Found { study, folder: file.parent().unwrap_or(Path::new("")).to_owned() })
}

/// The name and the question of each that comes with the program.
pub(super) fn questions() -> Result<Vec<(&'static str, String)>, Failure> {
    BUILT_IN.iter().map(|(name, ..)| Ok((*name, find(name)?.study.question))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_study_reads_and_every_scenario_of_it_names_the_sources_of_its_claims() {
        for (name, ..) in BUILT_IN {
            let Ok(found) = find(name) else { panic!("{name}") };
            assert_eq!(found.study.name, *name);
            for asked in &found.study.asked {
                let Ok(scenario) = scenarios::find(&asked.scenario) else { panic!("{}", asked.scenario) };
                for id in &asked.claims {
                    let claim = analysis::claims::find(id).unwrap();
                    let names = scenario.references.iter().any(|reference| reference == claim.source);
                    assert!(names, "{} does not name {} under references", asked.scenario, claim.source);
                }
            }
        }
    }

    #[test]
    fn the_study_of_claims_answers_every_claim() {
        let Ok(found) = find("claims") else { panic!() };
        let answered: Vec<&str> = found.study.claims().iter().map(|claim| claim.id).collect();
        for claim in analysis::claims::CLAIMS {
            assert!(answered.contains(&claim.id), "{}", claim.id);
        }
    }
}
