//! What a layout does not install of a cluster, or what a tool would refuse of it, found before a run.

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
