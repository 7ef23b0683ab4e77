//! A lab: a node with its pods, programmed by one backend with one cluster, loaded, counted and verified.

pub(crate) mod labs;
pub(crate) mod traffic;

use crate::backend::{self, Backend, Options};
use crate::cell_error::CellError;
use crate::lab::traffic::{Dialer, Echo, Goal};
use crate::meter;
use crate::process::clock;
use crate::process::interrupt;
use crate::programmer::{Loaded, Programmer};
use crate::tool::Runner;
use anyhow::Context;
use lab_core::cell::Load;
use lab_core::cluster::{
    AddressPlan, CLIENT_ADDRESS, Cluster, ENDPOINT_PORT, NODE_ADDRESS, SERVICE_PORT, SERVICE_RANGE, ServicePort,
};
use lab_core::plan::Plan;
use lab_core::vocabulary::{Forwarding, Position, ProbeName, Word};
use netns_topology::{Delivery, Namespace, Node, Pod, Server, Wiring};
use std::collections::BTreeSet;
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long to wait for the machine to become quiet after a node was taken down: about as long as it took to program.
const SETTLE: Duration = Duration::from_secs(10);
/// As above, for small loads.
const SETTLE_LEAST: Duration = Duration::from_millis(300);
/// Budgets that a load may take that is not measured.
const QUICK: u32 = 3;

/// A node with its pods, programmed and verified.
pub(crate) struct Lab {
    pub(crate) backend: &'static dyn Backend,
    pub(crate) runner: &'static dyn Runner,
    /// `None` for a backend that installs nothing.
    pub(crate) programmer: Option<Programmer>,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) addresses: AddressPlan,
    node: Node,
    /// As what packets reach the server pods.
    delivery: Delivery,
    /// The load that brought the lab up, or was to, until a probe reports it.
    first_load: Option<Result<Loaded, CellError>>,
    /// Whether connections one after the other reach every endpoint.
    spreads: bool,
    /// Planted into the cell that is being measured: see [`Programmer::slowed`].
    pub(crate) delay: Duration,
}

impl Lab {
    /// Builds a node with pods, loads it for a run of `plan` and verifies that its Services answer. `delay` is planted
    /// into the load, which is a sample of `sync_full`.
    pub(crate) fn bring_up(
        load: &Load,
        plan: &Plan,
        delay: Duration,
        runner: &'static dyn Runner,
    ) -> Result<Self, CellError> {
        let addresses = AddressPlan::new(load.cluster.endpoints);
        let options = Options::of(load, plan);
        let (scheduler, forwarding) = options.variant.settings.ipvs();
        let delivery = delivery(forwarding);
        let build = || Node::build(&wiring(&addresses, delivery)).context("building the node and its pods");
        let cluster = Arc::new(Cluster::generate(load.cluster.services, &addresses));
        let backend = backend::named(load.variant.backend);
        let programmer = Programmer::new(backend, &options, runner);
        let mut node = build()?;
        let mut first_load = None;
        if let Some(programmer) = &programmer {
            let measured = load.only.is_none_or(|probe| probe == ProbeName::SyncFull);
            let loaded = measured.then(|| programmer.slowed(delay).load(node.namespace(), &cluster, plan.budget));
            if let None | Some(Err(CellError::OverBudget(_))) = loaded {
                // It can be asked all the same, whatever the load that would be measured takes.
                node = build()?;
                let quick = programmer.quick_load(node.namespace(), &cluster, QUICK * plan.budget);
                // Where both run out of time, the one that would be measured says more.
                quick
                    .map_err(|ended| loaded.as_ref().and_then(|load| load.as_ref().err()).cloned().unwrap_or(ended))?;
            }
            first_load = match loaded {
                Some(Err(ended @ CellError::OverBudget(_))) => Some(Err(ended)),
                loaded => loaded.transpose()?.map(Ok),
            };
        }
        let spreads = scheduler.spreads() && options.persistence.is_none();
        let delay = Duration::ZERO;
        let lab = Self { backend, runner, programmer, cluster, addresses, node, delivery, first_load, spreads, delay };
        lab.verify()?;
        Ok(lab)
    }

    /// What programs the node while that is measured; `None` for a backend that installs nothing.
    pub(crate) fn programmer(&self) -> Option<Programmer> {
        self.programmer.as_ref().map(|programmer| programmer.slowed(self.delay))
    }

    /// The node's own namespace, where the rules are.
    pub(crate) fn node(&self) -> &Namespace {
        self.node.namespace()
    }

    /// How long the load took that brought the lab up, if no probe has reported it yet.
    pub(crate) fn first_load_took(&self) -> Duration {
        self.first_load.as_ref().and_then(|load| load.as_ref().ok()).map_or(Duration::ZERO, |load| load.cost.wall)
    }

    /// Loads the whole cluster into an empty node, or gives the load that brought the lab up if it was not given yet.
    pub(crate) fn full_load(&mut self, programmer: &Programmer, limit: Duration) -> Result<Loaded, CellError> {
        if let Some(load) = self.first_load.take() {
            return load;
        }
        let empty = Node::bare(NODE_ADDRESS).context("making an empty node")?;
        let load = programmer.load(empty.namespace(), &self.cluster, limit);
        drop(empty);
        let took = load.as_ref().map_or(SETTLE, |load| load.cost.wall);
        meter::settle(took.clamp(SETTLE_LEAST, SETTLE))?;
        load
    }

    /// The Service at `position`.
    pub(crate) fn service(&self, position: Position) -> &ServicePort {
        &self.cluster.services[self.index(position) as usize]
    }

    fn index(&self, position: Position) -> u32 {
        position.index(u32::try_from(self.cluster.services.len()).unwrap_or(u32::MAX))
    }

    /// The pod that traffic comes from.
    pub(crate) fn client(&self) -> &Pod {
        self.node.client().expect("a lab's node is built with a client pod")
    }

    /// The pod behind the Service at `position`.
    pub(crate) fn server(&self, position: Position) -> &Pod {
        &self.node.servers()[self.addresses.server_pod(self.index(position)) as usize]
    }

    /// The port that servers listen on.
    pub(crate) fn port(&self) -> u16 {
        match self.delivery {
            Delivery::Rewritten => ENDPOINT_PORT,
            Delivery::Unaltered(_) | Delivery::Tunnelled(_) => SERVICE_PORT,
        }
    }

    /// The server behind the Service at `position`, started.
    pub(crate) fn echo(&self, position: Position) -> Result<Echo, CellError> {
        Ok(Echo::start(self.server(position), self.port())?)
    }

    /// What opens connections to the Service at `position`.
    pub(crate) fn dialer(&self, position: Position) -> Dialer<'_, impl Fn(usize) -> SocketAddrV4> {
        let service = self.service(position);
        let reached = match self.delivery {
            Delivery::Rewritten => service.endpoints.clone(),
            Delivery::Unaltered(_) | Delivery::Tunnelled(_) => {
                vec![SocketAddrV4::new(service.cluster_ip, service.port)]
            }
        };
        let goal = Goal { reached, pod: self.server(position).address };
        Dialer::new(service, goal, |attempt| self.backend.address(service, attempt))
    }

    /// Every namespace of the lab: the node's, then the pods'.
    pub(crate) fn namespaces(&self) -> impl Iterator<Item = &Namespace> {
        let pods = self.node.client().into_iter().chain(self.node.servers());
        std::iter::once(self.node.namespace()).chain(pods.map(|pod| &pod.namespace))
    }

    /// Whether the first, middle and last Service are answered by endpoints of theirs, and by all of them where the
    /// backend spreads connections over them and they can be told apart.
    fn verify(&self) -> Result<(), CellError> {
        Position::ALL.iter().try_for_each(|&position| {
            let _echo = self.echo(position)?;
            self.client().namespace.visit(|| self.verify_service(position))
        })
    }

    /// In the client pod.
    fn verify_service(&self, position: Position) -> Result<(), CellError> {
        let dialer = self.dialer(position);
        let mut silent: BTreeSet<_> = dialer.goal.reached.iter().copied().collect();
        let attempts = attempts(silent.len());
        for attempt in 0..attempts {
            if interrupt::requested() {
                return Err(CellError::Interrupted);
            }
            silent.remove(&dialer.dial(attempt)?.reached);
            if silent.is_empty() || !self.spreads {
                return Ok(());
            }
        }
        let silent = silent.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let name = &self.service(position).name;
        Err(CellError::Failed(format!(
            "the {position} Service, {name}, was never answered by {silent} in {attempts} connections"
        )))
    }
}

fn delivery(forwarding: Forwarding) -> Delivery {
    match forwarding {
        Forwarding::Masquerading => Delivery::Rewritten,
        Forwarding::DirectRouting => Delivery::Unaltered(SERVICE_RANGE),
        Forwarding::Tunnel => Delivery::Tunnelled(SERVICE_RANGE),
    }
}

fn wiring(addresses: &AddressPlan, delivery: Delivery) -> Wiring {
    let server = |pod| Server { address: addresses.server_address(pod), block: addresses.block(pod) };
    let servers = (0..addresses.server_pods).map(server).collect();
    Wiring { node_address: NODE_ADDRESS, client: CLIENT_ADDRESS, servers, delivery }
}

/// Connections within which every one of `endpoints` answers, but for one case in a billion, if each is picked with
/// the same probability: E·(1 − 1/E)^n < 1e-9 for n = E·(ln E + 21).
fn attempts(endpoints: usize) -> usize {
    let endpoints = endpoints.max(1) as f64;
    (endpoints * (endpoints.ln() + 21.0)).ceil() as usize
}

/// What is left of `limit` since `start`; an error when nothing is.
pub(crate) fn left(start: Instant, limit: Duration) -> Result<Duration, CellError> {
    let left = limit.saturating_sub(start.elapsed());
    if left.is_zero() {
        return Err(CellError::OverBudget(format!("the budget of {} was spent", clock::spell(limit))));
    }
    Ok(left)
}
