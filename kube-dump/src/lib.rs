//! Reads a cluster's Services and endpoints from the output of `kubectl get services,endpointslices -A -o json`.
//!
//! Pure: text in, lab-core's [`Cluster`](lab_core::cluster::Cluster) out. It is a crate of its own because the Kubernetes
//! types take long to compile.

mod dump;
mod field;
mod service;
mod slice;
mod spread;

pub use dump::{Dump, Unreadable};
pub use spread::Spread;
