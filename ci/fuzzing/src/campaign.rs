//! Tries every target for a while, each in a process of its own, and keeps the inputs that broke one.

use crate::memory;
use crate::mutation::input;
use crate::seeds::Seeds;
use crate::targets::Target;
use crate::worker::{PANICKED, Progress, TIME, TOO_LONG};
use anyhow::{Context, Result, ensure};
use std::fmt;
use std::fs;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A target is given up after so many failures.
const FAILURES: usize = 3;
/// So much is shown of what a worker said.
const SAID: usize = 400;

/// How much is tried of each target.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    /// The campaign's seed.
    pub seed: u64,
    /// The most inputs of a target.
    pub inputs: u64,
    /// The most time of a target.
    pub time: Duration,
}

/// What came of a target.
#[derive(Debug, Clone)]
pub struct Outcome {
    target: &'static str,
    inputs: u64,
    taken: Duration,
    slowest: Duration,
    peak: u64,
    /// What broke it.
    pub failures: Vec<Failure>,
}

/// An input that broke a target.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What it did.
    pub what: String,
    /// Where it is kept.
    pub kept: PathBuf,
}

/// `scenario  120,000 inputs, 24,000/s, slowest 3 ms, peak 1 MiB, no failure`
impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.inputs as f64 / self.taken.as_secs_f64().max(1e-3);
        write!(
            out,
            "{:<18} {:>9} inputs {:>8.0}/s  slowest {:>7.1} ms  peak {:>6.1} MiB  {} failures",
            self.target,
            self.inputs,
            rate,
            self.slowest.as_secs_f64() * 1e3,
            self.peak as f64 / f64::from(1 << 20),
            self.failures.len()
        )
    }
}

/// Tries `target`, with `program` as its worker; inputs that break it are kept in `folder`.
///
/// # Errors
/// If a worker cannot be started, or an input cannot be kept.
pub fn run(target: &Target, amount: Amount, program: &Path, folder: &Path) -> Result<Outcome> {
    let seeds = (target.seeds)();
    let start = Instant::now();
    let mut outcome = Outcome {
        target: target.name,
        inputs: 0,
        taken: Duration::ZERO,
        slowest: Duration::ZERO,
        peak: 0,
        failures: Vec::new(),
    };
    while outcome.inputs < amount.inputs && start.elapsed() < amount.time && outcome.failures.len() < FAILURES {
        let left = Amount {
            inputs: amount.inputs - outcome.inputs,
            time: amount.time.saturating_sub(start.elapsed()),
            ..amount
        };
        let (status, progress, said) = worker(target, left, outcome.inputs, program)?;
        outcome.slowest = outcome.slowest.max(Duration::from_nanos(progress.slowest));
        outcome.peak = outcome.peak.max(progress.peak);
        outcome.inputs = progress.number;
        ensure!(status.code() != Some(1), "the worker of {} failed: {said}", target.name);
        if !status.success() {
            let failure = keep(target, &seeds, (amount.seed, progress.number), &what(status, &said), folder)?;
            outcome.failures.push(failure);
            outcome.inputs += 1;
        }
    }
    outcome.taken = start.elapsed();
    Ok(outcome)
}

/// Starts a worker and waits for it: how it ended, how far it came, what it said.
fn worker(target: &Target, left: Amount, from: u64, program: &Path) -> Result<(ExitStatus, Progress, String)> {
    let file = tempfile::NamedTempFile::new().context("making a temporary file")?;
    file.as_file().write_all_at(&Progress { number: from, ..Progress::default() }.bytes(), 0)?;
    let mut child = Command::new(program)
        .args(["work", target.name, &left.seed.to_string(), &from.to_string(), &left.inputs.to_string()])
        .arg(left.time.as_millis().to_string())
        .arg(file.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {}", program.display()))?;
    let mut said = Vec::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_end(&mut said)?;
    }
    let status = child.wait()?;
    let mut bytes = [0; 24];
    file.as_file().read_exact_at(&mut bytes, 0)?;
    Ok((status, Progress::of(bytes), String::from_utf8_lossy(&said).into_owned()))
}

fn what(status: ExitStatus, said: &str) -> String {
    let said: String = said.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SAID).collect();
    match (status.code(), status.signal()) {
        (Some(TOO_LONG), _) => format!("took more than {} s", TIME.as_secs()),
        (Some(PANICKED), _) => format!("panicked: {said}"),
        (_, Some(libc::SIGABRT)) if said.contains("memory allocation") => {
            format!("took more than {} MiB: {said}", memory::MOST >> 20)
        }
        _ => format!("ended by {status}: {said}"),
    }
}

fn keep(target: &Target, seeds: &Seeds, (seed, number): (u64, u64), what: &str, folder: &Path) -> Result<Failure> {
    let folder = folder.join(target.name);
    let kept = folder.join(format!("{seed}-{number}"));
    let keeping = || format!("keeping {}", kept.display());
    fs::create_dir_all(&folder).with_context(keeping)?;
    fs::write(&kept, input(seeds, seed, number)).with_context(keeping)?;
    Ok(Failure { what: what.to_owned(), kept })
}
