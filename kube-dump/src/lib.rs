//! Reads a cluster's Services and endpoints from what people have of it: the output of
//! `kubectl get services,endpointslices -A -o json` in JSON or YAML, whole, in parts, or out of a support bundle.
//!
//! Pure: bytes in, lab-core's [`Cluster`](lab_core::cluster::Cluster) out. It is a crate of its own because the Kubernetes
//! types take long to compile.

mod address;
mod anonymous;
mod conflict;
mod document;
mod dump;
mod field;
mod gathered;
mod input;
mod item;
mod listing;
mod node;
mod note;
mod reader;
mod service;
mod slice;
mod spread;
mod subset;
mod unreadable;
mod yaml;

pub use dump::Dump;
pub use input::{Input, Origin};
pub use note::Note;
pub use spread::Spread;
pub use unreadable::{Problem, Unreadable};
