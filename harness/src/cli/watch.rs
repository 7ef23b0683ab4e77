//! `svclab watch`: how far runs are, from their files: those of a plan's shards, on whatever machines.

use super::output::say;
use super::runs;
use crate::process::exit::{Exit, Failure};
use crate::process::interrupt;
use crate::session::standing::{Standing, State};
use crate::session::store;
use anyhow::Context;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jiff::Timestamp;
use lab_core::units;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folders of runs
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// Say once how far they are, and end; as it is where standard error is no terminal
    #[arg(long)]
    once: bool,
}

/// After which a run that has no end, and that nothing here writes to, is not waited for.
const LONGEST_SILENCE: Duration = Duration::from_secs(1800);

/// Between two looks at the files.
const PERIOD: Duration = Duration::from_secs(2);

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let folders = args.folders.iter().map(|place| {
        let record = runs::record(place).map_err(Failure::usage)?;
        Ok(store::folder(&record).unwrap_or(Path::new(".")).to_owned())
    });
    let folders: Vec<PathBuf> = folders.collect::<Result<_, Failure>>()?;
    if args.once || !stderr().is_terminal() {
        for folder in &folders {
            say!("{}", line(folder, &Standing::of(folder)?));
        }
        return Ok(Exit::Done.into());
    }
    interrupt::listen()?;
    let shown = MultiProgress::new();
    let style = ProgressStyle::with_template("{bar:24} {pos:>5}/{len:<5} {msg}").context("a bar's form")?;
    let bars: Vec<ProgressBar> =
        folders.iter().map(|_| shown.add(ProgressBar::new(0).with_style(style.clone()))).collect();
    loop {
        let mut busy = false;
        for (folder, bar) in folders.iter().zip(&bars) {
            let standing = Standing::of(folder)?;
            busy |= match standing.state {
                State::GoingOn => true,
                State::BrokeOff => silent(&standing) < LONGEST_SILENCE,
                State::Complete | State::Interrupted => false,
            };
            bar.set_length(standing.visits);
            bar.set_position(standing.done);
            bar.set_message(format!("{} {}", folder.display(), words(&standing)));
        }
        let until = Instant::now() + PERIOD;
        while busy && !interrupt::requested() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(100));
        }
        if !busy || interrupt::requested() {
            bars.iter().for_each(ProgressBar::abandon);
            return Ok(if busy { Exit::Interrupted } else { Exit::Done }.into());
        }
    }
}

/// How long nothing was written.
fn silent(standing: &Standing) -> Duration {
    Timestamp::now().duration_since(standing.written).unsigned_abs()
}

fn line(folder: &Path, standing: &Standing) -> String {
    let (done, all) = (units::count(standing.done), units::counted(standing.visits, "visit"));
    format!("{}: {done} of {all}, {}", folder.display(), words(standing))
}

/// What a run is at: `going on, about 3 min left`. Another machine's run is not told from one that broke off, but by when
/// it last wrote.
fn words(standing: &Standing) -> String {
    let left = standing.left.map(|left| format!(", about {} left", units::about(left))).unwrap_or_default();
    match standing.state {
        State::Complete => "complete".to_owned(),
        State::Interrupted => "interrupted; go on with --resume".to_owned(),
        State::GoingOn => format!("going on{left}"),
        State::BrokeOff => format!("last written {} ago{left}", units::about(silent(standing))),
    }
}
