//! The node that is programmed, as kube-proxy knows it.

use super::NODE_ADDRESS;
use super::family::Family;
use std::net::IpAddr;

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name: endpoints of this node are local.
    pub name: String,
    /// Its addresses, the primary one of each family first.
    pub addresses: Vec<IpAddr>,
    /// Its zone; empty when it is in none.
    pub zone: String,
}

/// The lab's own node.
impl Default for Node {
    fn default() -> Self {
        Self { name: "node".to_owned(), addresses: vec![IpAddr::V4(NODE_ADDRESS)], zone: String::new() }
    }
}

impl Node {
    /// Its primary address of `family`.
    #[must_use]
    pub fn address(&self, family: Family) -> Option<IpAddr> {
        self.addresses.iter().copied().find(|&address| Family::of(address) == family)
    }
}
