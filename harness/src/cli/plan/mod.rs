//! `svclab plan`: what a scenario would run, and about how long that takes.

mod rows;
mod shares;

use super::foreseen;
use super::options::Selection;
use super::output::{Form, print_json, say};
use crate::process::exit::{Exit, Failure};
use crate::run::estimate::{self, Rounds};
use crate::run::parts::{self, Dealt};
use anyhow::Context;
use guests::{kernel, tools};
use lab_core::metric::Unit;
use lab_core::plan::Plan;
use lab_core::scenario::Scenario;
use lab_core::shard;
use lab_core::units;
use lab_core::vocabulary::{Clock, TargetName, Word};
use serde_json::json;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// List every cell
    #[arg(long)]
    cells: bool,
    /// Say which shard of so many gets what, and which takes the longest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(shard::MOST)))]
    shards: Option<u32>,
    #[command(flatten)]
    form: Form,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let scenario = args.selection.scenario()?;
    let (plan, _) = args.selection.plan(&scenario);
    let made_of = made_of(&args.selection, &scenario, &plan)?;
    let notes = notes(&scenario, &plan);
    let dealt = args.shards.map(|shards| parts::deal(&plan, shards)).transpose();
    let dealt = dealt.context("--shards").map_err(Failure::usage)?;
    if args.form.is_json() {
        print_json(&json(&scenario, &plan, &made_of, &notes, dealt.as_deref()))?;
        return Ok(Exit::Done.into());
    }
    say!("{}: {}", scenario.name, scenario.question);
    let minutes = estimate::minutes(&plan);
    let cells = units::counted(plan.cells.len() as u64, "cell");
    say!("{cells}, about {minutes} min on two cores, {}", estimate::give_or_take(&[plan.target]));
    let clock = if plan.target.is_exact() { Clock::Instructions } else { Clock::Wall };
    let budget = units::human(Unit::Ns, clock, plan.budget.as_nanos() as f64);
    say!("target {}, seed {}, at most {budget} a cell", plan.target, plan.seed);
    made_of.iter().for_each(|line| say!("{line}"));
    say!("");
    let rows = if args.cells { rows::cells(&plan) } else { rows::contenders(&plan) };
    rows.iter().for_each(|line| say!("{line}"));
    if !notes.is_empty() {
        say!("");
        notes.iter().for_each(|line| say!("{line}"));
    }
    if let Some(dealt) = &dealt {
        say!("");
        shares::lines(&plan, dealt).iter().for_each(|line| say!("{line}"));
    }
    if !args.cells {
        say!("\nEvery cell: --cells");
    }
    Ok(Exit::Done.into())
}

/// The guests' kernels and tools, and what must be fetched of them; which backends are required.
fn made_of(selection: &Selection, scenario: &Scenario, plan: &Plan) -> Result<Vec<String>, Failure> {
    let guests = selection.guests(scenario);
    let mut lines = Vec::new();
    if let Some(asked) = &guests.tools {
        lines.push(match tools::to_fetch(asked).map_err(Failure::cannot_run)? {
            Some(suite) => format!("tools {suite}, which the run fetches first; or: svclab fetch tools {suite}"),
            None => format!("tools {asked}"),
        });
    }
    if plan.target != TargetName::Host {
        lines.extend(guests.kernels().iter().map(|(_, asked)| foreseen::kernel(kernel::find(*asked))));
    }
    if !plan.require.is_empty() {
        let required: Vec<&str> = plan.require.iter().map(|backend| backend.name()).collect();
        lines.push(format!("required: {}; a run in which one is skipped ends with an error", required.join(", ")));
    }
    Ok(lines)
}

/// What is asked for and not done, what of a cluster cannot be installed, and what goes over its budget.
fn notes(scenario: &Scenario, plan: &Plan) -> Vec<String> {
    let unused = scenario.unused().into_iter().map(|unused| unused.to_string());
    unused.chain(scenario.impossible()).chain(foreseen::caveats(plan)).chain(over_budget(plan)).collect()
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

/// The same for other programs: see reports/FORMATS.md.
fn json(
    scenario: &Scenario,
    plan: &Plan,
    made_of: &[String],
    notes: &[String],
    dealt: Option<&[Dealt]>,
) -> serde_json::Value {
    let each = plan.cells.iter().zip(estimate::cells(plan)).map(|(cell, seconds)| {
        let (rounds, budget) = match estimate::rounds(plan, cell) {
            Rounds::Fit(rounds) => (rounds, "fits"),
            Rounds::Perhaps(rounds) => (rounds, "may be exceeded"),
            Rounds::OverBudget => (0, "will be exceeded"),
        };
        json!({ "cell": cell, "rounds": rounds, "budget": budget, "seconds": seconds })
    });
    let shards = dealt.map(|dealt| {
        let shard = |dealt: &Dealt| json!({ "shard": dealt.part.shard.to_string(), "cells": dealt.part.cells, "seconds": dealt.seconds });
        dealt.iter().map(shard).collect::<Vec<_>>()
    });
    json!({
        "scenario": scenario.name,
        "question": scenario.question,
        "target": plan.target,
        "seed": plan.seed,
        "budget_ns": u64::try_from(plan.budget.as_nanos()).unwrap_or(u64::MAX),
        "seconds": estimate::whole(plan).as_secs_f64(),
        "made_of": made_of,
        "notes": notes,
        "cells": each.collect::<Vec<_>>(),
        "shards": shards,
    })
}
