//! A cluster's Services and endpoints, out of what `kubectl get services,endpointslices -A -o json` printed.
//!
//! Pure: text in, lab-core's [`Cluster`](lab_core::cluster::Cluster) out. A crate of its own since the Kubernetes types
//! take longer to compile than all that is made of them.

mod dump;
mod service;
mod slice;
mod spread;

pub use dump::{Dump, Unreadable};
pub use spread::Spread;
