//! Programming a node: one backend's tools called in its namespace, what they cost, and what is installed afterwards.

use crate::backend::{self, Backend};
use crate::ended::{Ended, Missing};
use crate::meter;
use crate::tool::{Ending, Runner, ToolRun, refusal};
use anyhow::Context;
use lab_core::change::Change;
use lab_core::cluster::{AddressPlan, Cluster, NODE_ADDRESS};
use lab_core::layout::{Installed, Invocation, Layout, Tool};
use lab_core::metric::Unit;
use lab_core::units;
use netns_topology::{Namespace, Node};
use std::time::Duration;

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
#[derive(Clone, Copy)]
pub(crate) struct Programmer {
    backend: &'static dyn Backend,
    pub(crate) layout: &'static dyn Layout,
    runner: &'static dyn Runner,
}

/// What a full load cost.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Load {
    pub(crate) run: ToolRun,
    pub(crate) script_bytes: usize,
    /// Bytes; small loads drown in what else the kernel does, and may come out negative.
    pub(crate) kernel_memory: i64,
    pub(crate) installed: Installed,
}

impl Programmer {
    /// `None` for a backend that installs nothing.
    pub(crate) fn new(backend: &'static dyn Backend, runner: &'static dyn Runner) -> Option<Self> {
        Some(Self { backend, layout: backend.layout()?, runner })
    }

    /// Empty `node` to the whole of `cluster`, counted afterwards. What comes ahead of the first sync is not measured.
    pub(crate) fn load(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Load, Ended> {
        let script = self.prepare(node, cluster)?;
        meter::settle(SETTLE)?;
        let before = meter::kernel_memory()?;
        let run = self.call(node, &script, limit).map_err(|ended| self.show_how(ended, cluster))?;
        let kernel_memory = meter::kernel_memory()? - before;
        let installed = self.count(node, cluster)?;
        Ok(Load { run, script_bytes: script.stdin.len(), kernel_memory, installed })
    }

    /// Does what comes ahead of the first sync, and gives the call that makes it.
    pub(crate) fn prepare(&self, node: &dyn Place, cluster: &Cluster) -> Result<Invocation, Ended> {
        for call in self.layout.prepare() {
            self.call(node, &call, SMALL_CALL).map_err(Ended::into_failure)?;
        }
        Ok(self.layout.full_sync(cluster))
    }

    /// Applies `change` as kube-proxy does; what kube-proxy would leave to a later clean-up is cleaned up, unmeasured.
    pub(crate) fn apply(&self, node: &dyn Place, change: &Change, limit: Duration) -> Result<ToolRun, Ended> {
        let run = self.call(node, &self.layout.partial_sync(change), limit)?;
        if let Some(cleanup) = self.layout.cleanup(change) {
            self.call(node, &cleanup, limit.max(SMALL_CALL))?;
        }
        Ok(run)
    }

    /// Counts what is installed and checks it against the layout's arithmetic for `cluster`.
    pub(crate) fn count(&self, node: &dyn Place, cluster: &Cluster) -> Result<Installed, Ended> {
        let installed = within(node, || self.backend.installed(self.runner)).context("counting what is installed")?;
        let expected = self.layout.installed(cluster);
        if installed != expected {
            return Err(Ended::Failed(format!("installed {installed}, where the layout says {expected}")));
        }
        Ok(installed)
    }

    /// Runs `tool` for nothing but its version: what it takes to start.
    pub(crate) fn start(&self, node: &dyn Place, tool: Tool) -> Result<ToolRun, Ended> {
        let version = Invocation { tool, args: vec!["--version".to_owned()], stdin: Vec::new() };
        self.call(node, &version, SMALL_CALL).map_err(Ended::into_failure)
    }

    /// Calls a tool in `node`.
    pub(crate) fn call(&self, node: &dyn Place, call: &Invocation, limit: Duration) -> Result<ToolRun, Ended> {
        let program = self.backend.program(call.tool);
        let run = within(node, || self.runner.run(program, &call.args, &call.stdin, limit))?;
        judge(program, call, run, limit)
    }

    /// Adds to a failed load how to see what was loaded.
    fn show_how(&self, ended: Ended, cluster: &Cluster) -> Ended {
        match ended {
            Ended::Failed(reason) => {
                let (backend, services) = (self.backend.name(), cluster.services.len());
                Ended::Failed(format!("{reason}; see it with: svclab render --backend {backend} --services {services}"))
            }
            other => other,
        }
    }
}

/// Whether `backend` can program this kernel: its tools are here, and a load of one Service goes through.
pub(crate) fn check(backend: &'static dyn Backend, runner: &'static dyn Runner) -> Result<(), Missing> {
    backend::check_tools(backend)?;
    let Some(programmer) = Programmer::new(backend, runner) else { return Ok(()) };
    let trial = || -> Result<Installed, Ended> {
        let node = Node::bare(NODE_ADDRESS).context("making an empty node")?;
        let cluster = Cluster::generate(1, &AddressPlan::new(1));
        programmer.call(node.namespace(), &programmer.prepare(node.namespace(), &cluster)?, SMALL_CALL)?;
        programmer.count(node.namespace(), &cluster)
    };
    trial().map(drop).map_err(|ended| Missing {
        why: format!("{} cannot program this kernel: {}", backend.name(), ended.reason()),
        remedy: format!("if these are modules here, load them: sudo modprobe -a {}", backend.modules()),
    })
}

/// What a tool's run is to the cell.
fn judge(program: &str, call: &Invocation, run: ToolRun, limit: Duration) -> Result<ToolRun, Ended> {
    match run.ending {
        Ending::Exited(0) => Ok(run),
        Ending::Interrupted => Err(Ended::Interrupted),
        Ending::Signalled(signal) => Err(Ended::Failed(format!("{program} was ended by signal {signal}"))),
        Ending::TimedOut => Err(Ended::OverBudget(progress(program, call, &run))),
        Ending::TooSlow => {
            let progress = progress(program, call, &run);
            let reason = format!("{progress}, too little to be through within its {} s", limit.as_secs());
            Err(Ended::OverBudget(reason))
        }
        Ending::Exited(_) if run.stderr.contains("Message too long") => Err(Ended::Skipped(too_long(program))),
        Ending::Exited(_) => Err(Ended::Failed(refused(program, call, &run))),
    }
}

/// What makes larger transactions possible.
pub(crate) const LARGER_TRANSACTIONS: &str =
    "raise net.core.wmem_max with ci/setup (sudo sysctl -w net.core.wmem_max=1073741823), or run as root";

/// The largest nf_tables transaction that a process without the machine's root can send, in bytes.
///
/// It has to fit into the netlink socket's send buffer, which only the machine's root may make larger than twice
/// `net.core.wmem_max` (`SO_SNDBUFFORCE`, socket(7)).
pub(crate) fn transaction_limit() -> u64 {
    let limit = std::fs::read_to_string("/proc/sys/net/core/wmem_max").unwrap_or_default();
    2 * limit.trim().parse::<u64>().unwrap_or(0)
}

fn too_long(program: &str) -> String {
    let why = format!("without root, {program} can send {} bytes at once, and this is more", transaction_limit());
    Missing { why, remedy: LARGER_TRANSACTIONS.to_owned() }.to_string()
}

fn refused(program: &str, call: &Invocation, run: &ToolRun) -> String {
    let refusal = refusal::read(&run.stderr);
    let line = refusal.line.map_or(String::new(), |line| format!(" line {line} of {}", lines(&call.stdin)));
    format!("{program} refused{line} in the node: \"{}\"", refusal.message)
}

/// How far a tool came that ran out of time.
fn progress(program: &str, call: &Invocation, run: &ToolRun) -> String {
    let time = units::human(Unit::Ns, run.wall.as_nanos() as f64);
    let total = call.stdin.len();
    let read = usize::try_from(run.read).unwrap_or(total).min(total);
    if read == total {
        return format!("{program} was ended after {time}; it had read all of its input");
    }
    format!(
        "{program} was ended after {time}; it had read {} % of its input (line {} of {})",
        100 * read / total,
        lines(&call.stdin[..read]),
        lines(&call.stdin)
    )
}

fn lines(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests;
