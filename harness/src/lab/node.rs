//! The lab on this kernel: a node with its pods in namespaces, programmed, counted and verified.

use super::iperf3::Iperf3;
use super::traffic::{Dialer, Echo, Goal};
use super::{Dial, Lab, Stream};
use crate::backend::{self, Backend, Options};
use crate::cell_error::CellError;
use crate::driver::{self, Driver, Loaded};
use crate::meter;
use crate::tool::Runner;
use crate::tool::place::Place;
use anyhow::Context;
use lab_core::cell::Load;
use lab_core::cluster::{
    AddressPlan, CLIENT_ADDRESS, Cluster, ENDPOINT_PORT, Endpoint, Family, NODE_ADDRESS, SERVICE_PORT, SERVICE_RANGE,
    ServicePort,
};
use lab_core::plan::Plan;
use lab_core::vocabulary::{Forwarding, Position, ProbeName, Word};
use netns_topology::{Delivery, Namespace, Node, Pod, Server, Wiring};
use std::collections::BTreeSet;
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long to wait for the machine to become quiet after a node was removed: about as long as programming it took.
const SETTLE: Duration = Duration::from_secs(10);
/// As above, for small loads.
const SETTLE_LEAST: Duration = Duration::from_millis(300);
/// How many budgets a load may take that is not measured.
const QUICK: u32 = 3;

/// A node with its pods, programmed and verified.
pub(crate) struct NodeLab {
    pub(crate) backend: &'static dyn Backend,
    pub(crate) cluster: Arc<Cluster>,
    runner: &'static dyn Runner,
    driver: Box<dyn Driver>,
    /// Makes the driver of another node with the same load.
    another: Box<dyn Fn() -> Box<dyn Driver> + Send + Sync>,
    addresses: AddressPlan,
    node: Node,
    /// How packets arrive: rewritten, unchanged or tunnelled.
    delivery: Delivery,
    first_load: FirstLoad,
    /// Whether successive connections reach every endpoint.
    spreads: bool,
}

/// The load that brought the lab up, until a probe reports it.
#[derive(Debug, Clone, PartialEq)]
enum FirstLoad {
    /// It was measured.
    Owed(Loaded),
    /// It ran out of time. The node was then loaded in the quickest way.
    OverBudget(CellError),
    /// It was not measured, or a probe has reported it.
    Done,
}

impl FirstLoad {
    /// Loads the node that `build` makes, `measured` or in the quickest way.
    fn of<N: Place>(
        driver: &dyn Driver,
        cluster: &Cluster,
        measured: bool,
        budget: Duration,
        build: impl Fn() -> anyhow::Result<N>,
    ) -> Result<(N, Self), CellError> {
        let node = build()?;
        if !measured {
            driver.quick_install(&node, cluster, QUICK * budget)?;
            return Ok((node, Self::Done));
        }
        match driver.install(&node, cluster, budget) {
            Ok(loaded) => Ok((node, Self::Owed(loaded))),
            Err(error @ CellError::OverBudget(_)) => {
                drop(node);
                let node = build()?;
                // If both time out, report the measured load's error.
                driver.quick_install(&node, cluster, QUICK * budget).map_err(|_| error.clone())?;
                Ok((node, Self::OverBudget(error)))
            }
            Err(error) => Err(error),
        }
    }
}

impl NodeLab {
    /// Builds a node with pods, loads it for a run of `plan` and verifies that its Services answer.
    pub(crate) fn bring_up(
        load: &Load,
        plan: &Plan,
        make: driver::Make,
        runner: &'static dyn Runner,
    ) -> Result<Self, CellError> {
        let addresses = AddressPlan::new(load.cluster.endpoints);
        let options = Options::of(load, plan);
        let (scheduler, forwarding) = options.variant.settings.ipvs();
        let delivery = delivery(forwarding);
        let build = || Node::build(&wiring(&addresses, delivery)).context("building the node and its pods");
        let cluster = Cluster::generate(load.cluster.services, &addresses).with_affinity(plan.persistence);
        let cluster = Arc::new(cluster);
        let another = {
            let (load, plan) = (*load, Plan { cells: Vec::new(), ..plan.clone() });
            Box::new(move || make(&load, &plan, runner))
        };
        let driver = another();
        let measured = load.only.is_none_or(|probe| probe == ProbeName::SyncFull);
        let (node, first_load) = FirstLoad::of(&*driver, &cluster, measured, plan.budget, build)?;
        let spreads = scheduler.spreads() && plan.persistence.is_none();
        let backend = backend::named(load.variant.backend);
        let lab = Self { backend, cluster, runner, driver, another, addresses, node, delivery, first_load, spreads };
        lab.verify()?;
        Ok(lab)
    }

    /// How long the load took that brought the lab up, if no probe has reported it yet.
    pub(crate) fn first_load_took(&self) -> Duration {
        match &self.first_load {
            FirstLoad::Owed(load) => load.cost.wall,
            FirstLoad::OverBudget(_) | FirstLoad::Done => Duration::ZERO,
        }
    }

    /// The Service at `position`.
    fn service(&self, position: Position) -> Result<ServicePort<'_>, CellError> {
        let service = self.cluster.port_at(position, Family::V4);
        service.ok_or_else(|| CellError::Failed("the cluster has no Service with an IPv4 cluster IP".to_owned()))
    }

    fn client(&self) -> &Pod {
        self.node.client().expect("a lab's node is built with a client pod")
    }

    /// The pod with the endpoints of `service`.
    fn server(&self, service: ServicePort<'_>) -> Result<&Pod, CellError> {
        let pod = service.endpoints().find_map(|endpoint| self.addresses.server_pod(endpoint.address));
        let pod = pod.and_then(|pod| self.node.servers().get(pod as usize));
        pod.ok_or_else(|| CellError::Failed(format!("{} has no endpoint in a pod of the lab", service.name())))
    }

    /// The port that servers listen on.
    fn port(&self) -> u16 {
        match self.delivery {
            Delivery::Rewritten => ENDPOINT_PORT,
            Delivery::Unaltered(_) | Delivery::Tunnelled(_) => SERVICE_PORT,
        }
    }

    /// Starts the server of the Service at `position`, and returns what opens connections to it.
    fn dialer(&self, position: Position) -> Result<Dialer<'_, impl Fn(usize) -> Option<SocketAddr> + Sync>, CellError> {
        let service = self.service(position)?;
        let reached = match self.delivery {
            Delivery::Rewritten => service.endpoints().map(Endpoint::socket).collect(),
            Delivery::Unaltered(_) | Delivery::Tunnelled(_) => vec![service.socket()],
        };
        let pod = self.server(service)?;
        let echo = Echo::start(pod, self.port())?;
        let goal = Goal { reached, pod: pod.address };
        Ok(Dialer::new(service.name(), goal, move |attempt| self.backend.address(service, attempt)).with(echo))
    }

    /// Every namespace of the lab: the node's, then the pods'.
    pub(crate) fn namespaces(&self) -> impl Iterator<Item = &Namespace> {
        let pods = self.node.client().into_iter().chain(self.node.servers());
        std::iter::once(self.node.namespace()).chain(pods.map(|pod| &pod.namespace))
    }

    /// Checks that the first, middle and last Service are answered by their own endpoints. If the backend spreads
    /// connections over endpoints, all of them must answer.
    fn verify(&self) -> Result<(), CellError> {
        Position::ALL.iter().try_for_each(|&position| {
            let dialer = self.dialer(position)?;
            self.client().namespace.visit(|| self.verify_service(position, &dialer))
        })
    }

    /// In the client pod.
    fn verify_service<A: Fn(usize) -> Option<SocketAddr> + Sync>(
        &self,
        position: Position,
        dialer: &Dialer<'_, A>,
    ) -> Result<(), CellError> {
        let mut silent: BTreeSet<_> = dialer.goal.reached.iter().copied().collect();
        let attempts = attempts(silent.len());
        for attempt in 0..attempts {
            silent.remove(&dialer.dial(attempt, &mut || {})?.reached);
            if silent.is_empty() || !self.spreads {
                return Ok(());
            }
        }
        let silent = silent.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let name = self.service(position)?.name();
        Err(CellError::Failed(format!(
            "the {position} Service, {name}, was never answered by {silent} in {attempts} connections"
        )))
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

    fn addresses(&self) -> &AddressPlan {
        &self.addresses
    }

    fn full_load(&mut self, limit: Duration) -> Result<Loaded, CellError> {
        match mem::replace(&mut self.first_load, FirstLoad::Done) {
            FirstLoad::Owed(loaded) => return Ok(loaded),
            FirstLoad::OverBudget(error) => return Err(error),
            FirstLoad::Done => {}
        }
        let empty = Node::bare(NODE_ADDRESS).context("making an empty node")?;
        let load = (self.another)().install(&empty, &self.cluster, limit);
        drop(empty);
        let took = load.as_ref().map_or(SETTLE, |load| load.cost.wall);
        meter::settle(took.clamp(SETTLE_LEAST, SETTLE))?;
        load
    }

    fn client(&self) -> &dyn Place {
        &self.client().namespace
    }

    fn dial(&self, position: Position) -> Result<Box<dyn Dial + '_>, CellError> {
        Ok(Box::new(self.dialer(position)?))
    }

    fn stream(&self, position: Position) -> Result<Box<dyn Stream + '_>, CellError> {
        let service = self.service(position)?;
        let (client, server) = (&self.client().namespace, &self.server(service)?.namespace);
        let address = self.backend.address(service, 0).context("a Service with a server has an endpoint")?;
        Ok(Box::new(Iperf3::start(self.runner, client, address, server, self.port())?))
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

/// How many connections it takes until each of `endpoints` has answered, in all but one case in a billion. Each must be
/// picked with the same probability: E·(1 − 1/E)^n < 1e-9 for n = E·(ln E + 21).
fn attempts(endpoints: usize) -> usize {
    let endpoints = endpoints.max(1) as f64;
    (endpoints * (endpoints.ln() + 21.0)).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::fake::Fake;
    use crate::tool::place::Here;

    fn over(what: &str) -> CellError {
        CellError::OverBudget(what.to_owned())
    }

    /// The first load with a driver that ends as `script` says, and what it did.
    fn first(
        measured: bool,
        script: fn(&str, usize) -> Result<(), CellError>,
    ) -> (Result<FirstLoad, CellError>, String) {
        let fake = Fake::of(script);
        let load = FirstLoad::of(&fake, &fake.cluster, measured, Duration::from_secs(9), || Ok(Here));
        (load.map(|(_, load)| load), fake.done())
    }

    #[test]
    fn a_first_load_is_owed_to_the_probe_that_reports_it() {
        let (load, done) = first(true, |_, _| Ok(()));
        assert!(matches!(load, Ok(FirstLoad::Owed(_))), "{load:?}");
        assert_eq!(done, "prepare load count");
        assert_eq!(first(false, |_, _| Ok(())), (Ok(FirstLoad::Done), "quick_install".to_owned()));
    }

    #[test]
    fn a_first_load_out_of_time_is_reported_and_the_node_is_loaded_all_the_same() {
        let (load, done) = first(true, |what, _| if what == "load" { Err(over("slow")) } else { Ok(()) });
        assert_eq!(load, Ok(FirstLoad::OverBudget(over("slow"))));
        assert_eq!(done, "prepare load quick_install");
        let both = |what: &str, _| if what == "prepare" { Ok(()) } else { Err(over(what)) };
        assert_eq!(first(true, both).0, Err(over("load")));
    }

    #[test]
    fn a_first_load_that_fails_brings_no_lab_up() {
        let failed = |what: &str, _| if what == "count" { Err(CellError::Failed("47".to_owned())) } else { Ok(()) };
        assert_eq!(first(true, failed), (Err(CellError::Failed("47".to_owned())), "prepare load count".to_owned()));
    }
}
