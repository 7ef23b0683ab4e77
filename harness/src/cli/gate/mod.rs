//! `svclab gate`: whether a run is worse than its baseline.

mod confirmation;
pub(crate) mod policy;
mod profiles;
mod self_test;
mod verdict;

pub(crate) use confirmation::told;

use super::baselines::{self, Baseline};
use super::command_line::word;
use super::{output, runs};
use crate::driver::kube_proxy::binary;
use crate::process::exit::{Exit, Failure};
use crate::session;
use crate::session::child::ChildRun;
use crate::session::record::RECORD;
use crate::session::store;
use analysis::gate::Aspect;
use anyhow::{Context, anyhow, ensure};
use jiff::Timestamp;
use lab_core::dataset::Dataset;
use lab_core::plan::Plan;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// The run to judge: its folder or its run.jsonl [default: run the baseline's own plan, here and now]
    #[arg(value_name = "RUN")]
    run: Option<PathBuf>,
    /// What to compare it with: a baseline's file, a folder of them, or another run
    #[arg(long, value_name = "FILE|DIR", required_unless_present_any = ["print_policy", "self_test"])]
    baseline: Option<PathBuf>,
    /// Tolerances and consequences, a YAML file [default: see --print-policy]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Print the policy that holds, as a file to start from
    #[arg(long)]
    print_policy: bool,
    /// Differences to allow, such as kernel,tools, because they are the subject
    #[arg(long, value_name = "ASPECT,…", value_delimiter = ',', value_parser = word::<Aspect>())]
    allow: Vec<Aspect>,
    /// Whether to run suspicious cells again before judging them, on a wall clock
    #[arg(long, value_enum, default_value_t = Rerun::Auto)]
    rerun: Rerun,
    /// The guests' kernel, for a run that is made here [default: the baseline's]
    #[arg(long, value_name = "KERNEL", conflicts_with = "run")]
    kernel: Option<String>,
    /// The tools that program a node, for a run that is made here: debian-12, debian-13, debian-sid or a folder with a
    /// root file system [default: the baseline's]
    #[arg(long, value_name = "SUITE|DIR", conflicts_with = "run")]
    tools: Option<String>,
    /// A kube-proxy binary in place of the baseline's of that name, for a run that is made here; repeat it for more
    #[arg(long = "kube-proxy", value_name = "[NAME=]PATH", conflicts_with = "run")]
    kube_proxies: Vec<String>,
    /// Rounds of a run that is made here, on a wall clock [default: the baseline's, or the scenario's]
    #[arg(long, value_name = "N", conflicts_with = "run", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// Output format [default: terminal]
    #[arg(long, value_enum)]
    format: Option<verdict::Format>,
    /// With --format, the file to write. Without it, a new or empty folder for everything: the run, its reruns, and the
    /// verdict in every format
    #[arg(long, value_name = "FILE|DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    self_test: self_test::Options,
}

/// Whether suspicious cells are run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Rerun {
    /// If the run was made here: now, or before with the same svclab, kernel and tools
    Auto,
    /// Wherever it was made
    Always,
    /// Never: what looks worse counts as worse
    Never,
}

const HELP: &str = "\
Exits with 0 if the gate passes, 1 if it fails, 5 if the runs cannot be compared or have nothing that gates.

In a job of GitHub Actions (GITHUB_ACTIONS=true) it also annotates the run, and adds to the step's summary.

  svclab gate --baseline ci/baselines/smoke-exact.jsonl          one command for CI: run, judge
  svclab gate --baseline ci/baselines runs/mine --out verdict    judge a run, write everything
  svclab gate --baseline runs/before runs/after --allow kernel   what did the new kernel change?
  svclab gate --print-policy > policy.yaml                       a policy to start from";

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let policy = policy::in_force(args.policy.as_deref(), &args.allow)?;
    if args.print_policy {
        output::print(policy.yaml().as_bytes())?;
        return Ok(Exit::Done.into());
    }
    if let Some(scenario) = &args.self_test.self_test {
        return args.self_test.run(scenario, policy, args);
    }
    check(args).map_err(Failure::usage)?;
    let Some(baseline) = &args.baseline else { unreachable!("clap asks for it") };
    let (baseline, run) = match &args.run {
        Some(place) => {
            let dataset = runs::read_one(place).map_err(Failure::usage)?;
            let baseline = baselines::find(baseline, Some((place, &dataset.header)))?;
            (baseline, Run { place: place.clone(), dataset, origin: Origin::Given })
        }
        None => {
            let baseline = baselines::find(baseline, None)?;
            let run = make(args, &baseline)?;
            (baseline, run)
        }
    };
    let judgement = confirmation::judge(&baseline.dataset, &run, &policy, args.rerun)?;
    verdict::tell(&judgement, &baseline, &run, args)
}

struct Run {
    place: PathBuf,
    dataset: Dataset,
    origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Made,
    /// Named on the command line.
    Given,
}

impl Args {
    /// The folder for everything, if one was asked for.
    fn folder(&self) -> Option<&Path> {
        self.out.as_deref().filter(|_| self.format.is_none())
    }
}

/// Checks the command line before anything is read or run.
fn check(args: &Args) -> anyhow::Result<()> {
    let Some(out) = &args.out else { return Ok(()) };
    let shown = out.display();
    if args.folder().is_some() {
        ensure!(
            out.is_dir() || !out.exists(),
            "--out {shown} is a file; without --format it must be a folder: name a folder, or add --format"
        );
        let name = if args.run.is_some() { verdict::TEXT } else { RUN };
        ensure!(
            !out.join(name).exists(),
            "--out {shown} holds a verdict already; name a new folder, or empty this one"
        );
    }
    runs::spare(out, args.run.iter().chain(&args.baseline))
}

/// The run's own folder, inside the folder for everything.
const RUN: &str = "run";

/// Runs the baseline's plan.
fn make(args: &Args, baseline: &Baseline) -> Result<Run, Failure> {
    let header = &baseline.dataset.header;
    let out = match args.folder() {
        Some(folder) => folder.join(RUN),
        None => Path::new(store::RUNS).join(session::id(&header.plan, Timestamp::now())),
    };
    let mut child = ChildRun::repeat(header, out).of_run_at(&baseline.file);
    if args.kernel.is_some() {
        child.kernel.clone_from(&args.kernel);
    }
    if args.tools.is_some() {
        child.tools.clone_from(&args.tools);
    }
    if let Some(rounds) = args.rounds {
        if header.plan.target.is_exact() {
            let shown = baseline.file.display();
            return Err(Failure::usage(anyhow!(
                "--rounds is for a wall clock; {shown} is of exact, which counts once"
            )));
        }
        child.plan = header.plan.in_rounds(rounds);
    }
    bring(&args.kube_proxies, &mut child.plan).map_err(Failure::usage)?;
    tell!("running the plan of {}: {} on {}", baseline.file.display(), header.plan.scenario, header.plan.target);
    let made = child.run()?;
    tell!("{}", made.folder.join(RECORD).display());
    Ok(Run { place: made.folder, dataset: made.dataset, origin: Origin::Made })
}

/// Puts the binaries that were given in the place of those of `plan`, whose own may not be on this machine.
fn bring(given: &[String], plan: &mut Plan) -> anyhow::Result<()> {
    for binary in binary::read_all(given)? {
        let planned = plan.kube_proxies.iter_mut().find(|planned| planned.name == binary.name);
        let name = binary.name.as_str();
        *planned.with_context(|| format!("--kube-proxy: the baseline has none called {name}"))? = binary;
    }
    for binary in &plan.kube_proxies {
        let (name, path) = (binary.name.as_str(), &binary.path);
        ensure!(
            Path::new(path).is_file(),
            "the baseline's kube-proxy {name} was {path}, which is not here; give it with --kube-proxy {name}=PATH"
        );
    }
    Ok(())
}
