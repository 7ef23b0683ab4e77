//! A backend's tools and the kernel's own requests, called in a node, one action after the other.

use super::judge::judge;
use crate::backend::Backend;
use crate::backend::tables::{self, Held};
use crate::cell_error::CellError;
use crate::driver::Cost;
use crate::process::clock;
use crate::process::interrupt;
use crate::tool::place::{Place, within};
use crate::tool::{Ending, Runner, ToolRun, origin};
use anyhow::{Context, Result};
use guests::mark::{self, Account};
use lab_core::layout::{Action, Installed, Invocation, Pace, Part, Request, Tool};
use lab_core::metric::Metric;
use node_netlink::{ApplyError, Kernel, Spent};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// What actions are done with.
pub(super) struct Tools {
    pub(super) backend: &'static dyn Backend,
    pub(super) runner: &'static dyn Runner,
    /// What says which tables there are in the calling thread's namespace.
    pub(super) held: fn() -> Result<BTreeSet<Held>>,
}

impl Tools {
    /// Those of `backend`, on this kernel.
    pub(super) fn of(backend: &'static dyn Backend, runner: &'static dyn Runner) -> Self {
        Self { backend, runner, held: tables::held }
    }

    /// Does `actions` in `node`, one after the other, within `limit` of their own time.
    ///
    /// Where that runs out, the error says what each part cost so far.
    pub(super) fn perform(&self, node: &dyn Place, actions: &[Action], limit: Duration) -> Result<Cost, CellError> {
        let (mut cost, account) = (Cost::default(), Account::open());
        let mut rest = actions;
        while !rest.is_empty() {
            if interrupt::requested() {
                return Err(CellError::Interrupted);
            }
            let done = self.act(node, rest, limit.saturating_sub(cost.wall), &mut cost);
            rest = &rest[done.map_err(|error| cost.so_far(error))?..];
        }
        cost.accounts = Some(account.took(cost.wall));
        Ok(cost)
    }

    /// Makes a call that the kernel must refuse, and says what that cost.
    ///
    /// # Errors
    /// `Failed` if it does not.
    pub(super) fn refused(&self, node: &dyn Place, action: &Action, limit: Duration) -> Result<Cost, CellError> {
        let Action::Call(part, call) = action else {
            return Err(CellError::Failed("only a call of a tool is refused as a whole".to_owned()));
        };
        let (mut cost, account) = (Cost::default(), Account::open());
        let program = self.backend.program(call.tool);
        let run = within(node, || self.runner.run(program, &call.args, &call.stdin, limit))?;
        match run.ending {
            Ending::Exited(0) => Err(CellError::Failed(format!("{program} did what the kernel had to refuse"))),
            Ending::Exited(_) => {
                cost.add_run(metric(*part), &run);
                cost.accounts = Some(account.took(cost.wall));
                Ok(cost)
            }
            _ => judge(program, call, run, limit).map(|_| cost),
        }
    }

    /// Counts what is installed in `node`.
    pub(super) fn count(&self, node: &dyn Place) -> Result<Installed, CellError> {
        within(node, || self.backend.installed(self.runner))
    }

    /// Does the first of `actions`, and those after it that are done with it. Returns how many it did.
    fn act(&self, node: &dyn Place, actions: &[Action], left: Duration, cost: &mut Cost) -> Result<usize, CellError> {
        match &actions[0] {
            Action::Call(part, first) => {
                let calls = actions.iter().map_while(|action| continues(action, *part, first));
                let calls: Vec<&Invocation> = calls.collect();
                if calls.len() < 2 {
                    cost.add_run(metric(*part), &self.run(node, first, left)?);
                    return Ok(1);
                }
                cost.add_run(metric(*part), &self.run_each(node, &calls, left)?);
                return Ok(calls.len());
            }
            Action::Try(part, call) => {
                if let Some(run) = self.attempt(node, call, left)? {
                    cost.add_run(metric(*part), &run);
                }
            }
            Action::Ask(pace, requests) => {
                let spent = within(node, || ask(*pace, requests, left))?;
                cost.add(Metric::SyncAddresses, spent.addresses);
                cost.add(Metric::SyncVirtualServers, spent.virtual_servers);
                cost.add(Metric::SyncRead, spent.reads);
            }
            Action::Set(parameters) => within(node, || set(parameters))?,
        }
        Ok(1)
    }

    fn run(&self, node: &dyn Place, call: &Invocation, limit: Duration) -> Result<ToolRun, CellError> {
        let program = self.backend.program(call.tool);
        let run = within(node, || self.runner.run(program, &call.args, &call.stdin, limit))?;
        judge(program, call, run, limit)
    }

    /// Calls a tool that may refuse, and one that may be missing if it is there.
    fn attempt(&self, node: &dyn Place, call: &Invocation, limit: Duration) -> Result<Option<ToolRun>, CellError> {
        let program = self.backend.program(call.tool);
        if matches!(call.tool, Tool::Nft | Tool::Conntrack) && origin::find(program).is_none() {
            return Ok(None);
        }
        let run = within(node, || self.runner.run(program, &call.args, &call.stdin, limit))?;
        if run.ending == Ending::Exited(1) { Ok(Some(run)) } else { judge(program, call, run, limit).map(Some) }
    }

    /// Calls a tool once for each of `calls`, none of which reads anything.
    fn run_each(&self, node: &dyn Place, calls: &[&Invocation], limit: Duration) -> Result<ToolRun, CellError> {
        let program = self.backend.program(calls[0].tool);
        let args: Vec<&[String]> = calls.iter().map(|call| call.args.as_slice()).collect();
        let run = within(node, || self.runner.run_each(program, &args, limit))?;
        let made = usize::try_from(run.read).unwrap_or(calls.len()).min(calls.len());
        match run.ending {
            Ending::TimedOut | Ending::TooSlow => Err(CellError::OverBudget(format!(
                "{program} was killed after {}; it had made {made} of {} calls",
                clock::spell(run.wall),
                calls.len()
            ))),
            _ => judge(program, calls[made.min(calls.len() - 1)], run, limit),
        }
    }
}

/// The call of `action`, if it can be made together with `first`: same tool, same part, and neither has any input.
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
    let counters: Option<Vec<&str>> = requests.iter().map(counter).collect();
    if let Some(counters) = counters {
        let _window = mark::window();
        let add = |name| node_netlink::add_counter(name).with_context(|| format!("adding the nfacct counter {name}"));
        counters.into_iter().try_for_each(add)?;
        return Ok(Spent::default());
    }
    let mut kernel = Kernel::open().context("asking the kernel")?;
    let _window = mark::window();
    kernel.apply(pace, requests, Instant::now() + limit).map_err(|error| match error {
        ApplyError::Deadline { .. } => CellError::OverBudget(error.to_string()),
        error => CellError::Failed(error.to_string()),
    })
}

/// The counter that `request` adds, which takes no IPVS.
fn counter(request: &Request) -> Option<&'static str> {
    match request {
        Request::AddCounter(name) => Some(name),
        _ => None,
    }
}

/// Sets kernel parameters, in the calling thread's namespace.
fn set(parameters: &[(String, String)]) -> Result<()> {
    parameters.iter().try_for_each(|(name, value)| {
        let place = format!("/proc/sys/{name}");
        std::fs::write(&place, value).with_context(|| format!("setting {place} to {value}"))
    })
}

/// The metric of the time that goes into a part.
fn metric(part: Part) -> Metric {
    match part {
        Part::Rules => Metric::SyncRules,
        Part::Sets => Metric::SyncSets,
        Part::Addresses => Metric::SyncAddresses,
        Part::VirtualServers => Metric::SyncVirtualServers,
        Part::Reads => Metric::SyncRead,
        Part::Conntrack => Metric::SyncConntrack,
    }
}
