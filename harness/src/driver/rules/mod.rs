//! The driver that installs a layout's rules as kube-proxy does: it calls a backend's tools and makes requests to the
//! kernel.

mod judge;
mod listing;
mod others;
mod state;
mod tools;
mod touched;
mod verify;

use super::{Cost, Driver, Kind, Loaded, Operation, Steps};
use crate::backend::{self, Backend, Options};
use crate::cell_error::CellError;
use crate::meter;
use crate::tool::Runner;
use crate::tool::place::Place;
use guests::tool::VERSION_LIMIT;
use lab_core::change::Change;
use lab_core::cluster::Cluster;
use lab_core::layout::ipvs::{drained, draining};
use lab_core::layout::{Action, Installed, Invocation, Layout, Tool, failing, one_by_one};
use lab_core::metric::Metric;
use lab_core::vocabulary::BackendName;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tools::Tools;
use verify::Expected;

pub(crate) use listing::listings;

/// Time for one of the small calls around a load: a chain, a jump.
const SMALL_CALL: Duration = Duration::from_secs(60);
/// How long to wait at most until the machine is quiet, before a load.
const SETTLE: Duration = Duration::from_secs(1);

pub(super) const KIND: Kind = Kind {
    drives: |_| true,
    make: |load, plan, runner| {
        let backend = backend::named(load.variant.backend);
        let layout = Options::of(load, plan).layout().expect("every backend but direct has a layout");
        Box::new(Rules { tools: Tools::of(backend, runner), layout, expected: Mutex::default() })
    },
};

struct Rules {
    tools: Tools,
    layout: Arc<dyn Layout>,
    /// What the node must hold.
    expected: Mutex<Expected>,
}

impl Driver for Rules {
    fn prepare(&self, node: &dyn Place) -> Result<(), CellError> {
        self.expected().clear();
        self.perform(node, self.layout.prepare(), SMALL_CALL).map(drop).map_err(CellError::into_failure)
    }

    fn load(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Loaded, CellError> {
        let sync = self.layout.full_sync(cluster);
        let script_bytes: usize = sync.iter().filter_map(Action::call).map(|call| call.stdin.len()).sum();
        meter::settle(SETTLE)?;
        let before = meter::kernel_memory()?;
        let cost = self.perform(node, sync, limit).map_err(|error| self.show_how(error, cluster))?;
        // For small loads the kernel's other work is larger than this. It may even be negative.
        let kernel_memory = meter::kernel_memory()? - before;
        let counts = vec![(Metric::KernelMemory, kernel_memory as f64), (Metric::ScriptBytes, script_bytes as f64)];
        Ok(Loaded { cost, counts })
    }

    fn quick_install(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<(), CellError> {
        self.expected().clear();
        let load = self.perform(node, self.layout.quick_load(cluster), limit);
        load.map_err(|error| self.show_how(error, cluster))?;
        self.count(node, cluster)?;
        self.verify(node)
    }

    fn steps<'a>(&'a self, change: &Change) -> Box<dyn Steps + 'a> {
        let (sync, cleanup) = (self.layout.partial_sync(change), self.layout.cleanup(change));
        Box::new(Sync { rules: self, sync: sync.into(), cleanup: cleanup.into() })
    }

    fn drain(&self, node: &dyn Place, change: &Change, limit: Duration) -> Result<(), CellError> {
        let sync = draining(self.layout.partial_sync(change));
        if sync.iter().filter_map(Action::call).any(|call| call.tool == Tool::Ipvsadm) {
            let why = "with ipvsadm the lab removes an endpoint at once; take the way batched or kube-proxy";
            return Err(CellError::Skipped(why.to_owned()));
        }
        self.sync(node, sync, change, limit)
    }

    fn end_draining(&self, node: &dyn Place, undone: &Change, limit: Duration) -> Result<(), CellError> {
        self.sync(node, drained(self.layout.partial_sync(undone)), undone, limit)
    }

    fn append(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Cost, CellError> {
        self.perform(node, vec![self.layout.append_rule(cluster).add.into()], limit)
    }

    fn take_away(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<(), CellError> {
        self.perform(node, vec![self.layout.append_rule(cluster).undo.into()], limit).map(drop)
    }

    fn build_one_by_one(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Loaded, CellError> {
        if self.tools.backend.name() == BackendName::Ipvs {
            let why = "IPVS has no rules to add one by one: see sync_full with the way kube-proxy, which asks for each";
            return Err(CellError::Skipped(why.to_owned()));
        }
        let actions = one_by_one(&self.layout.full_sync(cluster));
        let calls = actions.iter().filter(|action| action.call().is_some()).count();
        let cost = self.perform(node, actions, limit)?;
        Ok(Loaded { cost, counts: vec![(Metric::BuildCalls, calls as f64)] })
    }

    /// The preparations and the first sync of a kube-proxy that knows nothing yet.
    fn restart(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Cost, CellError> {
        self.perform(node, self.layout.restart(cluster), limit)
    }

    fn fail(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Cost, CellError> {
        let actions = failing(&self.layout.resync(cluster)).filter(|_| self.tools.backend.name() != BackendName::Ipvs);
        let Some((last, ahead)) = actions.as_deref().and_then(<[Action]>::split_last) else {
            let why = "IPVS is programmed by many requests, of which each is taken or refused by itself";
            return Err(CellError::Skipped(why.to_owned()));
        };
        self.perform(node, ahead, limit)?;
        self.expected().doubt();
        self.tools.refused(node, last, limit)
    }

    fn resync(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Cost, CellError> {
        self.perform(node, self.layout.resync(cluster), limit)
    }

    fn flush(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<(), CellError> {
        self.tools.perform(node, &self.layout.flush(cluster), limit)?;
        self.expected().clear();
        Ok(())
    }

    fn count(&self, node: &dyn Place, cluster: &Cluster) -> Result<Vec<(Metric, f64)>, CellError> {
        let installed = self.tools.count(node)?;
        let expected = self.layout.installed(cluster);
        if installed != expected {
            return Err(CellError::Failed(format!("installed {installed}, where the layout says {expected}")));
        }
        Ok(counts(&installed))
    }

    fn verify(&self, node: &dyn Place) -> Result<(), CellError> {
        self.expected().check(&self.tools, node)
    }

    fn start(&self, node: &dyn Place, operation: Operation<'_>) -> Result<Option<Cost>, CellError> {
        let tool = match operation {
            Operation::Sync => self.layout.sync_tool(),
            Operation::Append(cluster) => self.layout.append_rule(cluster).add.tool,
        };
        let version = Invocation { tool, args: vec!["--version".to_owned()], stdin: Vec::new() };
        self.tools.perform(node, &[version.into()], VERSION_LIMIT).map(Some).map_err(CellError::into_failure)
    }
}

/// In what `node`, which a kube-proxy programmed with `cluster`, differs from what `layout` says: each difference in a
/// sentence. Order that kube-proxy leaves to chance and chains that hold none of its rules are left out.
pub(super) fn differences(
    backend: &'static dyn Backend,
    runner: &'static dyn Runner,
    layout: &dyn Layout,
    cluster: &Cluster,
    node: &dyn Place,
) -> Result<Vec<String>, CellError> {
    let mut expected = Expected::compared(verify::REAL);
    expected.follow(layout.prepare().into());
    expected.follow(layout.full_sync(cluster).into());
    expected.differences(&Tools::of(backend, runner), node)
}

impl Rules {
    /// Does `actions`. If all of them succeed, they are a part of what the node must hold from then on. Otherwise nobody
    /// knows how far they came, and the next look at the node is at all of it.
    fn perform(&self, node: &dyn Place, actions: impl Into<Arc<[Action]>>, limit: Duration) -> Result<Cost, CellError> {
        let actions = actions.into();
        let done = self.tools.perform(node, &actions, limit);
        match done {
            Ok(_) => self.expected().follow(actions),
            Err(_) => self.expected().doubt(),
        }
        done
    }

    /// Does `sync`, a partial sync of `change`, and cleans up after it.
    fn sync(&self, node: &dyn Place, sync: Vec<Action>, change: &Change, limit: Duration) -> Result<(), CellError> {
        let steps = Sync { rules: self, sync: sync.into(), cleanup: self.layout.cleanup(change).into() };
        steps.take(node, limit)?;
        steps.clean_up(node, limit)
    }

    fn expected(&self) -> MutexGuard<'_, Expected> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to a failed load how to see its input.
    fn show_how(&self, error: CellError, cluster: &Cluster) -> CellError {
        match error {
            CellError::Failed(reason) => {
                let (backend, services) = (self.tools.backend.name(), cluster.services.len());
                CellError::Failed(format!(
                    "{reason}; see it with: svclab render --backend {backend} --services {services}"
                ))
            }
            other => other,
        }
    }
}

/// A change's calls and requests.
struct Sync<'a> {
    rules: &'a Rules,
    sync: Arc<[Action]>,
    cleanup: Arc<[Action]>,
}

impl Steps for Sync<'_> {
    fn take(&self, node: &dyn Place, limit: Duration) -> Result<Cost, CellError> {
        self.rules.perform(node, Arc::clone(&self.sync), limit)
    }

    fn clean_up(&self, node: &dyn Place, limit: Duration) -> Result<(), CellError> {
        self.rules.perform(node, Arc::clone(&self.cleanup), limit.max(SMALL_CALL)).map(drop)
    }
}

/// What is installed, by metric; of IPVS only where there is some.
pub(super) fn counts(installed: &Installed) -> Vec<(Metric, f64)> {
    let Installed { rules, chains, set_elements, virtual_servers, real_servers, addresses } = *installed;
    let rules = [(Metric::Rules, rules), (Metric::Chains, chains), (Metric::SetElements, set_elements)];
    let ipvs = [
        (Metric::VirtualServers, virtual_servers),
        (Metric::RealServers, real_servers),
        (Metric::Addresses, addresses),
    ];
    let any = ipvs.iter().any(|&(_, count)| count > 0);
    let ipvs = ipvs.into_iter().filter(|_| any);
    rules.into_iter().chain(ipvs).map(|(metric, count)| (metric, count as f64)).collect()
}

#[cfg(test)]
mod tests;
