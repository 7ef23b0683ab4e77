//! Programming a node: one backend's tools called in its namespace, what they cost, and what is installed afterwards.

mod cost;
mod judge;

pub(crate) use cost::Cost;
pub(crate) use judge::{LARGER_TRANSACTIONS, transaction_limit};

use crate::backend::{self, Backend, Options};
use crate::cell_error::{CellError, Missing};
use crate::meter;
use crate::meter::mark::{self, Account};
use crate::process::clock;
use crate::process::interrupt;
use crate::tool::{Ending, Runner, ToolRun};
use anyhow::{Context, Result};
use judge::judge;
use lab_core::change::Change;
use lab_core::cluster::{AddressPlan, Cluster, NODE_ADDRESS};
use lab_core::layout::{Action, Installed, Invocation, Layout, Pace, Part, Request, Tool};
use netns_topology::{Namespace, Node};
use node_netlink::{ApplyError, Kernel, Spent};
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time for one of the small calls around a load: a chain, a jump.
const SMALL_CALL: Duration = Duration::from_secs(60);
/// How long to wait for the machine to become quiet before a load.
const SETTLE: Duration = Duration::from_secs(1);

/// Where tools are called: in a node's namespace; in a test, nowhere in particular.
pub(crate) trait Place {
    /// Does `job` there.
    fn visit(&self, job: &mut (dyn FnMut() + Send));
}

impl Place for Namespace {
    fn visit(&self, job: &mut (dyn FnMut() + Send)) {
        Namespace::visit(self, job);
    }
}

fn within<T: Send>(place: &dyn Place, mut job: impl FnMut() -> T + Send) -> T {
    let mut result = None;
    place.visit(&mut || result = Some(job()));
    result.expect("a place does the job it is given")
}

/// A backend that installs rules, and what calls its tools.
#[derive(Clone)]
pub(crate) struct Programmer {
    backend: &'static dyn Backend,
    pub(crate) layout: Arc<dyn Layout>,
    runner: &'static dyn Runner,
    /// Planted into what is measured: time that the first tool of a sync spins for.
    delay: Duration,
}

/// What applies a change, written out: for whoever is not to spend time on that later.
pub(crate) struct Steps {
    sync: Vec<Action>,
    cleanup: Vec<Action>,
}

/// What a full load cost.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Loaded {
    pub(crate) cost: Cost,
    pub(crate) script_bytes: usize,
    /// Bytes; small loads drown in what else the kernel does, and may come out negative.
    pub(crate) kernel_memory: i64,
    pub(crate) installed: Installed,
}

impl Programmer {
    /// `None` for a backend that installs nothing.
    pub(crate) fn new(backend: &'static dyn Backend, options: &Options, runner: &'static dyn Runner) -> Option<Self> {
        Some(Self { backend, layout: backend.layout(options)?, runner, delay: Duration::ZERO })
    }

    /// This one, its syncs slower by `delay`: what it loads, applies or calls, but not what it undoes or cleans up.
    pub(crate) fn slowed(&self, delay: Duration) -> Self {
        Self { delay, ..self.clone() }
    }

    /// Empty `node` to the whole of `cluster`, counted afterwards. What comes ahead of the first sync is not measured.
    pub(crate) fn load(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Loaded, CellError> {
        self.prepare(node)?;
        let sync = self.layout.full_sync(cluster);
        let script_bytes = sync.iter().filter_map(Action::call).map(|call| call.stdin.len()).sum();
        meter::settle(SETTLE)?;
        let before = meter::kernel_memory()?;
        let cost = self.sync(node, &sync, limit).map_err(|ended| self.show_how(ended, cluster))?;
        let kernel_memory = meter::kernel_memory()? - before;
        let installed = self.count(node, cluster)?;
        Ok(Loaded { cost, script_bytes, kernel_memory, installed })
    }

    /// Empty `node` to the whole of `cluster`, counted afterwards: by the quickest way, since nothing of it is measured.
    pub(crate) fn quick_load(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<(), CellError> {
        self.perform(node, &self.layout.quick_load(cluster), limit).map_err(|ended| self.show_how(ended, cluster))?;
        self.count(node, cluster).map(drop)
    }

    /// Does what comes ahead of the first sync.
    pub(crate) fn prepare(&self, node: &dyn Place) -> Result<(), CellError> {
        self.perform(node, &self.layout.prepare(), SMALL_CALL).map(drop).map_err(CellError::into_failure)
    }

    /// Applies `change` as kube-proxy does; what kube-proxy would leave to a later clean-up is cleaned up, unmeasured.
    pub(crate) fn apply(&self, node: &dyn Place, change: &Change, limit: Duration) -> Result<Cost, CellError> {
        self.take(node, &self.steps(change), limit)
    }

    /// Applies `change` for what comes next, unmeasured.
    pub(crate) fn undo(&self, node: &dyn Place, change: &Change, limit: Duration) -> Result<(), CellError> {
        self.slowed(Duration::ZERO).apply(node, change, limit).map(drop)
    }

    /// What [`apply`](Self::apply) does.
    pub(crate) fn steps(&self, change: &Change) -> Steps {
        Steps { sync: self.layout.partial_sync(change), cleanup: self.layout.cleanup(change) }
    }

    /// Applies the change that `steps` were made for.
    pub(crate) fn take(&self, node: &dyn Place, steps: &Steps, limit: Duration) -> Result<Cost, CellError> {
        let cost = self.sync(node, &steps.sync, limit)?;
        self.perform(node, &steps.cleanup, limit.max(SMALL_CALL))?;
        Ok(cost)
    }

    /// Empties `node` of whatever is installed, and of what came ahead of the first sync.
    pub(crate) fn flush(&self, node: &dyn Place, limit: Duration) -> Result<(), CellError> {
        self.perform(node, &self.layout.flush(), limit).map(drop)
    }

    /// Counts what is installed and checks it against the layout's arithmetic for `cluster`.
    pub(crate) fn count(&self, node: &dyn Place, cluster: &Cluster) -> Result<Installed, CellError> {
        let installed = within(node, || self.backend.installed(self.runner)).context("counting what is installed")?;
        let expected = self.layout.installed(cluster);
        if installed != expected {
            return Err(CellError::Failed(format!("installed {installed}, where the layout says {expected}")));
        }
        Ok(installed)
    }

    /// What it costs to start `tool`: to have it say nothing but its version.
    pub(crate) fn start(&self, node: &dyn Place, tool: Tool) -> Result<Cost, CellError> {
        let version = Invocation { tool, args: vec!["--version".to_owned()], stdin: Vec::new() };
        let (mut cost, account) = (Cost::default(), Account::open());
        cost.add_run(
            Part::Rules,
            &self.run(node, &version, SMALL_CALL, Duration::ZERO).map_err(CellError::into_failure)?,
        );
        cost.accounts = Some(account.took(cost.wall));
        Ok(cost)
    }

    /// Calls a tool in `node`.
    pub(crate) fn call(&self, node: &dyn Place, call: &Invocation, limit: Duration) -> Result<Cost, CellError> {
        let (mut cost, account) = (Cost::default(), Account::open());
        cost.add_run(Part::Rules, &self.run(node, call, limit, self.delay)?);
        cost.accounts = Some(account.took(cost.wall));
        Ok(cost)
    }

    /// Calls a tool in `node` that takes back what another has done, unmeasured.
    pub(crate) fn call_back(&self, node: &dyn Place, call: &Invocation, limit: Duration) -> Result<(), CellError> {
        self.run(node, call, limit, Duration::ZERO).map(drop)
    }

    fn run(&self, node: &dyn Place, call: &Invocation, limit: Duration, delay: Duration) -> Result<ToolRun, CellError> {
        let program = self.backend.program(call.tool);
        let run = within(node, || self.runner.run_late(delay, program, &call.args, &call.stdin, limit))?;
        judge(program, call, run, limit)
    }

    /// As [`perform`](Self::perform), measured, and slower by what is planted.
    fn sync(&self, node: &dyn Place, actions: &[Action], limit: Duration) -> Result<Cost, CellError> {
        if !self.delay.is_zero() && !actions.iter().any(|action| action.call().is_some()) {
            let why = "a delay was planted into the tool of a sync that calls none";
            return Err(CellError::Failed(format!("{why}; plant it into another cell")));
        }
        self.perform_late(node, actions, limit, self.delay)
    }

    /// Does `actions` in `node`, one after the other, within `limit` of their own time.
    ///
    /// Where that runs out, the error says what the parts cost that were through, too.
    fn perform(&self, node: &dyn Place, actions: &[Action], limit: Duration) -> Result<Cost, CellError> {
        self.perform_late(node, actions, limit, Duration::ZERO)
    }

    /// As [`perform`](Self::perform), with a `delay` that the first tool spins for.
    fn perform_late(
        &self,
        node: &dyn Place,
        actions: &[Action],
        limit: Duration,
        mut delay: Duration,
    ) -> Result<Cost, CellError> {
        let (mut cost, account) = (Cost::default(), Account::open());
        let mut rest = actions;
        while !rest.is_empty() {
            if interrupt::requested() {
                return Err(CellError::Interrupted);
            }
            let done = self.act(node, rest, limit.saturating_sub(cost.wall), &mut delay, &mut cost);
            rest = &rest[done.map_err(|ended| cost.so_far(ended))?..];
        }
        cost.accounts = Some(account.took(cost.wall));
        Ok(cost)
    }

    /// Does the first of `actions`, with those behind it that go with it; how many these were. A tool spins for the `delay`,
    /// of which nothing is left then.
    fn act(
        &self,
        node: &dyn Place,
        actions: &[Action],
        left: Duration,
        delay: &mut Duration,
        cost: &mut Cost,
    ) -> Result<usize, CellError> {
        match &actions[0] {
            Action::Call(part, first) => {
                let calls = actions.iter().map_while(|action| continues(action, *part, first));
                let calls: Vec<&Invocation> = calls.collect();
                if calls.len() < 2 || !delay.is_zero() {
                    cost.add_run(*part, &self.run(node, first, left, mem::take(delay))?);
                    return Ok(1);
                }
                cost.add_run(*part, &self.run_each(node, &calls, left)?);
                return Ok(calls.len());
            }
            Action::Try(part, call) => cost.add_run(*part, &self.attempt(node, call, left, mem::take(delay))?),
            Action::Ask(pace, requests) => {
                let spent = within(node, || ask(*pace, requests, left))?;
                cost.add(Part::Addresses, spent.addresses);
                cost.add(Part::VirtualServers, spent.virtual_servers);
            }
            Action::Set(parameters) => within(node, || set(parameters))?,
        }
        Ok(1)
    }

    /// Calls a tool that may refuse.
    fn attempt(
        &self,
        node: &dyn Place,
        call: &Invocation,
        limit: Duration,
        delay: Duration,
    ) -> Result<ToolRun, CellError> {
        let program = self.backend.program(call.tool);
        let run = within(node, || self.runner.run_late(delay, program, &call.args, &call.stdin, limit))?;
        if run.ending == Ending::Exited(1) { Ok(run) } else { judge(program, call, run, limit) }
    }

    /// Calls a tool once for each of `calls`, none of which reads anything.
    fn run_each(&self, node: &dyn Place, calls: &[&Invocation], limit: Duration) -> Result<ToolRun, CellError> {
        let program = self.backend.program(calls[0].tool);
        let args: Vec<&[String]> = calls.iter().map(|call| call.args.as_slice()).collect();
        let run = within(node, || self.runner.run_each(program, &args, limit))?;
        let made = usize::try_from(run.read).unwrap_or(calls.len()).min(calls.len());
        match run.ending {
            Ending::TimedOut | Ending::TooSlow => Err(CellError::OverBudget(format!(
                "{program} was ended after {}; {made} of {} calls of it had been made",
                clock::spell(run.wall),
                calls.len()
            ))),
            _ => judge(program, calls[made.min(calls.len() - 1)], run, limit),
        }
    }

    /// Adds to a failed load how to see what was loaded.
    fn show_how(&self, ended: CellError, cluster: &Cluster) -> CellError {
        match ended {
            CellError::Failed(reason) => {
                let (backend, services) = (self.backend.name(), cluster.services.len());
                CellError::Failed(format!(
                    "{reason}; see it with: svclab render --backend {backend} --services {services}"
                ))
            }
            other => other,
        }
    }
}

/// The call that `action` is, if it goes with `first`: of the same tool, about the same, and neither reads anything.
fn continues<'a>(action: &'a Action, part: Part, first: &Invocation) -> Option<&'a Invocation> {
    match action {
        Action::Call(of, call) if *of == part && call.tool == first.tool => {
            (call.stdin.is_empty() && first.stdin.is_empty()).then_some(call)
        }
        _ => None,
    }
}

/// Asks the kernel, in the calling thread's namespace.
fn ask(pace: Pace, requests: &[Request], limit: Duration) -> Result<Spent, CellError> {
    let mut kernel = Kernel::open().context("asking the kernel")?;
    let _window = mark::window();
    kernel.apply(pace, requests, Instant::now() + limit).map_err(|error| match error {
        ApplyError::Deadline { .. } => CellError::OverBudget(error.to_string()),
        error => CellError::Failed(error.to_string()),
    })
}

/// Sets kernel parameters, in the calling thread's namespace.
fn set(parameters: &[(String, String)]) -> Result<()> {
    parameters.iter().try_for_each(|(name, value)| {
        let place = format!("/proc/sys/{name}");
        std::fs::write(&place, value).with_context(|| format!("setting {place} to {value}"))
    })
}

/// Whether `backend` can program this kernel: its tools are here, and a load of one Service goes through.
pub(crate) fn check(backend: &'static dyn Backend, runner: &'static dyn Runner) -> Result<(), Missing> {
    backend::check_tools(backend)?;
    backend.check_kernel()?;
    let options = Options::usual(backend.name());
    let Some(programmer) = Programmer::new(backend, &options, runner) else { return Ok(()) };
    let trial = || -> Result<Installed, CellError> {
        let node = Node::bare(NODE_ADDRESS).context("making an empty node")?;
        let cluster = Cluster::generate(1, &AddressPlan::new(1));
        programmer.prepare(node.namespace())?;
        programmer.perform(node.namespace(), &programmer.layout.full_sync(&cluster), SMALL_CALL)?;
        programmer.count(node.namespace(), &cluster)
    };
    trial().map(drop).map_err(|ended| Missing {
        why: format!("{} cannot program this kernel: {}", backend.name(), ended.reason()),
        remedy: format!(
            "run with --target exact, which brings its own kernel, or load what it needs, if it is here: sudo modprobe -a {}",
            backend.modules().join(" ")
        ),
    })
}

#[cfg(test)]
mod tests;
