//! `svclab gate --self-test`: how reliable the gate is on this machine and target.

use super::super::command_line::word;
use super::super::output::say;
use super::super::scenarios;
use super::Args;
use crate::process::exit::{Exit, Failure};
use crate::self_test;
use crate::session::spec::Guests;
use crate::session::store;
use crate::targets;
use analysis::gate::Policy;
use jiff::Timestamp;
use lab_core::vocabulary::TargetName;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const SEED: u64 = 1;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Self-test")]
pub(super) struct Options {
    /// Test the gate itself: run a scenario many times, plain and with injected slowdowns, and report false alarms and
    /// slowdowns that were found. The runs are kept in --out; a self-test that is there is continued
    #[arg(long, value_name = "SCENARIO", num_args = 0..=1, default_missing_value = "smoke",
          conflicts_with_all = ["run", "baseline", "rerun", "format"])]
    pub(super) self_test: Option<String>,
    /// Where to run it [default: the scenario's, else the first that can run every backend]
    #[arg(long, requires = "self_test", value_parser = word::<TargetName>())]
    target: Option<TargetName>,
    /// Plain runs to make; 0 to only judge what is in --out, by another policy for example
    #[arg(long, value_name = "N", requires = "self_test", default_value_t = 20, value_parser = clap::value_parser!(u32).range(..=1000))]
    runs: u32,
    /// Runs with slowdowns to make [default: as many as plain ones]
    #[arg(long, value_name = "N", requires = "self_test", value_parser = clap::value_parser!(u32).range(..=1000))]
    planted: Option<u32>,
    /// Baselines to make, which the other runs are compared with [default: 5 on a wall clock; none where instructions are counted]
    #[arg(long, value_name = "N", requires = "self_test", value_parser = clap::value_parser!(u32).range(..=100))]
    baselines: Option<u32>,
    /// Rounds of each baseline
    #[arg(long, value_name = "N", requires = "self_test", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    baseline_rounds: u32,
    /// How much slower to make cells [default: 25% on a wall clock, 1% where instructions are counted]
    #[arg(long, value_name = "SHARE", requires = "self_test", value_parser = share)]
    plant: Option<f64>,
}

/// A share with its sign.
fn share(text: &str) -> Result<f64, String> {
    let percent = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    let percent = percent.filter(|percent| (0.01..=1000.0).contains(percent));
    percent
        .map(|percent| percent / 100.0)
        .ok_or_else(|| format!("found {text}; a share such as 1% or 25%, from 0.01% to 1000%"))
}

impl Options {
    pub(super) fn run(&self, name: &str, policy: Policy, args: &Args) -> Result<ExitCode, Failure> {
        let mut scenario = scenarios::find(name)?;
        scenario.rounds = args.rounds.unwrap_or(scenario.rounds);
        let guests = Guests { kernel: args.kernel.clone(), tools: args.tools.clone(), ..Guests::default() };
        let target =
            self.target.or(scenario.target).unwrap_or_else(|| targets::choose(&guests, &scenario.axes.backends).said());
        let plan = scenario.plan(target, SEED);
        let share = self.plant.unwrap_or(if target.is_exact() { 0.01 } else { 0.25 });
        let folder = args.out.clone().unwrap_or_else(|| usual(name, target));
        let asked = self_test::Asked {
            scenario,
            plan,
            runs: self.runs,
            faulty: self.planted.unwrap_or(self.runs),
            baselines: self.baselines.unwrap_or(if target.is_exact() { 0 } else { 5 }),
            baseline_rounds: self.baseline_rounds,
            share,
            policy,
            kernel: guests.kernel,
            tools: guests.tools,
            folder,
        };
        say!("{}", self_test::run(&asked)?.trim_end());
        Ok(Exit::Done.into())
    }
}

fn usual(name: &str, target: TargetName) -> PathBuf {
    let name = Path::new(name).file_stem().map_or_else(|| name.into(), |stem| stem.to_string_lossy());
    let start = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    Path::new(store::RUNS).join(format!("self-test-{name}-{target}-{start}"))
}
