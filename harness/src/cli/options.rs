//! Options that several verbs share, and how they change a scenario.

use crate::cli::command_line::word;
use crate::cli::{base, made_of, scenarios};
use crate::driver::kube_proxy::binary;
use crate::process::exit::Failure;
use crate::process::terminal;
use crate::session::spec::Guests;
use crate::targets::{self, Choice};
use anyhow::{Context, Result, anyhow, ensure};
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use clap::{Args, ValueEnum};
use lab_core::axes::Axes;
use lab_core::cell::DriverName;
use lab_core::plan::Plan;
use lab_core::scenario::{
    self, BUDGET, INSTRUCTIONS, MEMORY, Scenario, choose_mix, parse_duration, parse_instructions,
};
use lab_core::vocabulary::{Access, BackendName, LayoutName, Origin, TargetName, Word};
use std::path::PathBuf;
use std::time::Duration;

const SEED: u64 = 1;

/// How wide text for a terminal is.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Width {
    /// Columns of the terminal format, from 60 [default: the terminal's, else 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(60..=1000))]
    width: Option<u16>,
}

impl Width {
    pub(crate) fn columns(self) -> u16 {
        self.width.unwrap_or_else(terminal::width)
    }

    /// Checks that it fits `format`.
    ///
    /// # Errors
    /// If it was given and `format` is not `terminal`.
    pub(crate) fn check<F: ValueEnum + PartialEq>(self, format: &F, terminal: &F) -> Result<()> {
        ensure!(
            self.width.is_none() || format == terminal,
            "--width is for --format terminal, not for {}",
            spelled(format)
        );
        Ok(())
    }
}

/// How `value` is spelled on the command line.
pub(crate) fn spelled(value: &impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// A scenario, and changes to it.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// A scenario's name (see `svclab scenarios`) or its YAML file
    #[arg(value_name = "NAME|FILE")]
    scenario: String,
    #[command(flatten)]
    target: Target,
    /// A backend to run; repeat it for more [default: the scenario's]
    #[arg(long = "backend", value_name = "BACKEND", value_parser = word::<BackendName>())]
    backends: Vec<BackendName>,
    /// A backend without which the run fails, where it would only be skipped; repeat it for more [default: the scenario's]
    #[arg(long = "require", value_name = "BACKEND", value_parser = word::<BackendName>())]
    require: Vec<BackendName>,
    /// A kube-proxy release whose rules are installed; repeat it for more [default: the scenario's, else the newest that
    /// was compared with a real binary]
    #[arg(long = "layout", value_name = "LAYOUT", value_parser = LayoutName::choose)]
    layouts: Vec<LayoutName>,
    /// A kube-proxy binary that programs nodes beside the lab, with a name of your choice; repeat it for more (svclab doctor
    /// says where to get one)
    #[arg(long = "kube-proxy", value_name = "[NAME=]PATH")]
    kube_proxies: Vec<String>,
    /// What programs nodes: lab, or the name of a --kube-proxy; repeat it for more [default: all of them]
    #[arg(long = "driver", value_name = "NAME", requires = "kube_proxies")]
    drivers: Vec<String>,
    /// Numbers of Services, such as 1,1000 [default: the scenario's]
    #[arg(long, value_name = "N,N…", value_delimiter = ',', value_parser = services)]
    services: Vec<u32>,
    /// A cluster to measure, as kubectl prints it: a file, a folder, a tar or - for standard input; repeat it where
    /// several make one cluster. Other numbers of Services repeat its own
    #[arg(long = "cluster", value_name = "FILE")]
    cluster: Vec<PathBuf>,
    /// The node of that cluster that the lab plays [default: the one with the most endpoints]
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// What generated Services are like: the name of a mix [default: the scenario's]
    #[arg(long, value_name = "MIX", conflicts_with = "cluster")]
    mix: Option<String>,
    /// As what Services are dialled; repeat it for more [default: the scenario's]
    #[arg(long = "access", value_name = "ACCESS", value_parser = word::<Access>())]
    accesses: Vec<Access>,
    /// Where they are dialled from; repeat it for more [default: the scenario's]
    #[arg(long = "from", value_name = "PLACE", value_parser = word::<Origin>())]
    origins: Vec<Origin>,
    /// Passes over all cells, on a wall clock [default: the scenario's]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// Guests to measure each cell in, each with its own entropy, with --target exact [default: the scenario's]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    replicas: Option<u32>,
    /// Decides the order of cells, the random parts of the workload, and the guests' entropy
    #[arg(long, default_value_t = SEED)]
    seed: u64,
    /// Time that one cell may take over all rounds, such as 90s or 5m [default: the scenario's]
    #[arg(long, value_name = "TIME", value_parser = budget)]
    budget: Option<Duration>,
    /// Instructions that one cell may take, such as 60G, with --target exact [default: the scenario's]
    #[arg(long, value_name = "COUNT", value_parser = instructions)]
    instructions: Option<u64>,
    /// Memory of each guest, in MiB, with --target vm or exact [default: the scenario's]
    #[arg(long, value_name = "MIB", value_parser = memory())]
    memory: Option<u32>,
    /// The guests' kernel, with --target vm or exact: a name of `svclab fetch list` or VMLINUZ:MODULES_DIR; repeat it to
    /// compare several [default: the scenario's, else the one that runs, if its files can be read, else debian-12]
    #[arg(long = "kernel", value_name = "KERNEL")]
    kernels: Vec<String>,
    /// The tools that program a node: those of debian-12, debian-13 or debian-sid, or of the root file system in a folder
    /// [default: the scenario's, else this machine's]
    #[arg(long, value_name = "SUITE|DIR")]
    tools: Option<String>,
    /// Guests at a time, with --target exact [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    jobs: Option<u32>,
}

/// Where scenarios run.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Target {
    /// Where to run [default: the scenario's, else the first that can run every backend]
    #[arg(long, value_parser = target_parser())]
    target: Option<TargetChoice>,
}

impl Target {
    /// What was asked for, in place of the scenario's: a target, or the first that can; `None` where nothing was.
    pub(crate) fn chosen(self) -> Option<Option<TargetName>> {
        self.target.map(|TargetChoice(target)| target)
    }

    /// The same as it is spelled on the command line.
    pub(crate) fn spelled(self) -> Option<&'static str> {
        self.chosen().map(|target| target.map_or(AUTO, TargetName::name))
    }
}

/// The first target that can run everything.
const AUTO: &str = "auto";

/// A target by name, or the first that can run everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TargetChoice(Option<TargetName>);

fn target_parser() -> impl TypedValueParser<Value = TargetChoice> {
    let names = PossibleValuesParser::new([AUTO].into_iter().chain(TargetName::ALL.iter().map(|word| word.name())));
    names.map(|name| TargetChoice(TargetName::find(&name).ok()))
}

fn memory() -> impl TypedValueParser<Value = u32> {
    clap::value_parser!(u32).range(i64::from(*MEMORY.start())..=i64::from(*MEMORY.end()))
}

fn services(text: &str) -> Result<u32, String> {
    let said = "a number of Services is 1 or more; several have a comma between them, as in 1,1000,5000";
    text.trim().parse().ok().filter(|&services| services > 0).ok_or_else(|| said.to_owned())
}

fn budget(text: &str) -> Result<Duration, String> {
    let budget = parse_duration(text)?;
    if BUDGET.contains(&budget) {
        return Ok(budget);
    }
    Err(format!("found {text}; a cell may take from {:?} to {:?}", BUDGET.start(), BUDGET.end()))
}

fn instructions(text: &str) -> Result<u64, String> {
    let count = parse_instructions(text)?;
    if INSTRUCTIONS.contains(&count) {
        return Ok(count);
    }
    Err(format!("found {text}; a cell may take from 1G to 100000G"))
}

impl Selection {
    /// The guests of `scenario`, which has the options applied.
    pub(crate) fn guests(&self, scenario: &Scenario) -> Guests {
        let scenario::Guests { kernel, tools } = scenario.guests.clone();
        Guests { kernel, kernels: scenario.axes.kernels.clone(), tools, jobs: self.jobs, ..Guests::default() }
    }

    /// The scenario with the options applied. There is at least one cell in it.
    pub(crate) fn scenario(&self) -> Result<Scenario, Failure> {
        let mut scenario = scenarios::find(&self.scenario)?;
        if !self.backends.is_empty() {
            scenario.axes.backends = without_repeats(&self.backends);
        }
        scenario.require = self.required(&scenario)?;
        if !self.layouts.is_empty() {
            scenario.axes.layouts = without_repeats(&self.layouts);
            for &backend in &scenario.axes.backends {
                if LayoutName::among(backend, &self.layouts).is_empty() {
                    return Err(Failure::usage(no_layout(backend)));
                }
            }
        }
        self.choose_drivers(&mut scenario.axes).map_err(Failure::usage)?;
        if !self.accesses.is_empty() {
            scenario.axes.accesses = without_repeats(&self.accesses);
        }
        if !self.origins.is_empty() {
            scenario.axes.origins = without_repeats(&self.origins);
        }
        if let Some(mix) = &self.mix {
            if !scenario.cluster.is_empty() {
                let clash = anyhow!(
                    "--mix {mix}: {} measures a cluster of its own ({}), which is no mix; leave --mix out, or take its key \
                     cluster out",
                    scenario.name,
                    scenario.cluster.join(", ")
                );
                return Err(Failure::usage(clash));
            }
            choose_mix(mix, &mut scenario.axes).context("--mix").map_err(Failure::usage)?;
        }
        scenario = self.with_cluster(scenario)?;
        if let Some(problem) = scenario.axes.unreached() {
            return Err(Failure::usage(anyhow!("--access: {problem}")));
        }
        for services in scenario.parts.iter().flat_map(|part| &part.services) {
            scenario.axes.check(*services).context("services").map_err(Failure::usage)?;
        }
        if !self.services.is_empty() {
            let services = without_repeats(&self.services);
            for &services in &services {
                scenario.axes.check(services).context("--services").map_err(Failure::usage)?;
            }
            for part in &mut scenario.parts {
                part.services.clone_from(&services);
            }
        }
        scenario.rounds = self.rounds.unwrap_or(scenario.rounds);
        scenario.replicas = self.replicas.unwrap_or(scenario.replicas);
        scenario.budget = self.budget.unwrap_or(scenario.budget);
        scenario.instructions = self.instructions.unwrap_or(scenario.instructions);
        scenario.memory = self.memory.unwrap_or(scenario.memory);
        scenario.target = self.target.chosen().unwrap_or(scenario.target);
        made_of::choose(&mut scenario, &self.kernels, self.tools.as_ref()).map_err(Failure::usage)?;
        if scenario.plan(TargetName::Host, self.seed).cells.is_empty() {
            let why = if scenario.axes.backends == [BackendName::Direct] {
                "its probes program the node, and direct is its only backend"
            } else {
                "none of its probes suits its backends, accesses and activities together; scenarios/README.md says what goes \
                 with what"
            };
            return Err(Failure::usage(anyhow!("{}: no cells: {why}", scenario.name)));
        }
        Ok(scenario)
    }

    /// The backends without which the run fails: those asked for, else the scenario's own that are left.
    fn required(&self, scenario: &Scenario) -> Result<Vec<BackendName>, Failure> {
        let backends = &scenario.axes.backends;
        if self.require.is_empty() {
            return Ok(scenario.require.iter().copied().filter(|backend| backends.contains(backend)).collect());
        }
        match self.require.iter().find(|backend| !backends.contains(backend)) {
            Some(other) => {
                let asked: Vec<&str> = backends.iter().map(|backend| backend.name()).collect();
                let asked = asked.join(", ");
                Err(Failure::usage(anyhow!("--require {other}: the backends here are {asked}; add --backend {other}")))
            }
            None => Ok(without_repeats(&self.require)),
        }
    }

    /// Looks at the kube-proxy binaries, and leaves the drivers that are asked for.
    fn choose_drivers(&self, axes: &mut Axes) -> Result<()> {
        axes.kube_proxies = binary::read_all(&self.kube_proxies)?;
        if self.drivers.is_empty() {
            return Ok(());
        }
        let names = axes.kube_proxies.iter().map(|binary| binary.name.as_str());
        let known: Vec<&str> = [DriverName::LAB].into_iter().chain(names).collect();
        for driver in &self.drivers {
            ensure!(known.contains(&driver.as_str()), "--driver {driver}: known are {}", known.join(", "));
        }
        let is_asked = |name: &str| self.drivers.iter().any(|driver| driver == name);
        axes.lab = is_asked(DriverName::LAB);
        axes.kube_proxies.retain(|binary| is_asked(binary.name.as_str()));
        Ok(())
    }

    /// The scenario with the cluster that the command line or it names, if one does. What of it was left out is said.
    fn with_cluster(&self, mut scenario: Scenario) -> Result<Scenario, Failure> {
        let files = if self.cluster.is_empty() {
            scenario.cluster.iter().map(PathBuf::from).collect()
        } else {
            // The scenario's own sizes are of its own Services.
            scenario.parts.iter_mut().for_each(|part| part.services.clear());
            self.cluster.clone()
        };
        if files.is_empty() {
            if let Some(node) = &self.node {
                return Err(Failure::usage(anyhow!("--node {node} is one of a cluster; name that with --cluster")));
            }
            return Ok(scenario);
        }
        let base = base::read(&files, self.node.as_deref()).map_err(Failure::usage)?;
        Ok(scenario.with_base(base))
    }

    /// The plan of `scenario`, and why its target is no earlier one if the user leaves it to svclab.
    pub(crate) fn plan(&self, scenario: &Scenario) -> (Plan, Option<Choice>) {
        let choice = match scenario.target {
            Some(_) => None,
            None => Some(targets::choose(&self.guests(scenario), &scenario.axes.backends)),
        };
        let target = scenario.target.or(choice.as_ref().map(|choice| choice.target)).unwrap_or(TargetName::Host);
        (scenario.plan(target, self.seed), choice)
    }
}

/// That `backend` has none of the releases asked for.
pub(crate) fn no_layout(backend: BackendName) -> anyhow::Error {
    let known: Vec<&str> = LayoutName::of(backend).iter().map(|layout| layout.name()).collect();
    anyhow!("--layout: {backend} has {}", known.join(", "))
}

fn without_repeats<T: Copy + PartialEq>(items: &[T]) -> Vec<T> {
    let mut kept = Vec::new();
    for &item in items {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    kept
}
