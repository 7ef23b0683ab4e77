//! An API server small enough for a lab and true enough for kube-proxy and kubectl: a lab-core
//! [`Cluster`](lab_core::cluster::Cluster) listed and watched over HTTP, and changed by a
//! [`Change`](lab_core::change::Change).
//!
//! It knows nothing of Linux: a listening socket is handed in, and serves where it was made. It does not authenticate, and
//! stores nothing that clients write.

mod body;
mod desk;
mod discovery;
mod list;
mod objects;
mod request;
mod resource;
mod route;
mod selector;
mod served;
mod server;
mod site;
mod status;
mod store;
mod table;
mod watch;

pub use desk::Desk;
pub use objects::{Objects, Stage};
pub use resource::Resource;
pub use served::{Asked, Refused, Served, Way};
pub use server::Server;
pub use site::{Settings, Watching};
