//! `svclab merge`: the runs of a plan's shards as one dataset.

use super::output::say;
use super::runs;
use crate::process::exit::{Exit, Failure};
use crate::session::merging::{self, Lacking, Recorded};
use crate::session::store::{self, RECORD};
use anyhow::{Context, Result, anyhow};
use lab_core::units;
use std::fs;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The runs of the shards: their folders, or the run.jsonl in them
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// The folder of the merged run, new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Merge what is there although shards are missing or broke off
    #[arg(long)]
    partial: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    store::check(&args.out).map_err(Failure::usage)?;
    let copies = read_all(&args.runs).map_err(Failure::usage)?;
    let (merged, missing) = merging::merge(copies).map_err(Failure::usage)?;
    missing.iter().for_each(|missing| tell!("svclab: {missing}"));
    if !missing.is_empty() && !args.partial {
        let wanting = missing.iter().map(Lacking::shard).count() as u64;
        let what = units::counted(wanting, "shard");
        return Err(Failure::usage(anyhow!(
            "{what} missing or not complete: run them, or merge what is there with --partial; nothing was written"
        )));
    }
    fs::create_dir_all(&args.out).with_context(|| format!("--out {}", args.out.display()))?;
    if let Some(base) = args.runs.iter().find_map(|place| merging::base_of(place)) {
        let kept = args.out.join(base.file_name().unwrap_or_default());
        fs::copy(&base, &kept).with_context(|| format!("copying {} to {}", base.display(), kept.display()))?;
    }
    let file = args.out.join(RECORD);
    store::replace(&file, store::text(&merged.header, &merged.cells, merged.end.as_ref()).as_bytes())?;
    let records = units::counted(merged.cells.len() as u64, "record");
    say!("{}: {records} of {}", file.display(), units::counted(args.runs.len() as u64, "run"));
    say!("To read it: svclab report {}", args.out.display());
    Ok(Exit::Done.into())
}

/// The runs at `places`, in their order. All cores read: there may be a hundred.
fn read_all(places: &[PathBuf]) -> Result<Vec<Recorded>> {
    let read = |place: &PathBuf| {
        let file = runs::record(place)?;
        let read = store::read(&file).with_context(|| file.display().to_string())?;
        Ok(Recorded { place: place.display().to_string(), dataset: read.dataset })
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let chunks = places.chunks(places.len().div_ceil(cores).max(1));
        let running: Vec<_> =
            chunks.map(|chunk| scope.spawn(move || chunk.iter().map(read).collect::<Result<Vec<_>>>())).collect();
        let read: Result<Vec<Vec<Recorded>>> =
            running.into_iter().map(|one| one.join().expect("what cannot be read is an error")).collect();
        Ok(read?.into_iter().flatten().collect())
    })
}
