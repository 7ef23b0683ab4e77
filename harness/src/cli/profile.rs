//! `svclab profile`: in which functions a run's instructions were spent.

use super::command_line::word;
use super::options::Width;
use super::output;
use super::runs;
use crate::process::exit::{Exit, Failure};
use crate::session::profiles;
use anyhow::{Result, ensure};
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::profile::{self, Comparison, Profile};
use lab_core::vocabulary::{BackendName, Position, ProbeName, Word};
use reports::profile as written;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Up to so many cells are shown in full; more are listed.
const FEW: usize = 4;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A run's folder, made with `svclab scenario --target exact --profile`, or the profile.jsonl in it
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// A later run, to compare with: which functions do more, and which less
    #[arg(value_name = "LATER")]
    later: Option<PathBuf>,
    /// Only cells of this backend
    #[arg(long, value_name = "BACKEND", value_parser = word::<BackendName>())]
    backend: Option<BackendName>,
    /// Only cells with this number of Services
    #[arg(long, value_name = "N")]
    services: Option<u32>,
    /// Only cells of this probe
    #[arg(long, value_name = "PROBE", value_parser = word::<ProbeName>())]
    probe: Option<ProbeName>,
    /// Only cells that ask the Service at this position
    #[arg(long, value_name = "POSITION", value_parser = word::<Position>())]
    position: Option<Position>,
    /// Only this metric [default: all times]
    #[arg(long, value_name = "METRIC", value_parser = word::<Metric>())]
    metric: Option<Metric>,
    /// Functions to show for each cell
    #[arg(long, value_name = "N", default_value_t = 12)]
    top: usize,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
    #[command(flatten)]
    width: Width,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For reading in a terminal
    Terminal,
    /// For a pull request
    Markdown,
    /// For other programs
    Json,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    args.width.check(&args.format, &Format::Terminal).map_err(Failure::usage)?;
    let text = match &args.later {
        None => hottest(args),
        Some(later) => changes(args, later),
    };
    output::print(text.map_err(Failure::usage)?.as_bytes())?;
    Ok(Exit::Done.into())
}

/// The hottest functions of one run.
fn hottest(args: &Args) -> Result<String> {
    let profile = read(&args.run)?;
    let keys = args.matching(profile.keys())?;
    let entries: Vec<_> = keys.iter().filter_map(|(cell, metric)| profile.entry(cell, *metric)).collect();
    let sections = match entries.len() {
        0..=FEW => entries.iter().map(|entry| written::hottest(entry, args.top)).collect(),
        _ => vec![written::overview(&entries)],
    };
    Ok(args.write(&sections, || written::json(&entries, args.top)))
}

fn changes(args: &Args, later: &Path) -> Result<String> {
    let (before, after) = (read(&args.run)?, read(later)?);
    let both = before.keys().into_iter().filter(|(cell, metric)| after.entry(cell, *metric).is_some()).collect();
    let keys = args.matching(both)?;
    let comparisons: Vec<Comparison> =
        keys.iter().filter_map(|(cell, metric)| profile::compare(&before, &after, cell, *metric)).collect();
    let sections = match comparisons.len() {
        0..=FEW => comparisons.iter().map(|comparison| written::changes(comparison, args.top)).collect(),
        _ => vec![written::compared_overview(&comparisons)],
    };
    Ok(args.write(&sections, || written::compared_json(&comparisons, args.top)))
}

impl Args {
    fn matching(&self, keys: Vec<(Cell, Metric)>) -> Result<Vec<(Cell, Metric)>> {
        ensure!(!keys.is_empty(), "there is no cell to show; was the run profiled, and are both runs of one scenario?");
        let wanted = |(cell, metric): &(Cell, Metric)| {
            self.backend.is_none_or(|backend| cell.variant.backend == backend)
                && self.services.is_none_or(|services| cell.cluster.services == services)
                && self.probe.is_none_or(|probe| cell.probe == probe)
                && self.position.is_none_or(|position| cell.position == Some(position))
                && self.metric.is_none_or(|asked| *metric == asked)
        };
        let (matching, others): (Vec<_>, Vec<_>) = keys.into_iter().partition(wanted);
        let first =
            others.first().map(|(cell, metric)| format!("{} {}", crate::run::progress::describe(cell), metric.name()));
        ensure!(!matching.is_empty(), "no cell matches; there is, for example: {}", first.unwrap_or_default());
        Ok(matching)
    }

    fn write(&self, sections: &[reports::report::Section], json: impl FnOnce() -> String) -> String {
        match self.format {
            Format::Terminal => written::text(sections, self.width.columns()),
            Format::Markdown => written::markdown(sections),
            Format::Json => json(),
        }
    }
}

/// Reads the profile at `place`: a profile, a profiled run's folder, or a baseline with a profile.
fn read(place: &Path) -> Result<Profile> {
    if let Some(file) = profiles::of_baseline(place) {
        return profiles::read(&file);
    }
    // A bad run folder gets the same message as in other verbs.
    let record = runs::record(place)?;
    ensure!(
        record == place && runs::read_one(place).is_err(),
        "{} was not profiled: run it with --target exact --profile",
        place.display()
    );
    profiles::read(place)
}
