//! `svclab overhead`: what measuring adds. The same text through the lab's own runner and through a bare
//! `iptables-legacy-restore`, interleaved in one run, each into an empty node.

use super::output::say;
use crate::backend::{self, Options};
use crate::cell_error::CellError;
use crate::driver;
use crate::meter;
use crate::process::exit::{Exit, Failure};
use crate::targets;
use crate::tool::{self, Real, memory_file};
use anyhow::{Context, Result, ensure};
use lab_core::cell::{ClusterSpec, Load, Variant};
use lab_core::cluster::{AddressPlan, Cluster, NODE_ADDRESS};
use lab_core::layout::{Action, Invocation};
use lab_core::metric::Unit;
use lab_core::plan::Plan;
use lab_core::vocabulary::{BackendName, Clock, TargetName};
use lab_core::{stats, units};
use netns_topology::Node;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Time for one load.
const LIMIT: Duration = Duration::from_secs(600);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The number of Services
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    services: u32,
    /// Pairs of runs
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    targets::within_host(&|| {
        let pairs = measure(args)?;
        let ratios: Vec<f64> = pairs.iter().map(|(lab, bare)| lab / bare).collect();
        let median = |values: Vec<f64>| stats::median(&values).unwrap_or(f64::NAN);
        let of = |value: fn(&(f64, f64)) -> f64| {
            units::human(Unit::Ns, Clock::Wall, median(pairs.iter().map(value).collect()))
        };
        let interval = stats::interval(&ratios.iter().map(|&ratio| vec![ratio]).collect::<Vec<_>>(), 1);
        let interval = interval.map_or(String::new(), |(low, high)| format!(", 95 % interval {low:.3} to {high:.3}"));
        say!("sync_full of iptables-legacy at {} Services, {} pairs", units::count(args.services.into()), pairs.len());
        say!("lab   {:>10}", of(|pair| pair.0));
        say!("bare  {:>10}   iptables-legacy-restore, its input a file", of(|pair| pair.1));
        say!("ratio {:>10.3}   median of the pairs' ratios{interval}", median(ratios));
        // Other load only adds time, so the fastest runs are the least disturbed.
        let fastest = |value: fn(&(f64, f64)) -> f64| pairs.iter().map(value).fold(f64::INFINITY, f64::min);
        say!("ratio {:>10.3}   the fastest of each", fastest(|pair| pair.0) / fastest(|pair| pair.1));
        Ok(Exit::Done.into())
    })
}

/// Nanoseconds of each pair: the lab's, the bare tool's.
fn measure(args: &Args) -> Result<Vec<(f64, f64)>> {
    let backend = backend::named(BackendName::IptablesLegacy);
    let cluster = ClusterSpec::uniform(args.services, 2);
    let load = Load { cluster, variant: Variant::usual(backend.name()), only: None };
    let layout = Options::usual(backend.name()).layout().context("iptables-legacy installs rules")?;
    let driver = driver::of(&load, &Plan::example(TargetName::Host), &Real);
    let cluster = Cluster::generate(args.services, &AddressPlan::new(2));
    let sync = layout.full_sync(&cluster);
    let script = sync.first().and_then(Action::call).context("iptables-legacy loads in one call")?;
    let file = memory_file("script", &script.stdin)?;
    let mut pairs = Vec::new();
    for round in 0..args.rounds {
        let lab = || -> Result<f64> {
            let node = Node::bare(NODE_ADDRESS)?;
            let load = driver.install(node.namespace(), &cluster, LIMIT);
            load.map(|load| load.cost.wall.as_nanos() as f64).map_err(describe)
        };
        let bare = || -> Result<f64> {
            let node = Node::bare(NODE_ADDRESS)?;
            driver.prepare(node.namespace()).map_err(describe)?;
            meter::settle(Duration::from_secs(10))?;
            let input = Stdio::from(reopen(&file)?);
            let program = backend.program(script.tool);
            node.namespace().visit(|| bare_call(program, script, input)).map(|time| time.as_nanos() as f64)
        };
        // They take turns going first, so that neither always follows the other.
        pairs.push(if round % 2 == 0 {
            let lab = lab()?;
            (lab, bare()?)
        } else {
            let bare = bare()?;
            (lab()?, bare)
        });
        meter::settle(Duration::from_secs(10))?;
    }
    Ok(pairs)
}

/// The same file once more, read from its beginning.
fn reopen(file: &File) -> Result<File> {
    Ok(File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?)
}

/// Runs a tool with nothing around it.
fn bare_call(program: &str, call: &Invocation, input: Stdio) -> Result<Duration> {
    let place = tool::find(program).with_context(|| format!("{program} is not installed; run ci/setup"))?;
    let mut command = Command::new(place);
    command.args(&call.args).stdin(input).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status()?;
    let time = start.elapsed();
    ensure!(status.success(), "{program} ended with {status}");
    Ok(time)
}

fn describe(error: CellError) -> anyhow::Error {
    anyhow::anyhow!("{}", error.reason())
}
