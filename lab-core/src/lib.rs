//! The pure part of svclab: what a run is made of and what its numbers mean.
//!
//! No processes, sockets, files or clock: everything here can be printed, compared and tested without privileges.

pub mod axes;
pub mod cell;
pub mod change;
pub mod cluster;
pub mod dataset;
pub mod document;
pub mod encoding;
pub mod foreign;
pub mod json;
pub mod kube_proxy;
pub mod layout;
pub mod metric;
pub mod node;
pub mod path;
pub mod plan;
pub mod profile;
pub mod proxy_config;
pub mod reference;
pub mod scenario;
pub mod shard;
pub mod shell;
pub mod slowdown;
pub mod stats;
pub mod units;
pub mod vocabulary;
