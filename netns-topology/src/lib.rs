//! The Linux part of svclab: private namespaces to run in, nodes and pods made of them, and facts about the host.
//!
//! Everything here is undone by the kernel when the process dies, however it dies. Nothing outside the sandbox is
//! written to: no rule, device, mount or file of the host.

pub mod facts;
pub mod namespace;
pub mod node;
mod outside;
pub mod sandbox;
pub mod topology;
mod wiring;

pub use namespace::{Namespace, raise_loopback};
pub use node::Node;
pub use sandbox::{Ended, Inside, Side, check, enter};
pub use topology::{Addresses, Delivery, Outside, Pod, Server, Wiring};
