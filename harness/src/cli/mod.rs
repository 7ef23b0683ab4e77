//! The command line: one file a verb, and the options that verbs share.

mod anonymize;
mod api;
mod asked;
mod base;
mod baseline;
mod baselines;
mod capacity;
mod check;
mod cluster;
mod command_line;
mod compare;
mod completions;
mod deploy;
mod doctor;
mod drift;
mod explain;
mod fetch;
mod fidelity;
mod foreseen;
mod gate;
mod guest;
mod handed;
mod history;
mod listing;
mod made_of;
mod man;
mod merge;
mod options;
mod output;
mod overhead;
mod plan;
mod product;
mod profile;
mod proxy;
mod query;
mod question;
mod render;
mod report;
mod runs;
mod scenario;
mod scenarios;
mod sharding;
mod splice;
mod studies;
mod study;
mod watch;

use crate::process::exit::{self, Failure};
use crate::session::{self, child};
use crate::targets;
use clap::{Command, CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

/// Version and revision.
const VERSION: &str = if session::REVISION.is_empty() {
    session::VERSION
} else {
    concat!(env!("CARGO_PKG_VERSION"), " (", env!("SVCLAB_REVISION"), ")")
};

/// Measure on one machine what the data planes behind Kubernetes Services cost, at 1 to 50,000 Services.
#[derive(Debug, Parser)]
#[command(name = "svclab", version = VERSION, after_help = exit::HELP, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run a scenario: build, program, verify, measure, report.
    Scenario(scenario::Args),
    /// Run the scenarios of a study, and say of each claim what becomes of it: reproduced or not, with the figures.
    Study(study::Args),
    /// Print what an engine takes to run a plan's shards: a Job for Kubernetes, a script for Slurm, a workflow for GitHub.
    Deploy(deploy::Args),
    /// List the runs in a folder: when, what, and how they ended.
    Runs(history::Args),
    /// Show how far runs are, while they go on: those of a plan's shards, or any.
    Watch(watch::Args),
    /// Merge the runs of a plan's shards into one, as if one machine had made it.
    Merge(merge::Args),
    /// List the scenarios and the studies, and the question each answers.
    Scenarios(listing::Args),
    /// Show the cells a scenario would run, and about how long that takes.
    Plan(plan::Args),
    /// Report on recorded runs, as text, tables, a page or data for other programs.
    Report(report::Args),
    /// Query recorded runs in SQL: tables of all samples and of the summary.
    #[command(after_help = query::HELP)]
    Query(query::Args),
    /// Say how many Services a node holds before an objective breaks.
    Capacity(capacity::Args),
    /// Show in which functions a run's instructions were spent, or what changed since an earlier run.
    Profile(profile::Args),
    /// Compare two runs, cell by cell and metric by metric.
    Compare(compare::Args),
    /// Say whether a run is worse than a baseline: pass or fail, for CI.
    Gate(gate::Args),
    /// Record and list baselines, which runs are compared with.
    #[command(subcommand)]
    Baseline(baseline::Verb),
    /// Find what grew slowly over many runs, too slowly for two runs to show.
    Drift(drift::Args),
    /// Print what a kube-proxy release installs for a cluster: the exact input of the tools, or every call. Needs no
    /// privileges.
    Render(render::Args),
    /// Say what of a cluster a kube-proxy release cannot do, or will do badly: by object, with the number. Needs no
    /// privileges.
    Check(check::Args),
    /// Say whether a real kube-proxy installs what the lab's layout of its release says, rule for rule.
    Fidelity(fidelity::Args),
    /// Say what happens to a packet to a Service: by a node's own listings, or by what a layout installs.
    #[command(after_help = explain::HELP)]
    Explain(explain::Args),
    /// Write a cluster without its names and addresses, to be handed on.
    #[command(after_help = anonymize::HELP)]
    Anonymize(anonymize::Args),
    /// Serve a cluster as the API server of Kubernetes does, for kubectl and kube-proxy.
    #[command(after_help = api::HELP)]
    Api(api::Args),
    /// Write svclab's output into documents, or check that it is up to date.
    Splice(splice::Args),
    /// Say what runs on this machine, what is missing, and what to do about it.
    Doctor(doctor::Args),
    /// Try this kernel: started by doctor and `--target auto`.
    #[command(name = targets::EXAMINE, hide = true)]
    Examine {
        /// The tools to try it with
        #[arg(long)]
        tools: Option<String>,
    },
    /// Make a run: started by verbs that need one.
    #[command(name = child::VERB, hide = true)]
    ChildRun,
    /// Run a program of this machine in a guest.
    #[command(hide = true)]
    Guest(guest::Args),
    /// Fetch Debian's kernels for guests, and the tools that belong to them; list and remove them.
    #[command(subcommand)]
    Fetch(fetch::Verb),
    /// Measure the lab's own overhead: its sync_full against the bare tool, in turns.
    Overhead(overhead::Args),
    /// Print a completion script for a shell.
    Completions(completions::Args),
    /// Write man pages, one for each verb.
    Man(man::Args),
}

/// Does what the command line says.
pub(crate) fn main() -> Result<ExitCode, Failure> {
    let cli: Cli = match command_line::read() {
        Ok(cli) => cli,
        Err(code) => return Ok(code),
    };
    match cli.verb {
        Verb::Scenario(args) => scenario::run(&args),
        Verb::Deploy(args) => deploy::run(&args),
        Verb::Runs(args) => history::run(&args),
        Verb::Watch(args) => watch::run(&args),
        Verb::Merge(args) => merge::run(&args),
        Verb::Study(args) => study::run(&args),
        Verb::Scenarios(args) => listing::run(&args),
        Verb::Plan(args) => plan::run(&args),
        Verb::Report(args) => report::run(&args),
        Verb::Query(args) => query::run(&args),
        Verb::Capacity(args) => capacity::run(&args),
        Verb::Profile(args) => profile::run(&args),
        Verb::Compare(args) => compare::run(&args),
        Verb::Gate(args) => gate::run(&args),
        Verb::Baseline(verb) => baseline::run(&verb),
        Verb::Drift(args) => drift::run(&args),
        Verb::Render(args) => render::run(&args),
        Verb::Check(args) => check::run(&args),
        Verb::Fidelity(args) => fidelity::run(&args),
        Verb::Explain(args) => explain::run(&args),
        Verb::Anonymize(args) => anonymize::run(&args),
        Verb::Api(args) => api::run(&args),
        Verb::Splice(args) => splice::run(&args),
        Verb::Doctor(args) => doctor::run(&args),
        Verb::Examine { tools } => targets::examine(tools.as_deref()),
        Verb::ChildRun => child::make(),
        Verb::Guest(args) => guest::run(args),
        Verb::Fetch(verb) => fetch::run(&verb),
        Verb::Overhead(args) => overhead::run(&args),
        Verb::Completions(args) => completions::run(&args, command()),
        Verb::Man(args) => man::run(&args, command()),
    }
}

/// The command line without hidden verbs: for completions and man pages, which do not leave them out.
fn command() -> Command {
    let whole = Cli::command();
    let visible: Vec<Command> = whole.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned().collect();
    let about = whole.get_about().cloned().unwrap_or_default();
    Command::new("svclab").version(VERSION).about(about).after_help(exit::HELP).subcommands(visible)
}
