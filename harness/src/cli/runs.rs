//! Finds and reads the runs that a verb is given. Warns on standard error about what is odd.

use super::history;
use crate::process::exit::Failure;
use crate::session::lock::is_written_to;
use crate::session::record::{self, RECORD};
use crate::session::reruns::is_rerun;
use crate::session::store::{self, PROFILE};
use anyhow::{Context, Result, anyhow, bail, ensure};
use lab_core::dataset::{Dataset, Read};
use lab_core::units;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Reads the runs at `places`, each a run's folder or its `run.jsonl`, in their order.
///
/// # Errors
/// If one does not exist, cannot be read or is no dataset, or if a run is given twice.
pub(crate) fn read(places: &[PathBuf]) -> Result<Vec<Dataset>, Failure> {
    let mut ids = HashSet::new();
    let mut datasets = Vec::new();
    for place in places {
        let dataset = read_one(place).map_err(Failure::usage)?;
        if !ids.insert(dataset.header.id.clone()) {
            let twice = anyhow!("{}: the run {} was given before; name it once", place.display(), dataset.header.id);
            return Err(Failure::usage(twice));
        }
        datasets.push(dataset);
    }
    Ok(datasets)
}

/// Reads the run at `place`, a run's folder or its `run.jsonl`.
///
/// # Errors
/// If it does not exist, cannot be read or is no dataset.
pub(crate) fn read_one(place: &Path) -> Result<Dataset> {
    let file = record(place)?;
    let shown = file.display();
    let Read { dataset, passed_over, absurd, more_absurd } = record::read(&file).with_context(|| shown.to_string())?;
    for (unknown, lines) in passed_over {
        let (lines, version) = (units::counted(lines as u64, "line"), &dataset.header.version);
        tell!("svclab: {shown}: skipped {lines} of unknown {unknown}; svclab {version} wrote it");
    }
    for absurd in &absurd {
        tell!("svclab: {shown}: {absurd}: no machine gives that; left out");
    }
    if more_absurd > 0 {
        tell!("svclab: {shown}: {} more lines like these", units::count(more_absurd as u64));
    }
    if let Some(assumed) = dataset.assumed() {
        tell!("svclab: {shown}: {assumed}");
    }
    match &dataset.end {
        None => {
            let records = units::count(dataset.cells.len() as u64);
            let state = match store::folder(&file).and_then(is_written_to) {
                Some(true) => "the run is going on",
                Some(false) | None => "no end line: the run broke off, or is going on elsewhere",
            };
            tell!("svclab: {shown}: {state}; it has {records} records so far");
        }
        Some(end) if end.interrupted => {
            tell!("svclab: {shown}: the run was interrupted before its plan was complete");
        }
        Some(_) => {}
    }
    Ok(dataset)
}

/// What stands for the run that began last, in the default folder.
const LATEST: &str = "latest";

/// The `run.jsonl` that `place` stands for.
pub(crate) fn record(place: &Path) -> Result<PathBuf> {
    if place == Path::new(LATEST) && !place.exists() {
        return Ok(history::latest()?.join(RECORD));
    }
    let shown = place.display();
    let Ok(metadata) = fs::metadata(place) else {
        bail!("{shown}: no such file or folder; RUN is a run's folder, the {RECORD} in it, or the word {LATEST}");
    };
    if !metadata.is_dir() {
        return Ok(place.to_owned());
    }
    let file = place.join(RECORD);
    if let Err(error) = fs::read_dir(place) {
        bail!("{shown} cannot be read: {error}");
    }
    if !file.is_file() {
        bail!("{shown} holds no {RECORD}{}", instead(place));
    }
    Ok(file)
}

/// The runs below `folder`, up to three folders down, and the datasets in it: their files, by path. Reruns are left
/// out.
pub(crate) fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    const DEEP: usize = 3;
    let mut files = Vec::new();
    gather(folder, DEEP, &mut files)?;
    files.sort();
    Ok(files)
}

fn gather(folder: &Path, deep: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let reading = || format!("reading the folder {}", folder.display());
    for entry in fs::read_dir(folder).with_context(reading)? {
        let path = entry.with_context(reading)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && deep > 0 && !is_rerun(&name) {
            gather(&path, deep - 1, files)?;
        } else if path.extension().is_some_and(|extension| extension == "jsonl") && name != PROFILE && path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether writing to `out` leaves the records of `runs` as they are.
///
/// # Errors
/// If `out` is one of them: the report would overwrite the run.
pub(crate) fn spare<'a>(out: &Path, runs: impl IntoIterator<Item = &'a PathBuf>) -> Result<()> {
    let Ok(there) = out.canonicalize() else { return Ok(()) };
    for run in runs {
        let record = record(run).ok().and_then(|record| record.canonicalize().ok());
        ensure!(record != Some(there.clone()), "--out {} is the run itself; name another file", out.display());
    }
    Ok(())
}

/// What a folder holds that is no run's folder.
fn instead(folder: &Path) -> String {
    const SHOWN: usize = 8;
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let runs: Vec<&String> = names.iter().filter(|name| folder.join(name).join(RECORD).is_file()).collect();
    if !runs.is_empty() {
        let runs: Vec<_> = runs.iter().take(SHOWN).map(|name| folder.join(name).display().to_string()).collect();
        return format!(", but there are runs in it: {}", runs.join(", "));
    }
    if names.is_empty() {
        return ": it is empty".to_owned();
    }
    let more = names.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    names.truncate(SHOWN);
    format!("; there are: {}{more}", names.join(", "))
}
