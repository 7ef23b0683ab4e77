//! The Linux part of svclab: private namespaces to run in, nodes and pods made of them, and facts about the host.
//!
//! Everything here is undone by the kernel when the process dies, however it dies. Nothing outside the enclosure is
//! written to: no rule, device, mount or file of the host.

pub mod enclosure;
pub mod facts;
pub mod namespace;
pub mod topology;
mod wiring;

pub use enclosure::{Inside, Side, check, enter};
pub use namespace::{Namespace, raise_loopback};
pub use topology::{Delivery, Node, Pod, Server, Wiring};
