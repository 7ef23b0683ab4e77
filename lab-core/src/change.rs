//! The step from one cluster state to the next. A full load is a change from the empty cluster.

use crate::cluster::{Cluster, ServicePort};

/// Two states of a cluster, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What is in force.
    pub before: Cluster,
    /// What is to be.
    pub after: Cluster,
}
