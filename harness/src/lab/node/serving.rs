//! Who serves what a cell dials: the Service, its endpoints, their pod, and the server there.

use super::NodeLab;
use crate::cell_error::CellError;
use crate::lab::echo::Echo;
use crate::lab::goal::{Goal, Substitute};
use crate::lab::traffic::Dialer;
use lab_core::change::{Change, Step};
use lab_core::cluster::{ENDPOINT_PORT, Endpoint, Protocol, ServicePort};
use lab_core::vocabulary::{Access, BackendName, Origin, Position};
use netns_topology::{Delivery, Namespace, Pod};
use std::collections::BTreeSet;
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

    /// The first port that `change` alters of those that are `wanted`, with who answers before and after it.
    pub(super) fn altered<'a>(
        &self,
        change: &'a Change,
        (access, from): (Access, Origin),
        wanted: impl Fn(ServicePort<'a>) -> bool,
    ) -> Option<Altered<'a>> {
        let (before, after) = change.ports(self.family).find_map(|step| match step {
            Step::Altered { before, after } if wanted(before) => Some((before, after)),
            _ => None,
        })?;
        let sockets = |port| self.answering(port, access, from).into_iter().map(Endpoint::socket).collect();
        Some(Altered { port: before, before: sockets(before), after: sockets(after) })
    }

    /// The port of `protocol` that `change` takes an endpoint from, reached `by`, and that endpoint.
    ///
    /// # Errors
    /// `Skipped` if it takes none that packets tell from the others.
    pub(super) fn losing<'a>(
        &self,
        change: &'a Change,
        by: (Access, Origin),
        protocol: Protocol,
    ) -> Result<(Altered<'a>, SocketAddr), CellError> {
        let skipped = |why: &str| CellError::Skipped(why.to_owned());
        let altered = self.altered(change, by, |port| port.protocol() == protocol);
        let altered = altered
            .ok_or_else(|| skipped(&format!("the middle Service is not of {}", protocol.name().to_uppercase())))?;
        if !matches!(self.delivery, Delivery::Rewritten) {
            return Err(skipped("endpoints are told apart by their addresses, which packets do not have here"));
        }
        let leaving = altered.leaving();
        let leaving = leaving.ok_or_else(|| skipped("the middle Service has no endpoint that goes away"))?;
        Ok((altered, leaving))
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
        let goal = Goal { reached, substitute: None, pod: pod.map(|pod| pod.address.v4), client };
        let address = move |attempt| self.backend.address(service, access, &self.cluster.node, attempt);
        let dialer = Dialer::new(service.name(), goal, address);
        Ok(match pod {
            Some(pod) => dialer.with(self.echo(pod, self.port(service))?),
            None => dialer,
        })
    }
}

/// A Service's port whose endpoints change.
pub(super) struct Altered<'a> {
    /// As it was.
    pub(super) port: ServicePort<'a>,
    pub(super) before: BTreeSet<SocketAddr>,
    pub(super) after: BTreeSet<SocketAddr>,
}

impl Altered<'_> {
    /// An endpoint that goes away.
    pub(super) fn leaving(&self) -> Option<SocketAddr> {
        self.before.difference(&self.after).next().copied()
    }

    /// The one that goes away and the one that comes, if it is one for one.
    pub(super) fn substitute(&self) -> Option<Substitute> {
        let coming = self.after.difference(&self.before).next().copied();
        Some(Substitute { leaving: self.leaving()?, coming: coming? })
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
