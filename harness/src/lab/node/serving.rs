//! Who serves what a cell dials: the Service, its endpoints, their pod, and the server there.

use super::NodeLab;
use crate::cell_error::CellError;
use crate::lab::echo::Echo;
use crate::lab::traffic::{Dialer, Goal};
use lab_core::cell::Cell;
use lab_core::change::{Change, Step};
use lab_core::cluster::{ENDPOINT_PORT, Endpoint, ServicePort};
use lab_core::vocabulary::{Access, BackendName, Origin, Position};
use netns_topology::{Delivery, Namespace, Pod};
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, Weak};

impl NodeLab {
    /// The Services that are reached so, in the order in which a packet is tried against them.
    pub(super) fn services(&self, access: Access, from: Origin) -> Result<Vec<ServicePort<'_>>, CellError> {
        let mut ports = self.cluster.ports_by(access, from, self.family);
        if let Some(order) = self.driver.order(&self.node)? {
            let place = |port: &ServicePort<'_>| order.get(&port.address_by(access, &self.cluster.node)?).copied();
            ports.sort_by_key(|port| place(port).unwrap_or(usize::MAX));
        }
        Ok(ports)
    }

    /// The Service at `position` among those that are reached so.
    pub(super) fn service(
        &self,
        position: Position,
        access: Access,
        from: Origin,
    ) -> Result<ServicePort<'_>, CellError> {
        at(position, &self.services(access, from)?, access, from)
    }

    /// Where connections from `from` are opened.
    pub(super) fn origin(&self, from: Origin) -> &Namespace {
        match from {
            Origin::Pod => &self.node.client().expect("a lab's node is built with a client pod").namespace,
            Origin::Node => self.node.namespace(),
            Origin::Outside => &self.node.outside().expect("it is built where a cell is dialled from there").namespace,
        }
    }

    /// The endpoints that may answer.
    pub(super) fn answering<'a>(&self, service: ServicePort<'a>, access: Access, from: Origin) -> Vec<&'a Endpoint> {
        match self.backend.name() {
            BackendName::Direct => service.endpoints().collect(),
            backend => service.answering(access, from, &self.cluster.node, (backend, self.layout)),
        }
    }

    /// The pod with `endpoints`, those of `service`; `None` without any.
    pub(super) fn server(&self, service: ServicePort<'_>, endpoints: &[&Endpoint]) -> Result<Option<&Pod>, CellError> {
        let Some(endpoint) = endpoints.first() else { return Ok(None) };
        let pod =
            self.supply.addresses().server_pod(endpoint.address).and_then(|pod| self.node.servers().get(pod as usize));
        let none = || CellError::Failed(format!("{} has no endpoint in a pod of the lab", service.name()));
        pod.ok_or_else(none).map(Some)
    }

    /// The endpoints of `service` that are there only after an endpoint was replaced, as churn does it.
    pub(super) fn replaced(&self, service: ServicePort<'_>, cell: &Cell) -> Vec<SocketAddr> {
        let change = Change::replacing_endpoint(&self.cluster, &*self.supply);
        let after = change.ports(service.family()).into_iter().find_map(|step| match step {
            Step::Altered { before, after } if before.socket() == service.socket() => Some(after),
            _ => None,
        });
        let answering = |port| self.answering(port, cell.access, cell.from).into_iter().map(Endpoint::socket).collect();
        after.map(answering).unwrap_or_default()
    }

    /// The server in `pod` on `port`: one for all that dial it.
    pub(super) fn echo(&self, pod: &Pod, port: u16) -> anyhow::Result<Arc<Echo>> {
        let mut echoes = self.echoes.lock().unwrap_or_else(PoisonError::into_inner);
        echoes.retain(|_, echo| echo.strong_count() > 0);
        if let Some(running) = echoes.get(&(pod.address.v4, port)).and_then(Weak::upgrade) {
            return Ok(running);
        }
        let echo = Arc::new(Echo::start(pod, port)?);
        echoes.insert((pod.address.v4, port), Arc::downgrade(&echo));
        Ok(echo)
    }

    /// The port that the servers of `service` listen on.
    pub(super) fn port(&self, service: ServicePort<'_>) -> u16 {
        match self.delivery {
            Delivery::Rewritten => service.endpoints().next().map_or(ENDPOINT_PORT, |endpoint| endpoint.port),
            Delivery::Unaltered(_) | Delivery::Tunnelled(_) => service.port.number,
        }
    }

    /// Starts the server of `service`, and returns what opens connections to it.
    pub(super) fn dialer<'a>(
        &'a self,
        service: ServicePort<'a>,
        access: Access,
        from: Origin,
    ) -> Result<Dialer<'a, impl Fn(usize) -> Option<SocketAddr> + Sync>, CellError> {
        let endpoints = self.answering(service, access, from);
        let reached = match self.delivery {
            _ if endpoints.is_empty() => Vec::new(),
            Delivery::Rewritten => endpoints.iter().map(|endpoint| endpoint.socket()).collect(),
            Delivery::Unaltered(_) | Delivery::Tunnelled(_) => vec![service.socket()],
        };
        let pod = self.server(service, &endpoints)?;
        let local = service.is_external_local() && access != Access::ClusterIp && from == Origin::Outside;
        let client = local.then(|| from.address(service.family()));
        let goal = Goal { reached, pod: pod.map(|pod| pod.address.v4), client };
        let address = move |attempt| self.backend.address(service, access, &self.cluster.node, attempt);
        let dialer = Dialer::new(service.name(), goal, address);
        Ok(match pod {
            Some(pod) => dialer.with(self.echo(pod, self.port(service))?),
            None => dialer,
        })
    }
}

/// The one at `position` among `services`, which `access` from `from` reaches.
pub(super) fn at<'a>(
    position: Position,
    services: &[ServicePort<'a>],
    access: Access,
    from: Origin,
) -> Result<ServicePort<'a>, CellError> {
    position.among(services).copied().ok_or_else(|| {
        CellError::Failed(format!("the cluster has no TCP Service that {access} {} reaches", from.phrase()))
    })
}
