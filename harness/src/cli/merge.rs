//! `svclab merge`: the runs of a plan's shards as one dataset.

use super::output::say;
use super::runs;
use crate::process::cores::in_parallel;
use crate::process::exit::{Exit, Failure};
use crate::session::merging::{self, Recorded};
use crate::session::record::{self, RECORD};
use crate::session::store;
use anyhow::{Context, Result, anyhow};
use lab_core::{shell, units};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The runs of the shards: their folders, or the run.jsonl in them
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// The folder of the merged run, new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Merge what is there although shards are missing, broke off or cannot be read
    #[arg(long)]
    partial: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    store::check(&args.out).map_err(Failure::usage)?;
    let mut named = BTreeSet::new();
    let again = |place: &&PathBuf| named.insert(place.canonicalize().unwrap_or_else(|_| place.to_path_buf()));
    let places: Vec<&PathBuf> = args.runs.iter().filter(again).collect();
    if places.len() < args.runs.len() {
        tell!("svclab: {} named twice; counted once", units::counted((args.runs.len() - places.len()) as u64, "run"));
    }
    let read = in_parallel(&places, |place| {
        let file = runs::record(place)?;
        record::read(&file).with_context(|| file.display().to_string())
    });
    let mut copies = Vec::new();
    for (place, read) in places.iter().zip(read) {
        match read {
            Ok(read) => copies.push(Recorded { place: place.display().to_string(), dataset: read.dataset }),
            Err(error) if args.partial => tell!("svclab: left out: {error:#}"),
            Err(error) => {
                let rest = "run that shard again, or merge the others with --partial; nothing was written";
                return Err(Failure::usage(anyhow!("{error:#}: {rest}")));
            }
        }
    }
    let count = copies.len() as u64;
    let (merged, missing) = merging::merge(copies).map_err(Failure::usage)?;
    missing.iter().for_each(|missing| tell!("svclab: {missing}"));
    if !missing.is_empty() && !args.partial {
        let what = units::counted(missing.len() as u64, "shard");
        return Err(Failure::usage(anyhow!(
            "{what} missing or not complete: run them, or merge what is there with --partial; nothing was written"
        )));
    }
    let unusable = || format!("--out {} cannot be made; name another folder", args.out.display());
    fs::create_dir_all(&args.out).with_context(unusable).map_err(Failure::usage)?;
    if let Some(base) = args.runs.iter().find_map(|place| merging::base_of(place)) {
        let kept = args.out.join(base.file_name().unwrap_or_default());
        fs::copy(&base, &kept).with_context(|| format!("copying {} to {}", base.display(), kept.display()))?;
    }
    let file = args.out.join(RECORD);
    store::replace(&file, record::text(&merged.header, &merged.cells, merged.end.as_ref()).as_bytes())?;
    let records = units::counted(merged.cells.len() as u64, "record");
    say!("{}: {records} of {}", file.display(), units::counted(count, "run"));
    say!("To read it: svclab report {}", shell::paths(&[&args.out]));
    Ok(Exit::Done.into())
}
