//! What a layout does not install of a cluster, or what a tool would refuse of it, found before a run.

use super::ServerKey;
use crate::cluster::{Cluster, Family, Service, ServicePort};
use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// One thing about one object of a cluster that a layout cannot install as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caveat {
    /// How bad it is.
    pub severity: Severity,
    /// The object: `Service default/testsvc`, `set KUBE-CLUSTER-IP`.
    pub object: String,
    /// What is the matter, and what kube-proxy does with it.
    pub what: String,
}

impl Caveat {
    /// The Services whose names Kubernetes forbids. No mode installs them: the tools would read them as something else.
    #[must_use]
    pub fn of_names(cluster: &Cluster) -> Vec<Self> {
        let forbidden = |service: &crate::cluster::Service| {
            let name = service.forbidden_name()?;
            let what = format!(
                "its name {name:?} is none that Kubernetes allows, and a tool would take it for something else; it is not \
                 installed"
            );
            let object = format!("Service {}/{}", service.namespace.escape_debug(), service.name.escape_debug());
            Some(Self { severity: Severity::Refused, object, what })
        };
        cluster.services.iter().filter_map(|service| forbidden(service)).collect()
    }

    /// The Services that want an address, protocol and port which another one has already, with the `effect` of that.
    /// Node ports are those of `nodes`: the unspecified address stands for any.
    pub(super) fn of_shared(
        cluster: &Cluster,
        family: Family,
        nodes: &[IpAddr],
        (severity, effect): (Severity, &str),
    ) -> Vec<Self> {
        let mut found = Vec::new();
        let mut owners: HashMap<ServerKey, &Service> = HashMap::new();
        for port in cluster.ports(family) {
            for address in published(port, nodes) {
                let key = ServerKey { protocol: port.protocol(), address };
                let owner = *owners.entry(key).or_insert(port.service);
                if owner.key() != port.service.key() {
                    let place = if address.ip().is_unspecified() {
                        format!("node port {}", address.port())
                    } else {
                        address.to_string()
                    };
                    let (protocol, owner) = (key.protocol.name(), object_of(owner));
                    let what = format!("{protocol} {place} belongs to {owner}, too; {effect}");
                    found.push(Self { severity, object: object_of(port.service), what });
                }
            }
        }
        found
    }
}

/// `Service default/web`.
pub(super) fn object_of(service: &Service) -> String {
    format!("Service {}/{}", service.namespace, service.name)
}

/// Where a port can be reached.
fn published(port: ServicePort<'_>, nodes: &[IpAddr]) -> Vec<SocketAddr> {
    let number = port.socket().port();
    let addresses = port.external_ips().chain(port.balancer_addresses());
    let own = std::iter::once(port.socket()).chain(addresses.map(|address| SocketAddr::new(address, number)));
    let on_nodes = port.node_port().into_iter().flat_map(|number| nodes.iter().map(move |&node| (node, number).into()));
    own.chain(on_nodes).collect()
}

/// What a caveat does to a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The object or a part of it is left out. Everything else is installed.
    LeftOut,
    /// A tool refuses it, and with it the whole sync: no Service of the node is programmed any more.
    Refused,
}

/// By object: `Service default/testsvc: ...`.
impl fmt::Display for Caveat {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.object, self.what)
    }
}
