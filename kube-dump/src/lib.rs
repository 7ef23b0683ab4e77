//! A cluster's Services and endpoints, out of what `kubectl get services,endpointslices -A -o json` printed.
//!
//! Pure: text in, values out. What kube-proxy would program for cluster IPs becomes [`Port`]s; everything else that it would
//! program, and that the lab does not simulate, is counted as a [`Feature`]. A crate of its own since the Kubernetes types
//! take longer to compile than all that is made of them.

mod dump;
mod feature;
mod port;
mod slice;

pub use dump::{Dump, Unreadable};
pub use feature::Feature;
pub use port::{Family, Port, Spread};
