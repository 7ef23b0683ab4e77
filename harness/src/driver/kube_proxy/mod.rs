//! The driver that is a real kube-proxy: it watches the lab's API server and programs the node by itself.
//!
//! ```text
//!   change ──► API server ──► kube-proxy ──► tools, netlink ──► the node's rules
//!              (kube-api)        │  └── its metrics: when a sync was over, and what it took
//!                                └── its tools: counted by the kernel's reports of files that are started
//! ```
//!
//! All of it is in the node's network namespace. kube-proxy sleeps (SIGSTOP) while its node is not programmed.

pub(crate) mod binary;
mod config;
mod folder;
mod log;
mod metrics;
mod order;
mod process;
mod usage;
mod watch;

use super::{Cost, Driver, Kind, Loaded, Steps};
use crate::backend::{self, Backend, Options};
use crate::cell_error::CellError;
use crate::meter;
use crate::process::clock::ns;
use crate::tool::Runner;
use crate::tool::place::{Place, within};
use anyhow::{Context, Result};
use config::Told;
use guests::mark::{self, Account};
use kube_api::{Resource, Server, Stage};
use lab_core::cell::{DriverName, Load};
use lab_core::change::{Change, Step};
use lab_core::cluster::{Cluster, Family};
use lab_core::kube_proxy::KubeProxy;
use lab_core::layout::Tool;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::BackendName;
use metrics::Metrics;
use process::{Process, Spent, now};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long to wait until the machine is quiet, before a load.
const SETTLE: Duration = Duration::from_secs(1);
/// How often kube-proxy looks after its rules (`syncPeriod`).
const PERIOD: Duration = Duration::from_secs(30);
/// Time for small steps around a load.
const SMALL: Duration = Duration::from_secs(60);

pub(super) const KIND: Kind = Kind {
    drives: |load| load.variant.driver.is_kube_proxy(),
    make: |load, plan, runner| Box::new(Driven::new(load, plan, runner)),
};

/// A node that a kube-proxy programs.
struct Driven {
    /// `None` if the plan does not say where it is.
    binary: Option<KubeProxy>,
    name: DriverName,
    backend: &'static dyn Backend,
    options: Options,
    runner: &'static dyn Runner,
    running: Mutex<Option<Running>>,
}

/// A kube-proxy and its API server.
struct Running {
    // Ended before the server: it would log that it is gone.
    process: Process,
    server: Server,
}

impl Driven {
    fn new(load: &Load, plan: &Plan, runner: &'static dyn Runner) -> Self {
        let name = load.variant.driver;
        Self {
            binary: plan.kube_proxies.iter().find(|binary| binary.driver() == name).cloned(),
            name,
            backend: backend::named(load.variant.backend),
            options: Options::of(load, plan),
            runner,
            running: Mutex::new(None),
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn binary(&self) -> Result<&KubeProxy, CellError> {
        let unknown = || CellError::Skipped(format!("the plan does not say where {} is; see --kube-proxy", self.name));
        let binary = self.binary.as_ref().ok_or_else(unknown)?;
        match binary.lacks(self.backend.name()) {
            Some(lacks) => Err(CellError::Skipped(lacks)),
            None => Ok(binary),
        }
    }

    /// Does `job` with the running kube-proxy, which is awake meanwhile.
    fn awake<T>(&self, job: impl FnOnce(&mut Running) -> Result<T, CellError>) -> Result<T, CellError> {
        let mut running = self.running();
        let running = running.as_mut().ok_or_else(|| CellError::Failed("no kube-proxy runs".to_owned()))?;
        running.process.wake();
        let done = job(running);
        running.process.sleep();
        done
    }

    /// Starts kube-proxy with the API server, and waits until its first sync is over.
    ///
    /// Returns what it cost, and when it was over, since 1970.
    fn start(
        &self,
        node: &dyn Place,
        server: Server,
        cluster: &Cluster,
        limit: Duration,
    ) -> Result<(Cost, Duration), CellError> {
        let binary = self.binary()?;
        let Options { variant, proxy } = &self.options;
        let told =
            Told { binary, backend: self.backend.name(), settings: variant.settings, proxy, node: &cluster.node };
        let account = Account::open();
        let (begun, started) = (Instant::now(), now());
        let window = mark::window();
        let mut process = Process::start(&told, self.backend, node, server.address())?;
        let what = "had not synced for the first time";
        let first = process.wait(node, begun + limit, what, |metrics| metrics.first().is_some());
        let first = first.map_err(|error| with_requests(error, &server))?;
        let accounts = account.took(begun.elapsed());
        drop((window, account));
        let (from, to) = first.first().unwrap_or_default();
        let listed = listing(&server);
        let spent = process.spent()?;
        let mut own = measured(&spent, process.memory());
        own.push((Metric::DriverSync, ns(first.took_since(&Metrics::default()))));
        own.push((Metric::DriverStart, ns(from.saturating_sub(started).saturating_sub(listed))));
        own.push((Metric::DriverList, ns(listed)));
        let cost = Cost {
            wall: to.saturating_sub(from),
            user: spent.tools.user,
            system: spent.tools.system,
            own,
            accounts: Some(accounts),
            ..Cost::default()
        };
        process.settle(node, Instant::now() + limit.max(SMALL))?;
        process.sleep();
        *self.running() = Some(Running { process, server });
        Ok((cost, to))
    }

    /// Makes `change` known, and waits until it is in force.
    fn follow(&self, node: &dyn Place, change: &Change, limit: Duration) -> Result<Cost, CellError> {
        let families = families(change);
        self.awake(|Running { process, server }| {
            let deadline = Instant::now() + limit.max(SMALL);
            process.settle(node, deadline)?;
            // kube-proxy would sync once for a new Service's endpoints and, a second later, once for the Service.
            if server.stage(change, Stage::Ahead) > 0 {
                process.syncs_for_nothing(node)?;
            }
            let before = process.settle(node, deadline)?;
            let earlier = process.spent()?;
            let account = Account::open();
            let (begun, moment) = (Instant::now(), now());
            let window = mark::window();
            server.stage(change, Stage::Change);
            let what = "had not synced a change";
            // When a sync was over is told a moment before what it took.
            let after = process.wait(node, begun + limit, what, |metrics| {
                metrics.synced_since(moment, &families) && metrics.count() > before.count()
            })?;
            let accounts = account.took(begun.elapsed());
            drop((window, account));
            let spent = process.spent()?.since(&earlier);
            let mut own = measured(&spent, process.memory());
            own.push((Metric::DriverSync, ns(after.took_since(&before))));
            server.stage(change, Stage::Behind);
            Ok(Cost {
                wall: after.last().saturating_sub(moment),
                user: spent.tools.user,
                system: spent.tools.system,
                own,
                begun: Some(begun),
                accounts: Some(accounts),
                ..Cost::default()
            })
        })
    }
}

impl Driver for Driven {
    fn prepare(&self, _: &dyn Place) -> Result<(), CellError> {
        self.binary().map(drop)
    }

    fn load(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Loaded, CellError> {
        let server = serve(node, cluster)?;
        meter::settle(SETTLE)?;
        let before = meter::kernel_memory()?;
        let (cost, _) = self.start(node, server, cluster, limit)?;
        let kernel_memory = meter::kernel_memory()? - before;
        Ok(Loaded { cost, counts: vec![(Metric::KernelMemory, kernel_memory as f64)] })
    }

    fn steps<'a>(&'a self, change: &Change) -> Box<dyn Steps + 'a> {
        Box::new(Follow { driven: self, change: change.clone() })
    }

    fn flush(&self, node: &dyn Place, _: &Cluster, limit: Duration) -> Result<(), CellError> {
        let Some(Running { process, server }) = self.running().take() else { return Ok(()) };
        process.wake();
        process.end(node, true, limit)?;
        drop(server);
        Ok(())
    }

    /// What a real kube-proxy installed is not held against the lab's arithmetic: see `svclab fidelity`.
    fn count(&self, node: &dyn Place, _: &Cluster) -> Result<Vec<(Metric, f64)>, CellError> {
        let installed = within(node, || self.backend.installed(self.runner))?;
        Ok(super::rules::counts(&installed))
    }

    fn order(&self, node: &dyn Place) -> Result<Option<HashMap<SocketAddr, usize>>, CellError> {
        if !matches!(self.backend.name(), BackendName::IptablesLegacy | BackendName::IptablesNft) {
            return Ok(None);
        }
        let (program, args) = (self.backend.program(Tool::IptablesSave), ["-t", "nat"].map(str::to_owned));
        let run = within(node, || self.runner.run(program, &args, b"", SMALL))?.through(program)?;
        Ok(Some(order::of(&run.stdout)))
    }

    fn restart(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Cost, CellError> {
        let running = self.running().take().ok_or_else(|| CellError::Failed("no kube-proxy runs".to_owned()))?;
        let Running { process, server } = running;
        process.wake();
        process.end(node, false, limit)?;
        drop(server);
        let begun = now();
        let (cost, over) = self.start(node, serve(node, cluster)?, cluster, limit)?;
        // The start of the process included.
        Ok(Cost { wall: over.saturating_sub(begun), ..cost })
    }

    /// A node in another zone may have other endpoints: kube-proxy then writes everything again.
    fn resync(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Cost, CellError> {
        let before = Arc::new(cluster.clone());
        let mut elsewhere = cluster.clone();
        elsewhere.node.zone = format!("not-{}", cluster.node.zone);
        let change = Change { before, after: Arc::new(elsewhere) };
        let cost = self.follow(node, &change, limit)?;
        self.follow(node, &change.undone(), limit)?;
        Ok(cost)
    }

    fn idle(&self, node: &dyn Place) -> Result<Vec<(Metric, f64)>, CellError> {
        self.awake(|Running { process, .. }| {
            process.settle(node, Instant::now() + SMALL)?;
            let (earlier, begun) = (process.spent()?, Instant::now());
            process.rest(PERIOD)?;
            let took = begun.elapsed().as_secs_f64();
            let spent = process.spent()?.since(&earlier);
            let busy = spent.own.unwrap_or_default() + spent.tools.user + spent.tools.system;
            let mut found = vec![(Metric::IdleCpu, busy.as_secs_f64() / took.max(f64::MIN_POSITIVE))];
            found.extend(measured(&spent, process.memory()));
            Ok(found)
        })
    }
}

/// In what a node that a kube-proxy programs with `cluster` differs from what the layout of `load` says, each difference in
/// a sentence.
///
/// # Errors
/// As when a node is loaded.
pub(crate) fn differences(
    load: &Load,
    plan: &Plan,
    runner: &'static dyn Runner,
    node: &dyn Place,
    cluster: &Cluster,
) -> Result<Vec<String>, CellError> {
    let driven = Driven::new(load, plan, runner);
    let layout = driven.options.layout().context("there is no layout to compare with")?;
    driven.prepare(node)?;
    driven.load(node, cluster, plan.budget)?;
    super::rules::differences(driven.backend, runner, &*layout, cluster, node)
}

/// A change, to be made known.
struct Follow<'a> {
    driven: &'a Driven,
    change: Change,
}

impl Steps for Follow<'_> {
    fn take(&self, node: &dyn Place, limit: Duration) -> Result<Cost, CellError> {
        self.driven.follow(node, &self.change, limit)
    }
}

/// Starts an API server for `cluster` in `node`.
fn serve(node: &dyn Place, cluster: &Cluster) -> Result<Server> {
    let listener = within(node, || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    let listener = listener.context("listening on the node's loopback for kube-proxy")?;
    Server::start(listener, &Arc::new(cluster.clone())).context("starting an API server for kube-proxy")
}

/// How long it took to list what is programmed.
fn listing(server: &Server) -> Duration {
    let served = server.served();
    let asked = [Resource::Services, Resource::EndpointSlices].map(|resource| served.of(resource).copied());
    let first = asked.iter().flatten().map(|asked| asked.first).min();
    let whole = asked.iter().flatten().filter_map(|asked| asked.whole).max();
    first.zip(whole).map_or(Duration::ZERO, |(first, whole)| whole.saturating_duration_since(first))
}

/// Adds to an error what the API server was asked, and did not give.
fn with_requests(error: CellError, server: &Server) -> CellError {
    let served = server.served();
    let last = served.refused.back().map_or(String::new(), |refused| format!("; the last one refused: {refused}"));
    let asked = format!("; the API server had {} requests{last}", served.requests);
    match error {
        CellError::Failed(reason) => CellError::Failed(reason + &asked),
        CellError::OverBudget(reason) => CellError::OverBudget(reason + &asked),
        other => other,
    }
}

/// What was spent, by metric.
fn measured(spent: &Spent, memory: Option<u64>) -> Vec<(Metric, f64)> {
    let own = spent.own.map(|own| (Metric::DriverCpu, ns(own)));
    let memory = memory.map(|bytes| (Metric::DriverMemory, bytes as f64));
    let runs = usage::by_metric(&spent.runs).into_iter().map(|(metric, count)| (metric, count as f64));
    own.into_iter().chain(memory).chain(runs).collect()
}

/// The families that `change` touches, as kube-proxy's metrics name them.
fn families(change: &Change) -> Vec<&'static str> {
    let touched = |family: &Family| change.ports(*family).any(|step| !matches!(step, Step::Kept(_)));
    let name = |family| if family == Family::V4 { "IPv4" } else { "IPv6" };
    Family::ALL.into_iter().filter(touched).map(name).collect()
}
