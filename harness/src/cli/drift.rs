//! `svclab drift`: what grew slowly over the runs in a folder.

use super::command_line::word;
use super::gate::policy;
use super::output::say;
use super::runs;
use crate::cli::gate::told;
use crate::process::exit::{Exit, Failure};
use analysis::gate::{self, Aspect, Drift, FEWEST_RUNS, Policy, Series};
use anyhow::{Result, anyhow};
use jiff::Timestamp;
use lab_core::dataset::Dataset;
use lab_core::units;
use lab_core::vocabulary::TargetName;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// The folder with the runs: each in its own folder, up to three levels down, or as a .jsonl file
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Tolerances, a YAML file, as for `svclab gate`
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// What may differ between the runs, such as kernel,tools
    #[arg(long, value_name = "ASPECT,…", value_delimiter = ',', value_parser = word::<Aspect>())]
    allow: Vec<Aspect>,
}

const HELP: &str = "\
Runs of one scenario and target form a history, ordered by their start. A figure has drifted if the last run's value is \
beyond Q3 + 3 IQR of the earlier ones, or if its level became worse at some run.

Exits with 0 if nothing has drifted or there are too few runs, and with 1 if something has.";

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let policy = policy::in_force(args.policy.as_deref(), &args.allow)?;
    let histories = read(&args.folder).map_err(Failure::usage)?;
    let mut drifted = 0;
    for (index, runs) in histories.values().enumerate() {
        if index > 0 {
            say!("");
        }
        drifted += tell(runs, &policy);
    }
    if drifted > 0 {
        let figures = units::agreeing(drifted as u64, "figure has", "figures have");
        return Err(Failure { exit: Exit::Differs, error: anyhow!("{figures} drifted") });
    }
    Ok(Exit::Done.into())
}

/// The runs below `folder`, by scenario and target. Files that are no run are skipped, with a message.
fn read(folder: &Path) -> Result<BTreeMap<(String, TargetName), Vec<Dataset>>> {
    let mut histories: BTreeMap<_, Vec<Dataset>> = BTreeMap::new();
    for file in runs::below(folder)? {
        match runs::read_one(&file) {
            Ok(run) => {
                let plan = &run.header.plan;
                let history = histories.entry((plan.scenario.clone(), plan.target)).or_default();
                // The same run may be there as an artifact and as a baseline made of it.
                if !history.iter().any(|other| other.header.id == run.header.id) {
                    history.push(run);
                }
            }
            Err(error) => tell!("svclab: skipped: {error:#}"),
        }
    }
    if histories.is_empty() {
        return Err(anyhow!("{} holds no run; make some with: svclab scenario NAME --out DIR", folder.display()));
    }
    Ok(histories)
}

/// Prints the result for one history. Returns how many figures have drifted.
fn tell(runs: &[Dataset], policy: &Policy) -> usize {
    let Some(drift) = gate::drift(runs, policy) else { return 0 };
    let begun: BTreeMap<&str, Timestamp> = runs.iter().map(|run| (run.header.id.as_str(), run.header.start)).collect();
    let day =
        |id: &String| begun.get(id.as_str()).map_or(String::new(), |start| start.strftime("%Y-%m-%d").to_string());
    let days = [drift.runs.first(), drift.runs.last()].map(|id| id.map_or(String::new(), day));
    if let Some(run) = runs.first() {
        let (plan, count) = (&run.header.plan, units::counted(drift.runs.len() as u64, "run"));
        say!("{} on {}: {count}, from {} to {}", plan.scenario, plan.target, days[0], days[1]);
    }
    for out in &drift.left_out {
        say!("left out: {}: {}", out.id, out.differences.first().map(told).unwrap_or_default());
    }
    if !drift.enough() {
        say!("too few to tell: at least {FEWEST_RUNS} are needed");
        return 0;
    }
    let drifted: Vec<&Series> = drift.drifted().collect();
    for series in &drifted {
        say!("{}", described(series, &drift));
    }
    let gating = drift.series.iter().filter(|series| series.gating == gate::Gating::Gates).count();
    match drifted.len() {
        0 => say!("of {} that gate, none has drifted", units::counted(gating as u64, "figure")),
        some => say!("of {} that gate, drifted: {some}", units::counted(gating as u64, "figure")),
    }
    drifted.len()
}

/// A series that has drifted: its last value, its limit, and since when.
fn described(series: &Series, drift: &Drift) -> String {
    let human = |value: f64| units::human(series.metric.unit(), drift.clock, value);
    let mut told = vec![series.name.clone()];
    if let (true, Some(limit), Some(last)) = (series.off, series.limit, series.figures.last().copied().flatten()) {
        told.push(format!("  {} in the last run; the limit from earlier runs is {}", human(last), human(limit)));
    }
    if let Some(shift) = series.shift.filter(|shift| shift.worse) {
        let since = drift.runs.get(shift.since).map_or("", String::as_str);
        let change = (shift.after / shift.before - 1.0) * 100.0;
        told.push(format!("  {} → {} ({change:+.1} %) since {since}", human(shift.before), human(shift.after)));
    }
    told.join("\n")
}
