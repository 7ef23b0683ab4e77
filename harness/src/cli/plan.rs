//! `svclab plan`: the cells a scenario would run, and about how long that takes.

use super::foreseen;
use super::options::Selection;
use super::output::say;
use crate::process::exit::{Exit, Failure};
use crate::run::estimate::{self, Rounds};
use crate::run::parts::{self, Dealt};
use anyhow::Context;
use guests::{kernel, tools};
use lab_core::cell::{Cell, Variant};
use lab_core::metric::Unit;
use lab_core::plan::Plan;
use lab_core::shard::{self, Part};
use lab_core::units;
use lab_core::vocabulary::{Access, Clock, Origin, TargetName, Word};
use std::process::ExitCode;

/// Which tools program a node, and whether they have to be fetched first.
fn tools_line(asked: &str) -> Result<String, Failure> {
    Ok(match tools::to_fetch(asked).map_err(Failure::cannot_run)? {
        Some(suite) => format!("tools {suite}, which the run fetches first; or: svclab fetch tools {suite}"),
        None => format!("tools {asked}"),
    })
}

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Say which shard of so many gets what, and which takes the longest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(shard::MOST)))]
    shards: Option<u32>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let scenario = args.selection.scenario()?;
    let (plan, _) = args.selection.plan(&scenario);
    say!("{}: {}", scenario.name, scenario.question);
    let clock = if plan.target.is_exact() { Clock::Instructions } else { Clock::Wall };
    let budget = units::human(Unit::Ns, clock, plan.budget.as_nanos() as f64);
    say!("target {}, seed {}, at most {budget} a cell", plan.target, plan.seed);
    let guests = args.selection.guests(&scenario);
    if let Some(asked) = &guests.tools {
        say!("{}", tools_line(asked)?);
    }
    if plan.target != TargetName::Host {
        for (_, asked) in guests.kernels() {
            say!("{}", foreseen::kernel(kernel::find(asked)));
        }
    }
    if !plan.require.is_empty() {
        let required: Vec<&str> = plan.require.iter().map(|backend| backend.name()).collect();
        say!("required: {}; a run in which one is skipped ends with an error", required.join(", "));
    }
    say!("");
    say!("{:>9}  {:<16}{:<13}{:<24}{:<10}{:>6}", "Services", "backend", "way", "probe", "position", "rounds");
    for cell in &plan.cells {
        let services = units::count(cell.cluster.services.into());
        let position = cell.position.map_or(String::new(), |position| position.to_string());
        let dialled = if cell.access == Access::default() && cell.from == Origin::default() {
            String::new()
        } else {
            format!("  {} {}", cell.access, cell.from.phrase())
        };
        let on = cell.variant.kernel.map_or(String::new(), |kernel| format!("  on {}", kernel.as_str()));
        let beside = cell.activity.name().map_or(String::new(), |activity| format!("  beside {activity}"));
        let rounds = match estimate::rounds(&plan, cell) {
            Rounds::OverBudget => "over budget".to_owned(),
            Rounds::Perhaps(rounds) => format!("{rounds} or over budget"),
            Rounds::Fit(rounds) => rounds.to_string(),
        };
        say!(
            "{services:>9}  {:<16}{:<13}{:<24}{position:<10}{rounds:>6}{on}{dialled}{beside}",
            cell.variant.backend,
            way(cell),
            cell.probe
        );
    }
    for unused in scenario.unused() {
        say!("{unused}");
    }
    for impossible in scenario.impossible() {
        say!("{impossible}");
    }
    for caveat in foreseen::caveats(&plan) {
        say!("{caveat}");
    }
    for line in over_budget(&plan) {
        say!("{line}");
    }
    if let Some(shards) = args.shards {
        for line in shared_out(&plan, shards).context("--shards").map_err(Failure::usage)? {
            say!("{line}");
        }
    }
    let minutes = estimate::whole(&plan).as_secs().div_ceil(60);
    say!("\n{} cells; about {minutes} min on two cores, give or take half", plan.cells.len());
    Ok(Exit::Done.into())
}

/// What each of so many shards has.
fn shared_out(plan: &Plan, shards: u32) -> anyhow::Result<Vec<String>> {
    let dealt = parts::deal(plan, shards)?;
    let minutes = |seconds: f64| format!("about {} min", (seconds / 60.0).ceil());
    let line = |dealt: &Dealt| {
        let Dealt { part: Part { shard, cells }, pieces, seconds } = dealt;
        let (pieces, cells) =
            (units::counted(*pieces as u64, parts::piece_name(plan)), units::counted(cells.len() as u64, "cell"));
        format!("shard {shard}: {pieces}, {cells}, {}", minutes(*seconds))
    };
    let seconds: Vec<f64> = dealt.iter().map(|dealt| dealt.seconds).collect();
    let longest = seconds.iter().copied().fold(0.0, f64::max);
    let last = format!(
        "the longest shard takes {}, {:.2} times the mean; each on a machine with two cores",
        minutes(longest),
        shard::imbalance(&seconds)
    );
    Ok([String::new()].into_iter().chain(dealt.iter().map(line)).chain([last]).collect())
}

/// How the node is programmed: by a kube-proxy, or in which of the lab's ways.
fn way(cell: &Cell) -> &'static str {
    let Variant { way, driver, .. } = cell.variant;
    if driver.is_kube_proxy() { driver.name() } else { way.name() }
}

/// How many cells are expected to go over their budget, and how many may.
fn over_budget(plan: &Plan) -> Vec<String> {
    let rounds: Vec<Rounds> = plan.cells.iter().map(|cell| estimate::rounds(plan, cell)).collect();
    let over = rounds.iter().filter(|rounds| **rounds == Rounds::OverBudget).count();
    let may = rounds.iter().filter(|rounds| matches!(rounds, Rounds::Perhaps(_))).count();
    let option = if plan.target.is_exact() { "--instructions" } else { "--budget" };
    let line = |count: usize, how: &str| {
        let cells = units::counted(count as u64, "cell");
        (count > 0).then(|| format!("{cells} {how} go over the budget: the run then has no figure of it; see {option}"))
    };
    [line(over, "will"), line(may, "may")].into_iter().flatten().collect()
}
