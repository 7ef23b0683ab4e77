//! Programs the kernel by netlink where kube-proxy does: IPVS servers, a dummy device and its addresses.
//!
//! [`Kernel::apply`] sends [`Request`](lab_core::layout::Request)s, one at a time as kube-proxy's libraries do, or in
//! batches. [`Socket`] and [`message`] work with any netlink family.

mod apply;
mod binding;
mod counter;
mod generic;
mod ipvs;
mod kernel;
mod link;
pub mod message;
mod refusal;
mod socket;
pub mod untrusted;

pub use apply::{ApplyError, Spent};
pub use binding::Binder;
pub use counter::{add_counter, has_counters};
pub use kernel::{Counts, Kernel, OpenError};
pub use socket::{Answer, Socket, SocketError};
