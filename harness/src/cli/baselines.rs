//! Finds and reads the baselines that a verb is given. If there is none, the error says how to make one.

use super::runs;
use crate::process::exit::Failure;
use crate::session::record::RECORD;
use anyhow::{Context, Result, bail};
use lab_core::dataset::{Dataset, Header};
use lab_core::shell;
use std::fs;
use std::path::{Path, PathBuf};

/// Where baselines are by default.
pub(crate) const FOLDER: &str = "ci/baselines";

pub(crate) struct Baseline {
    pub(crate) file: PathBuf,
    pub(crate) dataset: Dataset,
}

/// The baseline at `place`: a run's folder, a file, or a folder of baselines. From a folder it takes the one with the
/// scenario and target of `run`, a run with its place.
///
/// # Errors
/// If there is none (with how to make one), if it cannot be read, or if several could be meant.
pub(crate) fn find(place: &Path, run: Option<(&Path, &Header)>) -> Result<Baseline, Failure> {
    let file = locate(place, run).map_err(Failure::usage)?;
    let dataset = runs::read_one(&file).map_err(Failure::usage)?;
    Ok(Baseline { file, dataset })
}

fn locate(place: &Path, run: Option<(&Path, &Header)>) -> Result<PathBuf> {
    let shown = place.display();
    if !place.exists() {
        bail!("{shown}: there is no such baseline; {}", remedy(Some(place), run));
    }
    if !place.is_dir() {
        return Ok(place.to_owned());
    }
    let record = place.join(RECORD);
    if record.is_file() {
        return Ok(record);
    }
    let files = files(place)?;
    if files.is_empty() {
        let file = run.map(|(_, header)| place.join(usual_name(header)));
        bail!("{shown} holds no baseline; {}", remedy(file.as_deref(), run));
    }
    let Some((_, header)) = run else {
        let [file] = &files[..] else { bail!("{shown} holds several baselines; name one of {}", listed(&files)) };
        return Ok(file.clone());
    };
    let of_the_run: Vec<(PathBuf, Header)> = files.iter().filter_map(|file| belonging(file, header)).collect();
    let same_kernel: Vec<&PathBuf> = match &of_the_run[..] {
        [(file, _)] => vec![file],
        several => {
            several.iter().filter(|(_, other)| other.kernel() == header.kernel()).map(|(file, _)| file).collect()
        }
    };
    let what = format!("{} on {}", header.plan.scenario, header.plan.target);
    match (&of_the_run[..], &same_kernel[..]) {
        ([], _) => {
            let remedy = remedy(Some(&place.join(usual_name(header))), run);
            bail!("{shown} holds no baseline of {what}; there are {}; {remedy}", listed(&files))
        }
        (_, [file]) => Ok(file.to_path_buf()),
        (several, _) => {
            let files: Vec<PathBuf> = several.iter().map(|(file, _)| file.clone()).collect();
            bail!("{shown} holds several baselines of {what}; name one of {}", listed(&files))
        }
    }
}

/// The file with its header, if it holds a baseline of the scenario and target of `run`.
fn belonging(file: &Path, run: &Header) -> Option<(PathBuf, Header)> {
    match runs::read_one(file) {
        Ok(Dataset { header, .. }) => {
            let same = (&header.plan.scenario, header.plan.target) == (&run.plan.scenario, run.plan.target);
            same.then(|| (file.to_owned(), header))
        }
        Err(error) => {
            tell!("svclab: skipped: {error:#}");
            None
        }
    }
}

/// The baselines in a folder, by name.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let reading = || format!("reading the folder {}", folder.display());
    let entries = fs::read_dir(folder).with_context(reading)?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(reading)?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn listed(files: &[PathBuf]) -> String {
    files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
}

pub(crate) fn usual_name(run: &Header) -> String {
    format!("{}-{}.jsonl", run.plan.scenario, run.plan.target)
}

/// How to make a baseline at `file`.
fn remedy(file: Option<&Path>, run: Option<(&Path, &Header)>) -> String {
    let file = file.map_or_else(|| format!("{FOLDER}/NAME.jsonl"), |file| shell::paths(&[file]));
    let run = run.map_or_else(|| "RUN".to_owned(), |(run, _)| shell::paths(&[run]));
    format!("make one from a good run: svclab baseline update {file} --from {run} --reason TEXT")
}
