//! `svclab deploy`: what an existing engine takes to run a plan's shards: a manifest, a script, or a workflow.

mod github;
mod kubernetes;
mod slurm;

use super::options::Selection;
use super::output::say;
use crate::fleet::largest;
use crate::process::exit::{Exit, Failure};
use crate::run::parts;
use anyhow::{Context, anyhow};
use clap::{FromArgMatches, ValueEnum};
use lab_core::plan::Plan;
use lab_core::shard::MOST;
use lab_core::vocabulary::{TargetName, Word};
use lab_core::{shell, units};
use std::path::Path;
use std::process::ExitCode;

pub(super) const HELP: &str = "\
Examples:
  svclab deploy kubernetes scale-50k --shards 16 --image registry/svclab > job.yaml
  svclab deploy slurm scale-20k --shards 8 -- --replicas 3 > job.sh
  svclab deploy github smoke --shards 3 --image registry/svclab --baseline smoke.jsonl > svclab.yaml
Afterwards: svclab merge runs/NAME-*-of-N --out runs/NAME";

#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// What runs the shards
    #[arg(value_enum)]
    engine: Engine,
    /// A scenario's name (see `svclab scenarios`) or its YAML file, which must be where the shards run
    #[arg(value_name = "NAME|FILE")]
    scenario: String,
    /// How many shards
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST)))]
    shards: u32,
    /// The container image, for kubernetes and github: with svclab, and what ci/setup installs
    #[arg(long, value_name = "REF", value_parser = image)]
    image: Option<String>,
    /// The volume claim for the runs, which is made, for kubernetes [default: svclab-runs]
    #[arg(long, value_name = "NAME", value_parser = claim)]
    claim: Option<String>,
    /// A baseline's file that the merged run is judged by, for github
    #[arg(long, value_name = "FILE")]
    baseline: Option<String>,
    /// Options of `svclab scenario` for every shard
    #[arg(last = true, value_name = "OPTION")]
    options: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// An Indexed Job and its volume claim
    Kubernetes,
    /// An array job, for sbatch
    Slurm,
    /// A workflow with a matrix, and a last job that merges
    Github,
}

/// What every engine is told.
pub(super) struct Work {
    /// The scenario's name, as a label: letters, digits and hyphens.
    name: String,
    /// The scenario's name, as runs are called.
    scenario: String,
    shards: u32,
    /// The words of a shard's command line, but for the shard.
    command: Vec<String>,
    /// Memory for a shard, in MiB: its guests' and svclab's own.
    memory: u32,
}

/// Guests that a shard runs at a time, and its processors.
const GUESTS: u32 = 2;
/// What svclab itself needs, and QEMU beside its guests' memory, in MiB.
const OWN: u32 = 2048;

impl Work {
    /// What `args` ask for.
    ///
    /// # Errors
    /// When the scenario or an option is wrong, or there are more shards than help.
    fn of(args: &Args) -> Result<(Self, Plan), Failure> {
        let mut command = vec!["scenario".to_owned(), args.scenario.clone()];
        command.extend(args.options.iter().cloned());
        if !args.options.iter().any(|option| option == "--target" || option.starts_with("--target=")) {
            command.extend(["--target", TargetName::Exact.name()].map(str::to_owned));
        }
        let plan = plan(&command).map_err(Failure::usage)?;
        parts::deal(&plan, args.shards).context("--shards").map_err(Failure::usage)?;
        let work = Self {
            name: label(&plan.scenario),
            scenario: plan.scenario.clone(),
            shards: args.shards,
            command,
            memory: OWN + GUESTS * largest(&plan),
        };
        Ok((work, plan))
    }

    /// The words of a shard's command line, after the program's, up to the one that says which shard.
    fn options(&self) -> Vec<String> {
        let asked = self.command.iter().any(|word| word == "--jobs" || word.starts_with("--jobs="));
        let jobs = (!asked).then(|| ["--jobs".to_owned(), GUESTS.to_string()]);
        self.command.iter().cloned().chain(jobs.into_iter().flatten()).chain(["--shard".to_owned()]).collect()
    }

    /// A shard's command line as a shell takes it. `shard` may be an expression, and stays as it is.
    fn line(&self, shard: &str) -> String {
        format!("svclab {} {shard}", shell::line(self.options()))
    }

    /// The folders of all shards, as a shell finds them.
    fn runs(&self) -> String {
        format!("runs/{}-*-of-{}", self.scenario, self.shards)
    }
}

/// A container image's reference, as far as its characters go: whoever pulls it knows the rest.
fn image(text: &str) -> Result<String, String> {
    let goes = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(goes) {
        return Ok(text.to_owned());
    }
    Err("an image's reference has letters, digits and . _ - / : @, such as registry.example/svclab:1".to_owned())
}

/// The name of an object of Kubernetes (RFC 1123).
fn claim(text: &str) -> Result<String, String> {
    const LONGEST: usize = 253;
    let goes = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part = |part: &str| part.starts_with(goes) && part.ends_with(goes) && part.chars().all(|c| goes(c) || c == '-');
    if text.len() <= LONGEST && text.split('.').all(part) {
        return Ok(text.to_owned());
    }
    Err("a claim's name has small letters, digits, - and ., and begins and ends with a letter or digit".to_owned())
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let (work, plan) = Work::of(args)?;
    let foreign = |given: bool, option: &str, engines: &[Engine]| match given && !engines.contains(&args.engine) {
        true => Err(Failure::usage(anyhow!("{option} has no use for this engine; leave it out"))),
        false => Ok(()),
    };
    foreign(args.image.is_some(), "--image", &[Engine::Kubernetes, Engine::Github])?;
    foreign(args.claim.is_some(), "--claim", &[Engine::Kubernetes])?;
    foreign(args.baseline.is_some(), "--baseline", &[Engine::Github])?;
    let image = || {
        let missing = "--image is missing: name a container image with svclab, and with what ci/setup installs";
        args.image.as_deref().ok_or_else(|| Failure::usage(anyhow!(missing)))
    };
    let text = match args.engine {
        Engine::Kubernetes => kubernetes::manifest(&work, image()?, args.claim.as_deref().unwrap_or("svclab-runs")),
        Engine::Slurm => Ok(slurm::script(&work)),
        Engine::Github => github::workflow(&work, image()?, args.baseline.as_deref()),
    };
    say!("{}", text?.trim_end());
    if plan.target != TargetName::Exact {
        tell!(
            "svclab: on the target {} times depend on the machine: a cluster's backends are measured on one, and the report \
             says which",
            plan.target
        );
    }
    let cells = units::counted(plan.cells.len() as u64, "cell");
    tell!(
        "svclab: {cells} in {}; see: svclab plan … --shards {}",
        units::counted(args.shards.into(), "shard"),
        args.shards
    );
    Ok(Exit::Done.into())
}

/// The plan of a `svclab scenario` with these words.
fn plan(words: &[String]) -> anyhow::Result<Plan> {
    let command = <Selection as clap::Args>::augment_args(clap::Command::new("svclab scenario").no_binary_name(true));
    let matches = command.try_get_matches_from(&words[1..]).map_err(|error| {
        let said = error.to_string();
        let first = said.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        anyhow!("{first}; after -- come options of svclab scenario (see: svclab scenario --help)")
    })?;
    let selection = Selection::from_arg_matches(&matches)?;
    let scenario = selection.scenario().map_err(|failure| failure.error)?;
    Ok(selection.plan(&scenario).0)
}

/// A name that engines take: `scale-20k` of `runs/Scale_20k.yaml`.
fn label(name: &str) -> String {
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let letters = stem.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' });
    let label: String = letters.take(40).collect();
    label.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_labels() {
        assert_eq!(label("Scale_20k"), "scale-20k");
    }
}
