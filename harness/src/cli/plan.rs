//! `svclab plan`: the cells a scenario would run, and about how long that takes.

use super::options::Selection;
use crate::exit::{Exit, Failure};
use lab_core::plan::{Cell, Plan};
use lab_core::units;
use lab_core::vocabulary::{BackendName, ProbeName};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    selection: Selection,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let (scenario, plan) = args.selection.resolve()?;
    println!("{}: {}", scenario.name, scenario.question);
    println!("target {}, seed {}, budget {} s a cell\n", plan.target, plan.seed, plan.budget.as_secs());
    println!("{:>9}  {:<16}{:<24}{:<10}{:>7}", "Services", "backend", "probe", "position", "rounds");
    for cell in &plan.cells {
        let position = cell.position.map_or(String::new(), |position| position.to_string());
        let rounds = visits(&plan, cell);
        println!(
            "{:>9}  {:<16}{:<24}{position:<10}{rounds:>7}",
            units::count(cell.services.into()),
            cell.backend,
            cell.probe
        );
    }
    let seconds: f64 = plan
        .cells
        .iter()
        .map(|cell| f64::from(visits(&plan, cell)) * seconds(&plan, cell).min(plan.budget.as_secs_f64()))
        .sum();
    let minutes = (seconds / 60.0).ceil();
    println!(
        "\n{} cells, about {minutes} minutes on two cores (an estimate: machines differ by a factor of two and more)",
        plan.cells.len()
    );
    Ok(Exit::Done.into())
}

/// Rounds that the budget leaves room for.
fn visits(plan: &Plan, cell: &Cell) -> u32 {
    let fitting = plan.budget.as_secs_f64() / seconds(plan, cell);
    plan.rounds.min((fitting as u32).max(1))
}

/// About how long one visit to `cell` takes, in seconds, on two cores of a shared machine.
///
/// The laws are those of the tools (see scenarios/README.md for the measured figures): restoring through the legacy
/// tools is linear in rules, through iptables-nft 1.8.9 and with nftables' anonymous maps it is quadratic.
fn seconds(plan: &Plan, cell: &Cell) -> f64 {
    let rules = f64::from(cell.services) * (2.0 + 3.0 * f64::from(cell.endpoints)) / 8.0;
    let thousands = rules / 1000.0;
    let load = match cell.backend {
        BackendName::Direct => 0.0,
        BackendName::IptablesLegacy => 0.15 * thousands,
        BackendName::IptablesNft => 0.5 * thousands * thousands,
        BackendName::Nftables => 0.35 * thousands * thousands,
    };
    let change = match cell.backend {
        BackendName::Direct | BackendName::Nftables => 0.02 * thousands,
        BackendName::IptablesLegacy => 0.1 * thousands,
        BackendName::IptablesNft => 0.2 * thousands,
    };
    // Beside the sample itself: building, settling, checking.
    let around = 0.2;
    let traffic = plan.traffic.max(Duration::from_secs(1)).as_secs_f64();
    around
        + match cell.probe {
            ProbeName::SyncFull => 1.0 + load,
            ProbeName::SyncChange | ProbeName::EndpointChange | ProbeName::RemoveService => 0.5 + 2.0 * change,
            ProbeName::AppendRule => 0.5 + change,
            ProbeName::Connect => f64::from(plan.dials) * (0.0003 + 0.00001 * thousands),
            ProbeName::ConnectionsPerSecond => plan.traffic.as_secs_f64(),
            ProbeName::Bandwidth => traffic + 0.3,
        }
}
