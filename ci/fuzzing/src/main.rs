//! `ci/fuzz`: tries damaged inputs on every reader. The same program is its own worker.

use anyhow::{Context, Result, bail};
use clap::Parser;
use fuzzing::campaign::{self, Amount};
use fuzzing::memory::Counted;
use fuzzing::seeds;
use fuzzing::targets::{self, Target};
use fuzzing::worker::{self, Order};
use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: Counted = Counted;

/// More than anybody waits.
const ENDLESS: Duration = Duration::from_secs(365 * 86_400);

/// Tries damaged inputs on every reader of svclab.
#[derive(Debug, Parser)]
struct Arguments {
    /// Seconds for all targets together
    #[arg(default_value_t = 60)]
    seconds: u64,
    /// Inputs of each target, in place of a time
    #[arg(long)]
    inputs: Option<u64>,
    /// Decides which inputs are made
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A target to try; repeat it for more [default: all]
    #[arg(long = "target", value_name = "NAME")]
    targets: Vec<String>,
    /// Tries one file on the target, and nothing else
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [work, name, seed, from, inputs, millis, file] = &words[..]
        && work == "work"
    {
        let order = Order {
            seed: seed.parse()?,
            from: from.parse()?,
            inputs: inputs.parse()?,
            time: Duration::from_millis(millis.parse()?),
        };
        let target = find(name)?;
        worker::work(target, &(target.seeds)(), order, &File::options().write(true).open(file)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let arguments = Arguments::parse();
    let chosen: Vec<&Target> = match &arguments.targets[..] {
        [] => targets::ALL.iter().collect(),
        names => names.iter().map(|name| find(name)).collect::<Result<_>>()?,
    };
    if let Some(file) = &arguments.file {
        return one(&chosen, file);
    }
    let share = Duration::from_secs(arguments.seconds) / u32::try_from(chosen.len().max(1))?;
    let time = if arguments.inputs.is_some() { ENDLESS } else { share };
    let amount = Amount { seed: arguments.seed, inputs: arguments.inputs.unwrap_or(u64::MAX), time };
    let repository = seeds::repository();
    let (program, kept) = (std::env::current_exe()?, repository.canonicalize()?.join("target/fuzz"));
    let mut broken = false;
    for target in chosen {
        let outcome = campaign::run(target, amount, &program, &kept)?;
        println!("{outcome}");
        for failure in &outcome.failures {
            broken = true;
            println!("  {}\n  again: ci/fuzz --target {} --file {}", failure.what, target.name, failure.kept.display());
        }
    }
    Ok(ExitCode::from(u8::from(broken)))
}

fn find(name: &str) -> Result<&'static Target> {
    let known = || targets::ALL.iter().map(|target| target.name).collect::<Vec<_>>().join(", ");
    targets::find(name).with_context(|| format!("unknown target {name}; known: {}", known()))
}

/// Tries one file, in this process: what it does is seen.
fn one(targets: &[&Target], file: &PathBuf) -> Result<ExitCode> {
    let [target] = targets else { bail!("--file is tried on one target: add --target NAME") };
    let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    worker::limit();
    worker::watch();
    let taken = worker::try_one(target, &bytes);
    println!(
        "{}: read in {:.1} ms, with {} KiB",
        target.name,
        taken.as_secs_f64() * 1e3,
        fuzzing::memory::peak() >> 10
    );
    Ok(ExitCode::SUCCESS)
}
