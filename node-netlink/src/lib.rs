//! Asks the kernel for what has no tool of its own: IPVS's servers, a dummy device and the addresses on it.
//!
//! What is asked for are [`Request`](lab_core::layout::Request)s; [`Kernel::apply`] sends them as kube-proxy's libraries
//! would, or many at a time. [`Socket`] and [`message`] know nothing of either, and serve any netlink family.

mod apply;
mod generic;
mod ipvs;
mod kernel;
mod link;
pub mod message;
mod refusal;
mod socket;

pub use apply::{ApplyError, Spent};
pub use kernel::{Counts, Kernel, OpenError};
pub use socket::{Answer, Socket, SocketError};
