//! A node with its pods: made, and taken down when it is dropped.

use crate::namespace::Namespace;
use crate::topology::{Pod, Wiring};
use crate::wiring;
use anyhow::Result;
use std::iter;
use std::net::Ipv4Addr;

/// A node with its pods. Dropping it takes everything down.
#[derive(Debug)]
pub struct Node {
    // The pods first, and so first to go: with them go the veth pairs.
    client: Option<Pod>,
    servers: Vec<Pod>,
    namespace: Namespace,
}

impl Node {
    /// Makes a node with a client pod and server pods, named `node`, `client`, `server-0` and so on.
    ///
    /// # Errors
    /// When the kernel refuses a namespace, a veth pair, an address or a route: says which.
    pub fn build(wiring: &Wiring) -> Result<Self> {
        let mut node = Self::bare(wiring.node_address)?;
        let client = node.client.insert(Pod::create("client", wiring.client, None)?);
        for (index, server) in wiring.servers.iter().enumerate() {
            node.servers.push(Pod::create(format!("server-{index}"), server.address, Some(server.block))?);
        }
        wiring::connect(&node.namespace, &iter::once(&*client).chain(&node.servers).collect::<Vec<_>>())?;
        wiring::deliver(&node.namespace, &node.servers, wiring.delivery)?;
        wiring::widen_ports(&client.namespace)?;
        Ok(node)
    }

    /// Makes a node without pods, to measure what programming it costs by itself.
    ///
    /// # Errors
    /// When the kernel refuses the namespace or the address.
    pub fn bare(node_address: Ipv4Addr) -> Result<Self> {
        let namespace = Namespace::create("node")?;
        wiring::prepare_node(&namespace, node_address)?;
        Ok(Self { client: None, servers: Vec::new(), namespace })
    }

    /// The node's own namespace, where the rules go.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The client pod; `None` on a bare node.
    #[must_use]
    pub fn client(&self) -> Option<&Pod> {
        self.client.as_ref()
    }

    /// The server pods, in the order of the wiring.
    #[must_use]
    pub fn servers(&self) -> &[Pod] {
        &self.servers
    }
}
