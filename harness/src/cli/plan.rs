//! `svclab plan`: the cells a scenario would run, and about how long that takes.

use super::options::Selection;
use super::say;
use crate::estimate;
use crate::exit::{Exit, Failure};
use crate::target;
use lab_core::units;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    selection: Selection,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let scenario = args.selection.scenario()?;
    let plan = args.selection.plan(&scenario, target::foresee);
    say!("{}: {}", scenario.name, scenario.question);
    say!("target {}, seed {}, at most {} s a cell\n", plan.target, plan.seed, plan.budget.as_secs());
    say!("{:>9}  {:<16}{:<24}{:<10}{:>6}", "Services", "backend", "probe", "position", "rounds");
    for cell in &plan.cells {
        let services = units::count(cell.services.into());
        let position = cell.position.map_or(String::new(), |position| position.to_string());
        let rounds = match estimate::rounds(&plan, cell) {
            0 => "over budget".to_owned(),
            rounds => rounds.to_string(),
        };
        say!("{services:>9}  {:<16}{:<24}{position:<10}{rounds:>6}", cell.backend, cell.probe);
    }
    let minutes = estimate::whole(&plan).as_secs().div_ceil(60);
    say!("\n{} cells; about {minutes} min on two cores, give or take half", plan.cells.len());
    Ok(Exit::Done.into())
}
