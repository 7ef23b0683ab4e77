//! `svclab runs`: the runs in a folder.

use super::output::say;
use crate::process::exit::{Exit, Failure};
use crate::session::record::{self, RECORD};
use crate::session::standing::{Standing, State};
use crate::session::store;
use anyhow::{Context, anyhow};
use lab_core::metric::Unit;
use lab_core::units;
use lab_core::vocabulary::{Clock, Word};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder that the runs are in
    #[arg(value_name = "DIR", default_value = store::RUNS)]
    folder: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let folders = folders(&args.folder).map_err(Failure::usage)?;
    if folders.is_empty() {
        say!("no runs in {}; a run makes one: svclab scenario smoke", args.folder.display());
        return Ok(Exit::Done.into());
    }
    let mut found: Vec<(PathBuf, anyhow::Result<Standing>)> =
        folders.into_iter().map(|folder| (folder.clone(), Standing::of(&folder))).collect();
    // The latest last, beside the prompt.
    found.sort_by_key(|(folder, standing)| (standing.as_ref().ok().map(|one| one.header.start), folder.clone()));
    let widest = found.iter().map(|(folder, _)| folder.display().to_string().chars().count()).max().unwrap_or(0);
    for (folder, standing) in found {
        match standing {
            Ok(standing) => say!("{:<widest$}  {}", folder.display(), line(&standing)),
            Err(error) => tell!("svclab: {:#}", error.context(folder.display().to_string())),
        }
    }
    Ok(Exit::Done.into())
}

/// The folders below `folder` that are runs.
fn folders(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if folder.join(RECORD).is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && folder == Path::new(store::RUNS) => {
            return Ok(Vec::new());
        }
        entries => {
            entries.with_context(|| format!("{} cannot be read; name the folder of the runs", folder.display()))?
        }
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    Ok(paths.filter(|path| path.join(RECORD).is_file()).collect())
}

/// The run that began last in the default folder.
///
/// # Errors
/// When there is none.
pub(crate) fn latest() -> anyhow::Result<PathBuf> {
    let runs = folders(Path::new(store::RUNS))?;
    let dated = runs.into_iter().filter_map(|folder| Some((record::header(&folder.join(RECORD)).ok()?.start, folder)));
    let latest = dated.max().map(|(_, folder)| folder);
    latest.ok_or_else(|| anyhow!("latest: there are no runs in {}; name a run's folder", store::RUNS))
}

/// `2026-11-30 05:14  smoke  exact  complete  45 measured  12 KiB`.
fn line(standing: &Standing) -> String {
    let Standing { header, state, outcomes, size, .. } = standing;
    let state = match state {
        State::Complete => "complete",
        State::Interrupted => "interrupted",
        State::GoingOn => "going on",
        State::BrokeOff => "no end",
    };
    let shard = header.part.as_ref().map(|part| format!(" (shard {})", part.shard)).unwrap_or_default();
    let cells: Vec<String> = outcomes
        .iter()
        .map(|(outcome, count)| format!("{} {}", units::count((*count).into()), outcome.name()))
        .collect();
    let cells = if cells.is_empty() { "no cell".to_owned() } else { cells.join(", ") };
    #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
    let size = units::human(Unit::Bytes, Clock::Wall, *size as f64);
    let (begun, scenario) = (header.start.strftime("%Y-%m-%d %H:%M"), &header.plan.scenario);
    format!("{begun}  {scenario}{shard}, {}, {state}: {cells}; {size}", header.plan.target)
}
