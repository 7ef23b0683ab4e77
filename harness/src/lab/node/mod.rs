//! The lab on this kernel: a node with its pods in namespaces, programmed, counted and verified.

mod serving;

use super::answers::verify_service;
use super::binding::{self, Binding, Bound};
use super::build::{Surroundings, delivery};
use super::echo::Echo;
use super::first_load::FirstLoad;
use super::iperf3::Iperf3;
use super::udp::Client;
use super::{Added, Course, Crowd, Datagrams, Dial, Failure, Lab, Memory, Stream};
use crate::backend::{self, Backend, Options};
use crate::cell_error::CellError;
use crate::driver::{self, Driver, Loaded};
use crate::meter;
use crate::tool::place::{Place, within};
use crate::tool::{Runner, ToolRun};
use anyhow::Context;
use lab_core::cell::{Cell, Load, Source};
use lab_core::change::{Change, Step};
use lab_core::cluster::{AddressPlan, Base, Cluster, Family, Protocol, Repeated, ServicePort, Supply};
use lab_core::dataset::NO_ENDPOINT;
use lab_core::layout::Tool;
use lab_core::plan::Plan;
use lab_core::vocabulary::{Access, BackendName, LayoutName, Origin, Position, ProbeName};
use netns_topology::{Delivery, Namespace, Node};
use serving::at;
use std::collections::{BTreeSet, HashMap};
use std::mem;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// How long to wait for the machine to become quiet after a node was removed: about as long as programming it took.
const SETTLE: Duration = Duration::from_secs(10);
/// As above, for small loads.
const SETTLE_LEAST: Duration = Duration::from_millis(300);
/// How many budgets a load may take that is not measured. With the clock that counts instructions, a budget is minutes.
pub(crate) const QUICK: u32 = 3;
pub(crate) const QUICK_EXACT: u32 = 1;

/// A node with its pods, programmed and verified.
pub(crate) struct NodeLab {
    pub(crate) backend: &'static dyn Backend,
    layout: LayoutName,
    pub(crate) cluster: Arc<Cluster>,
    runner: &'static dyn Runner,
    driver: Box<dyn Driver>,
    /// Makes the driver of another node with the same load.
    another: Box<dyn Fn() -> Box<dyn Driver> + Send + Sync>,
    supply: Box<dyn Supply>,
    /// The family of the Services that are dialled: IPv6 if there is no IPv4 one.
    family: Family,
    surroundings: Surroundings,
    node: Node,
    /// How packets arrive: rewritten, unchanged or tunnelled.
    delivery: Delivery,
    first_load: Mutex<FirstLoad>,
    course: Course,
    memory: Option<Memory>,
    /// The servers that run, by pod and port.
    echoes: Mutex<HashMap<(Ipv4Addr, u16), Weak<Echo>>>,
    /// Whether successive connections reach every endpoint.
    spreads: bool,
}

impl NodeLab {
    /// Builds a node with pods, loads it for a run of `plan` and verifies that its Services answer.
    pub(crate) fn bring_up(
        load: &Load,
        plan: &Plan,
        make: driver::Make,
        runner: &'static dyn Runner,
    ) -> Result<Self, CellError> {
        let memory = Memory::of(load, plan)?;
        let runner = memory.as_ref().map_or(runner, |memory| memory.limit(runner));
        let brought_up = Self::within(load, plan, make, runner);
        match memory {
            Some(memory) => match brought_up {
                Ok(lab) => Ok(Self { memory: Some(memory), ..lab }),
                Err(error) => Err(memory.judge(error)),
            },
            None => brought_up,
        }
    }

    /// The same, with tools that may have a limit of memory.
    fn within(load: &Load, plan: &Plan, make: driver::Make, runner: &'static dyn Runner) -> Result<Self, CellError> {
        let (supply, cluster) = cluster(load, plan)?;
        let options = Options::of(load, plan);
        let (scheduler, forwarding) = options.variant.settings.ipvs();
        let delivery = delivery(forwarding);
        let cluster = Arc::new(cluster);
        let dialled = dialled(load, plan);
        let (backend, origins) = (load.variant.backend, dialled.iter().map(|(_, from)| *from));
        let scales = cells(load, plan).any(|cell| cell.probe == ProbeName::UdpBlackhole);
        let surroundings = Surroundings::of(&cluster, backend, origins, scales);
        let wiring = surroundings.wiring(supply.addresses(), delivery);
        let build = || Node::build(&wiring).context("building the node and its pods");
        let another = {
            let (load, plan) = (*load, Plan { cells: Vec::new(), ..plan.clone() });
            Box::new(move || make(&load, &plan, runner))
        };
        let driver = another();
        let measured = load.only.is_none_or(|probe| probe == ProbeName::SyncFull);
        let quick = plan.budget * if plan.target.is_exact() { QUICK_EXACT } else { QUICK };
        let (node, first_load) = FirstLoad::of(&*driver, &cluster, measured, (plan.budget, quick), build)?;
        let lab = Self {
            backend: backend::named(load.variant.backend),
            layout: load.variant.layout,
            family: if cluster.ports(Family::V4).next().is_some() { Family::V4 } else { Family::V6 },
            cluster,
            runner,
            driver,
            another,
            supply,
            surroundings,
            node,
            delivery,
            first_load: Mutex::new(first_load),
            course: Course::default(),
            memory: None,
            echoes: Mutex::default(),
            spreads: scheduler.spreads(),
        };
        dialled.iter().try_for_each(|&(access, from)| lab.verify(access, from))?;
        Ok(lab)
    }

    fn first_load(&self) -> MutexGuard<'_, FirstLoad> {
        self.first_load.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the load took that brought the lab up, if no probe has reported it yet.
    pub(crate) fn first_load_took(&self) -> Duration {
        match &*self.first_load() {
            FirstLoad::Owed(load) => load.cost.wall,
            FirstLoad::OverBudget(_) | FirstLoad::Done => Duration::ZERO,
        }
    }

    /// Every namespace of the lab: the node's, then the pods'.
    pub(crate) fn namespaces(&self) -> impl Iterator<Item = &Namespace> {
        let pods = self.node.client().into_iter().chain(self.node.servers()).chain(self.node.outside());
        std::iter::once(self.node.namespace()).chain(pods.map(|pod| &pod.namespace))
    }

    /// Checks that the first, middle and last Service are answered by their own endpoints, reached so. If the backend
    /// spreads connections over endpoints, all of them must answer.
    fn verify(&self, access: Access, from: Origin) -> Result<(), CellError> {
        let services = self.services(access, from)?;
        Position::USUAL.iter().try_for_each(|&position| {
            let service = at(position, &services, access, from)?;
            let dialer = match self.dialer(service, access, from) {
                // There is nothing to dial, and cells say so.
                Ok(_) if self.backend.name() == BackendName::Direct && !service.has_endpoints() => return Ok(()),
                dialer => dialer?,
            };
            let spreads = self.spreads && service.service.affinity.is_none();
            let name = format!("the {position} Service, {}", service.name());
            self.origin(from).visit(|| verify_service(&name, spreads, &dialer))
        })
    }
}

impl Lab for NodeLab {
    fn driver(&self) -> &dyn Driver {
        &*self.driver
    }

    fn node(&self) -> &dyn Place {
        &self.node
    }

    fn cluster(&self) -> &Arc<Cluster> {
        &self.cluster
    }

    fn supply(&self) -> &dyn Supply {
        &*self.supply
    }

    fn full_load(&self, limit: Duration) -> Result<Loaded, CellError> {
        let first = mem::replace(&mut *self.first_load(), FirstLoad::Done);
        match first {
            FirstLoad::Owed(loaded) => return Ok(loaded),
            FirstLoad::OverBudget(error) => return Err(error),
            FirstLoad::Done => {}
        }
        let empty = Node::bare(self.surroundings.node()).context("making an empty node")?;
        let load = (self.another)().install(&empty, &self.cluster, limit);
        drop(empty);
        let took = load.as_ref().map_or(SETTLE, |load| load.cost.wall);
        meter::settle(took.clamp(SETTLE_LEAST, SETTLE))?;
        load
    }

    fn build_one_by_one(&self, limit: Duration) -> Result<Loaded, CellError> {
        let empty = Node::bare(self.surroundings.node()).context("making an empty node")?;
        let driver = (self.another)();
        driver.prepare(&empty)?;
        let mut built = driver.build_one_by_one(&empty, &self.cluster, limit)?;
        built.counts.extend(driver.count(&empty, &self.cluster)?);
        driver.verify(&empty)?;
        Ok(built)
    }

    fn memory(&self) -> Option<&Memory> {
        self.memory.as_ref()
    }

    fn load_after_failure(&self, limit: Duration) -> Result<(Failure, Loaded), CellError> {
        let empty = Node::bare(self.surroundings.node()).context("making an empty node")?;
        let driver = (self.another)();
        driver.prepare(&empty)?;
        meter::settle(SETTLE_LEAST)?;
        let before = meter::kernel_memory()?;
        let cost = driver.fail(&empty, &self.cluster, limit)?;
        // The kernel frees what it refused in the background.
        meter::settle(SETTLE_LEAST)?;
        let failure = Failure { memory: meter::kernel_memory()? - before, cost };
        let mut loaded = driver.load(&empty, &self.cluster, limit)?;
        loaded.counts.extend(driver.count(&empty, &self.cluster)?);
        driver.verify(&empty)?;
        Ok((failure, loaded))
    }

    fn bind(&self, binding: Binding, limit: Duration) -> Result<Bound, CellError> {
        binding::bind(binding, &self.cluster, limit)
    }

    fn course(&self) -> &Course {
        &self.course
    }

    fn backend(&self) -> BackendName {
        self.backend.name()
    }

    fn call(&self, tool: Tool, args: &[String], stdin: &[u8], limit: Duration) -> Result<ToolRun, CellError> {
        Ok(within(&self.node, || self.runner.run(self.backend.program(tool), args, stdin, limit))?)
    }

    fn crowd(&self) -> Result<Crowd<'_>, CellError> {
        Ok(Crowd::gather(&self.node, self.origin(Origin::Pod))?)
    }

    fn is_served_with(&self, one: &Cell, other: &Cell) -> bool {
        let pod = |cell: &Cell| {
            let service = self.service(cell.position.unwrap_or(Position::First), cell.access, cell.from).ok()?;
            let pod = self.server(service, &self.answering(service, cell.access, cell.from)).ok()??;
            Some(pod.address.v4)
        };
        pod(one).is_none_or(|one| pod(other) == Some(one))
    }

    fn ask_changed(&self, change: &Change) -> Result<(), CellError> {
        let (access, from) = (Access::ClusterIp, Origin::Pod);
        let changed = change.ports(self.family).filter(|step| !matches!(step, Step::Kept(_)));
        let asked = changed.filter_map(Step::after).filter(|port| port.protocol() == Protocol::Tcp);
        asked.filter(|port| !self.answering(*port, access, from).is_empty()).try_for_each(|port| {
            let spreads = self.spreads && port.service.affinity.is_none();
            let (name, dialer) = (format!("the changed Service, {}", port.name()), self.dialer(port, access, from)?);
            self.origin(from).visit(|| verify_service(&name, spreads, &dialer))
        })
    }

    fn added<'a>(&'a self, change: &'a Change) -> Result<Option<Added<'a>>, CellError> {
        let (access, from) = (Access::ClusterIp, Origin::Pod);
        let added = change.ports(self.family).filter_map(|step| match step {
            Step::Added(port) if port.protocol() == Protocol::Tcp => Some(port),
            _ => None,
        });
        let Some(port) = added.into_iter().find(|port| !self.answering(*port, access, from).is_empty()) else {
            return Ok(None);
        };
        let dialer = self.dialer(port, access, from)?;
        let address = self.backend.address(port, access, &self.cluster.node, 0);
        Ok(address.map(|address| Added { address, _server: Box::new(dialer) }))
    }

    fn client(&self, origin: Origin) -> &dyn Place {
        self.origin(origin)
    }

    fn dial(&self, cell: &Cell) -> Result<Box<dyn Dial + '_>, CellError> {
        let service = self.service(cell.position.unwrap_or(Position::First), cell.access, cell.from)?;
        let mut dialer = self.dialer(service, cell.access, cell.from)?;
        if cell.activity.churn.is_some() {
            let change = Change::replacing_endpoint(&self.cluster, &*self.supply);
            let is_it = |port: ServicePort<'_>| port.socket() == service.socket();
            if let Some(altered) = self.altered(&change, (cell.access, cell.from), is_it) {
                dialer.goal.substitute = altered.substitute();
                // One that has no endpoint gets one.
                if dialer.goal.reached.is_empty() {
                    dialer.goal.reached.extend(altered.after);
                }
            }
        }
        Ok(Box::new(dialer))
    }

    fn dial_changed<'a>(&'a self, change: &'a Change) -> Result<Box<dyn Dial + 'a>, CellError> {
        let by = (Access::ClusterIp, Origin::Pod);
        let (altered, _) = self.losing(change, by, Protocol::Tcp)?;
        let mut dialer = self.dialer(altered.port, by.0, by.1)?;
        dialer.goal.substitute = altered.substitute();
        Ok(Box::new(dialer))
    }

    fn datagrams(&self, change: &Change) -> Result<Box<dyn Datagrams + '_>, CellError> {
        let by = (Access::ClusterIp, Origin::Pod);
        let (altered, leaving) = self.losing(change, by, Protocol::Udp)?;
        let (service, endpoints) = (altered.port, self.answering(altered.port, by.0, by.1));
        let none = || CellError::Skipped("the middle Service has no endpoint".to_owned());
        let pod = self.server(service, &endpoints)?.ok_or_else(none)?;
        let all: Vec<_> = altered.before.union(&altered.after).copied().collect();
        let client = self.origin(by.1);
        Ok(Box::new(Client::reaching(leaving, service.socket(), client, (&all, &pod.namespace))?))
    }

    fn stream(&self, cell: &Cell) -> Result<Box<dyn Stream + '_>, CellError> {
        let (position, access, from) = (cell.position.unwrap_or(Position::First), cell.access, cell.from);
        let service = self.service(position, access, from)?;
        let nothing = || CellError::Skipped(format!("{} {NO_ENDPOINT} send to", service.name()));
        let server = self.server(service, &self.answering(service, access, from))?.ok_or_else(nothing)?;
        let address = self.backend.address(service, access, &self.cluster.node, 0).ok_or_else(nothing)?;
        let (client, server) = (self.origin(from), &server.namespace);
        Ok(Box::new(Iperf3::start(self.runner, client, address, server, self.port(service))?))
    }
}

/// The cluster that a node is loaded with for a run of `plan`, and where its Services come from.
///
/// # Errors
/// `Skipped` if the plan lacks the Services that it repeats.
pub(crate) fn cluster(load: &Load, plan: &Plan) -> Result<(Box<dyn Supply>, Cluster), CellError> {
    let supply: Box<dyn Supply> = match (load.cluster.source, &plan.base) {
        (Source::Generated(mix), _) => Box::new(AddressPlan::new(load.cluster.endpoints).of(mix)),
        (source, Some(base)) if base.source == source => Box::new(Repeated::of(Arc::clone(base))),
        (source, _) => {
            return Err(CellError::Skipped(format!(
                "the Services of {} are not here: they are in {} of the run's folder",
                source.name(),
                Base::FILE
            )));
        }
    };
    let cluster = Cluster::generate(load.cluster.services, &*supply).with_affinity(plan.persistence);
    Ok((supply, cluster))
}

/// The cells of `plan` that are asked of `load`.
fn cells(load: &Load, plan: &Plan) -> impl Iterator<Item = Cell> {
    let here = move |cell: &&Cell| (cell.cluster, cell.variant) == (load.cluster, load.variant);
    plan.cells.iter().filter(here).copied()
}

/// How the cells of `plan` dial the Services of `load`; as usual if none does.
fn dialled(load: &Load, plan: &Plan) -> BTreeSet<(Access, Origin)> {
    let there = cells(load, plan).filter(|cell| cell.position.is_some());
    let dialled: BTreeSet<_> = there.map(|cell| (cell.access, cell.from)).collect();
    if dialled.is_empty() { BTreeSet::from([(Access::default(), Origin::default())]) } else { dialled }
}
