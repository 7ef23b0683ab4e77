//! `svclab scenario`: run one.

use super::foreseen;
use super::options::Selection;
use crate::cli::handed;
use crate::cli::sharding::WhichShard;
use crate::process::exit::Failure;
use crate::process::standard::arguments;
use crate::run::progress::Talk;
use crate::session::spec::{Guests, Profiling, RunSpec, Sharded};
use crate::session::store;
use crate::targets;
use anyhow::{Context, Result, anyhow, ensure};
use lab_core::plan::Plan;
use lab_core::shard::{Part, Shard};
use lab_core::slowdown::Slowdown;
use netns_topology::sandbox;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// The run's folder, new or empty [default: runs/ID]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the run in this folder: what it has of the same plan, by the same build, is not run again. A new or empty
    /// folder is begun
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "profile", "plant"])]
    resume: Option<PathBuf>,
    /// Run only this part of the plan, such as 3/16, on one of several machines; auto takes number and count from an
    /// engine's variables (Kubernetes: auto/16). What its folder has is not run again; see `svclab merge`
    #[arg(long, value_name = "K/N|auto", conflicts_with_all = ["profile", "plant"])]
    shard: Option<WhichShard>,
    /// Print the whole report at the end: every table, every finding, every reason
    #[arg(long, conflicts_with = "quiet")]
    full: bool,
    /// Tell neither how far the run is nor what came out: only what goes wrong, and where the report is
    #[arg(long)]
    quiet: bool,
    /// Leave the namespaces up at the end, until Ctrl-C, and print how to enter them
    #[arg(long)]
    keep: bool,
    /// Count the guests' instructions by function, with --target exact: see `svclab profile`
    #[arg(long)]
    profile: bool,
    /// Slowdowns to inject into cells, to test the gate: a file with a JSON list of them
    #[arg(long, value_name = "FILE", hide = true)]
    plant: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let scenario = args.selection.scenario()?;
    let shard = args.shard.map(WhichShard::shard).transpose().map_err(Failure::usage)?;
    // A shard that an engine starts again goes on.
    let resume = args.resume.is_some() || shard.is_some();
    if let Some(out) = args.out.as_ref().filter(|_| !resume) {
        store::check(out).map_err(Failure::usage)?;
    }
    let (mut plan, choice) = args.selection.plan(&scenario);
    if let Some(choice) = choice {
        choice.said();
    }
    // The process that starts inside the sandbox comes here, too.
    if !sandbox::awaits() {
        scenario.unused().iter().for_each(|unused| tell!("svclab: {unused}"));
        scenario.impossible().iter().for_each(|impossible| tell!("svclab: {impossible}"));
        foreseen::unknown_releases(&plan).iter().for_each(|unknown| tell!("svclab: {unknown}"));
        foreseen::caveats(&plan).iter().for_each(|caveat| tell!("svclab: {caveat}"));
    }
    if let Some(file) = &args.plant {
        plan.slowdowns = slowdowns(file, &plan).map_err(Failure::usage)?;
    }
    if args.profile && !plan.target.is_exact() {
        return Err(Failure::usage(anyhow!(
            "--profile counts the instructions of guests in the target exact, not with --target {}; \
             run with --target exact",
            plan.target
        )));
    }
    let mut out = args.resume.clone().or_else(|| args.out.clone());
    let shard =
        shard.map(|shard| Sharded::take(&mut plan, shard)).transpose().context("--shard").map_err(Failure::usage)?;
    if let Some(Sharded { part: Part { shard: Shard { number, of }, .. }, .. }) = &shard {
        out = out.or_else(|| Some(Path::new(store::RUNS).join(format!("{}-{number}-of-{of}", plan.scenario))));
    }
    let talk = match (args.quiet, args.full) {
        (true, _) => Talk::Quiet,
        (false, true) => Talk::Full,
        (false, false) => Talk::Short,
    };
    let profiling = if args.profile { Profiling::On } else { Profiling::Off };
    let guests = Guests { profiling, ..args.selection.guests(&scenario) };
    targets::named(plan.target).run(&RunSpec {
        scenario,
        plan,
        command: arguments(),
        out,
        resume,
        shard,
        talk,
        keep: args.keep,
        guests,
    })
}

/// The slowdowns in `file`, each for a cell of `plan`.
fn slowdowns(file: &Path, plan: &Plan) -> Result<Vec<Slowdown>> {
    let shown = file.display();
    let text = handed::text(file).with_context(|| format!("--plant {shown}"))?;
    let slowdowns: Vec<Slowdown> = serde_json::from_str(&text).with_context(|| format!("--plant {shown}"))?;
    for slowdown in &slowdowns {
        slowdown.check().with_context(|| format!("--plant {shown}"))?;
        ensure!(plan.cells.contains(&slowdown.cell), "--plant {shown}: the scenario has no cell {:?}", slowdown.cell);
    }
    Ok(slowdowns)
}
