//! `svclab scenario`: run one.

use super::options::Selection;
use crate::conduct::Job;
use crate::exit::Failure;
use crate::store;
use crate::target;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// The run's folder, new or empty [default: runs/ID]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Leave the namespaces up at the end, until Ctrl-C, and print how to enter them
    #[arg(long)]
    keep: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let scenario = args.selection.scenario()?;
    if let Some(out) = &args.out {
        store::check(out).map_err(Failure::usage)?;
    }
    let plan = args.selection.plan(&scenario, target::choose);
    let target = target::named(plan.target);
    target.run(&Job { scenario, plan, out: args.out.clone(), keep: args.keep, guests: args.selection.guests() })
}
