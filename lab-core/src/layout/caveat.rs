//! What a layout does not install of a cluster, or what a tool would refuse of it, found before a run.

use crate::cluster::Cluster;
use std::fmt;

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
