//! `svclab baseline`: records and lists what runs are compared with.

use super::baselines::{self, FOLDER};
use super::output::{self, say};
use super::runs;
use crate::process::exit::{Exit, Failure};
use crate::process::terminal;
use crate::session;
use crate::session::child::ChildRun;
use crate::session::profiles;
use crate::session::spec::Profiling;
use crate::session::store;
use analysis::gate;
use anyhow::{Result, anyhow, ensure};
use jiff::Timestamp;
use lab_core::dataset::{Dataset, Header};
use lab_core::metric::Unit;
use lab_core::units;
use lab_core::vocabulary::{Clock, Outcome};
use reports::gate::comparison;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// Make or update a baseline, with the reason in it
    Update(Update),
    /// List the baselines: what they measure, their dates and reasons
    List(List),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Update {
    /// The baseline's file [default: ci/baselines/SCENARIO-TARGET.jsonl of --from]
    #[arg(value_name = "FILE", required_unless_present = "from")]
    file: Option<PathBuf>,
    /// The run to make it from: its folder or its run.jsonl [default: run the baseline's own plan, here and now]
    #[arg(long, value_name = "RUN")]
    from: Option<PathBuf>,
    /// Why the new numbers are right; it is kept in the file
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// The folder with the baselines
    #[arg(value_name = "DIR", default_value = FOLDER)]
    folder: PathBuf,
}

pub(crate) fn run(verb: &Verb) -> Result<ExitCode, Failure> {
    match verb {
        Verb::Update(args) => update(args)?,
        Verb::List(args) => list(&args.folder).map_err(Failure::usage)?,
    }
    Ok(Exit::Done.into())
}

fn update(args: &Update) -> Result<(), Failure> {
    let reason = args.reason.trim();
    if reason.is_empty() {
        return Err(Failure::usage(anyhow!("--reason is empty; say why the new numbers are right")));
    }
    let (place, run) = match (&args.from, &args.file) {
        (Some(run), _) => (run.clone(), runs::read_one(run).map_err(Failure::usage)?),
        (None, Some(file)) => repeat(file)?,
        (None, None) => unreachable!("clap asks for one of them"),
    };
    whole(&run).map_err(Failure::usage)?;
    let file = args.file.clone().unwrap_or_else(|| Path::new(FOLDER).join(baselines::usual_name(&run.header)));
    if file.is_dir() {
        return Err(Failure::usage(anyhow!("{} is a folder; name the baseline's file", file.display())));
    }
    let before = if file.exists() { Some(baselines::find(&file, None)?.dataset) } else { None };
    let baseline = gate::baseline::condense(&run, reason, Timestamp::now());
    store::replace(&file, baseline.short().as_bytes()).map_err(Failure::usage)?;
    profiles::keep(&place, &file).map_err(Failure::usage)?;
    match before {
        Some(before) => {
            output::print(comparison::page(&gate::compare(&before, &run)).terminal(terminal::width()).as_bytes())?
        }
        None => say!("{}: new", file.display()),
    }
    tell!("{}", file.display());
    Ok(())
}

/// Runs the plan of the baseline in `file` again, profiled if the baseline was. Returns the run's folder and its data.
fn repeat(file: &Path) -> Result<(PathBuf, Dataset), Failure> {
    let header = baselines::find(file, None)?.dataset.header;
    let out = Path::new(store::RUNS).join(session::id(&header.plan, Timestamp::now()));
    tell!("running the plan of {}: {} on {}", file.display(), header.plan.scenario, header.plan.target);
    let profiling = if profiles::of_baseline(file).is_some() { Profiling::On } else { Profiling::Off };
    let made = ChildRun { profiling, ..ChildRun::repeat(&header, out).of_run_at(file) }.run()?;
    Ok((made.folder, made.dataset))
}

/// Whether `run` can become a baseline. Failed cells do not forbid it, but are reported.
fn whole(run: &Dataset) -> Result<()> {
    let id = &run.header.id;
    let whole = run.end.as_ref().is_some_and(|end| !end.interrupted);
    ensure!(whole, "{id} is incomplete: a baseline from it would cover less than its plan; run it again");
    let cells = run.end.as_ref().map_or(0, |end| end.cells.get(&Outcome::Measured).copied().unwrap_or_default());
    ensure!(cells > 0, "{id} measured nothing; there is nothing to compare a run with");
    let others = run.end.iter().flat_map(|end| &end.cells).filter(|(outcome, _)| **outcome != Outcome::Measured);
    for (outcome, &count) in others {
        let cells = units::counted(count as u64, "cell");
        tell!("svclab: {id}: {cells} {outcome}: later runs are not compared there");
    }
    Ok(())
}

/// Prints for every baseline in `folder` what it measures, its date, size and reason.
fn list(folder: &Path) -> Result<()> {
    let shown = folder.display();
    ensure!(folder.is_dir(), "{shown}: there is no such folder; make a baseline with: svclab baseline update");
    let files = baselines::files(folder)?;
    if files.is_empty() {
        say!("{shown}: no baseline; make one with: svclab baseline update");
    }
    for file in files {
        let bytes = fs::metadata(&file).map(|metadata| metadata.len()).unwrap_or_default();
        let size = units::human(Unit::Bytes, Clock::Wall, bytes as f64);
        let run = match runs::read_one(&file) {
            Ok(run) => run,
            Err(error) => {
                say!("{}\n  cannot be read: {error:#}", file.display());
                continue;
            }
        };
        let header = &run.header;
        let (updated, reason) = match &header.baseline {
            Some(baseline) => (baseline.updated, baseline.reason.as_str()),
            None => (header.start, "a run's own record, without a reason"),
        };
        let kernel = header.kernel().map_or(String::new(), |kernel| format!(", kernel {kernel}"));
        let (scenario, target, cells) = (&header.plan.scenario, header.plan.target, header.plan.cells.len());
        say!("{}", file.display());
        say!("  {scenario} on {target}{kernel}: {}, {size}", units::counted(cells as u64, "cell"));
        say!("  {}, {}: {reason}", updated.strftime("%Y-%m-%d"), age(updated));
        say!("  svclab {} {}; {}", header.version, header.revision, tools(header));
    }
    Ok(())
}

/// The versions of the tools, each once: several names are often one program.
fn tools(header: &Header) -> String {
    // Of a suite's tools the packages repeat the versions.
    let told = |name: &str| !matches!(name, "tools_packages" | "tools_sha256");
    let tools = header.tools.iter().filter(|(name, _)| told(name));
    let mut tools: Vec<&str> = tools.map(|(_, version)| version.as_str()).collect();
    tools.dedup();
    tools.join(", ")
}

/// How long ago that was, in days.
fn age(then: Timestamp) -> String {
    match Timestamp::now().duration_since(then).as_hours() / 24 {
        ..1 => "today".to_owned(),
        1 => "a day ago".to_owned(),
        days => format!("{days} days ago"),
    }
}
