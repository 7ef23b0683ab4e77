//! `svclab overhead`: what measuring adds. The same sync by the lab's own driver and by the bare tools, one after the
//! other, interleaved in one run, each into an empty node.

use super::output::say;
use crate::backend::{self, Backend, Options};
use crate::cell_error::CellError;
use crate::driver;
use crate::meter;
use crate::process::exit::{Exit, Failure};
use crate::targets;
use crate::tool::{Real, memory_file};
use anyhow::{Context, Result, bail, ensure};
use lab_core::cell::{ClusterSpec, Load, Variant};
use lab_core::cluster::{AddressPlan, Cluster, NODE_ADDRESS};
use lab_core::layout::{Action, Invocation, Pace, Request};
use lab_core::metric::Unit;
use lab_core::plan::Plan;
use lab_core::vocabulary::{BackendName, Clock, TargetName};
use lab_core::{stats, units};
use netns_topology::Node;
use node_netlink::Kernel;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
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
    targets::within_host(None, &|| {
        let pairs = measure(args)?;
        let ratios: Vec<f64> = pairs.iter().map(|(lab, bare)| lab / bare).collect();
        let median = |values: Vec<f64>| stats::median(&values).unwrap_or(f64::NAN);
        let of = |value: fn(&(f64, f64)) -> f64| {
            units::human(Unit::Ns, Clock::Wall, median(pairs.iter().map(value).collect()))
        };
        let interval = stats::interval(&ratios.iter().map(|&ratio| vec![ratio]).collect::<Vec<_>>(), 1);
        let interval = interval.map_or(String::new(), |(low, high)| format!(", 95 % interval {low:.3} to {high:.3}"));
        let services = units::counted(args.services.into(), "Service");
        say!("sync_full of iptables-legacy at {services}, {}", units::counted(pairs.len() as u64, "pair"));
        say!("lab   {:>10}", of(|pair| pair.0));
        say!("bare  {:>10}   the tools alone, their input a file", of(|pair| pair.1));
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
    let load = Load { cluster, variant: Variant::usual(backend.name()), only: None, memory: None };
    let plan = Plan::example(TargetName::Host);
    let layout = Options::of(&load, &plan).layout().context("iptables-legacy installs rules")?;
    let driver = driver::of(&load, &plan, &Real);
    let cluster = Cluster::generate(args.services, &AddressPlan::new(2));
    let sync = layout.full_sync(&cluster);
    let steps = sync.iter().map(|action| Step::of(action, backend)).collect::<Result<Vec<_>>>()?;
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
            let took = node.namespace().visit(|| steps.iter().map(Step::run).sum::<Result<Duration>>());
            took.map(|time| time.as_nanos() as f64)
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

/// One action of the sync, ready to be done with nothing around it.
enum Step<'a> {
    Call { program: PathBuf, call: &'a Invocation, input: File, may_refuse: bool },
    Ask(Pace, &'a [Request]),
}

impl<'a> Step<'a> {
    fn of(action: &'a Action, backend: &dyn Backend) -> Result<Self> {
        let call = |call: &'a Invocation, may_refuse| {
            let program = backend.program(call.tool);
            let program =
                guests::tool::find(program).with_context(|| format!("{program} is not installed; run ci/setup"))?;
            Ok(Self::Call { program, call, input: memory_file("script", &call.stdin)?, may_refuse })
        };
        match action {
            Action::Call(_, invocation) => call(invocation, false),
            Action::Try(_, invocation) => call(invocation, true),
            Action::Ask(pace, requests) => Ok(Self::Ask(*pace, requests)),
            Action::Set(_) => bail!("a sync of iptables-legacy sets no kernel parameter"),
        }
    }

    /// Does it in the calling thread's namespace, and says how long that took.
    fn run(&self) -> Result<Duration> {
        match self {
            Self::Call { program, call, input, may_refuse } => {
                // The same file once more, read from its beginning.
                let input = File::open(format!("/proc/self/fd/{}", input.as_raw_fd()))?;
                let mut command = Command::new(program);
                command.args(&call.args).stdin(input).stdout(Stdio::null()).stderr(Stdio::null());
                let start = Instant::now();
                let status = command.status()?;
                let time = start.elapsed();
                ensure!(status.success() || *may_refuse, "{} ended with {status}", program.display());
                Ok(time)
            }
            Self::Ask(pace, requests) => {
                let start = Instant::now();
                Kernel::open()?.apply(*pace, requests, start + LIMIT)?;
                Ok(start.elapsed())
            }
        }
    }
}

fn describe(error: CellError) -> anyhow::Error {
    anyhow::anyhow!("{}", error.reason())
}
