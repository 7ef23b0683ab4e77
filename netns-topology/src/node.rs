//! A node with its pods: made, and taken down when it is dropped.

use crate::namespace::Namespace;
use crate::topology::{Addresses, Pod, Wiring};
use crate::{outside, wiring};
use anyhow::Result;
use std::iter;

/// A node with its pods. Dropping it takes everything down.
#[derive(Debug)]
pub struct Node {
    // The pods first, and so first to go: with them go the veth pairs.
    client: Option<Pod>,
    servers: Vec<Pod>,
    outside: Option<Pod>,
    namespace: Namespace,
}

impl Node {
    /// Makes a node with a client pod and server pods, named `node`, `client`, `server-0` and so on, and `outside`.
    ///
    /// # Errors
    /// When the kernel refuses a namespace, a veth pair, an address or a route: says which.
    pub fn build(wiring: &Wiring) -> Result<Self> {
        let mut node = Self::bare(wiring.node)?;
        let client = node.client.insert(Pod::create("client", wiring.client, Vec::new())?);
        for (index, server) in wiring.servers.iter().enumerate() {
            node.servers.push(Pod::create(format!("server-{index}"), server.address, server.blocks.clone())?);
        }
        wiring::connect(&node.namespace, &iter::once(&*client).chain(&node.servers).collect::<Vec<_>>())?;
        wiring::deliver(&node.namespace, &node.servers, wiring.delivery)?;
        wiring::widen_ports(&client.namespace)?;
        if let Some(outside) = &wiring.outside {
            let pod = node.outside.insert(Pod::create("outside", outside.address, Vec::new())?);
            outside::connect(&node.namespace, &pod.namespace, outside)?;
            wiring::widen_ports(&pod.namespace)?;
        }
        Ok(node)
    }

    /// Makes a node without pods, to measure what programming it costs by itself.
    ///
    /// # Errors
    /// When the kernel refuses the namespace or the address.
    pub fn bare(address: impl Into<Addresses>) -> Result<Self> {
        let namespace = Namespace::create("node")?;
        wiring::prepare_node(&namespace, address.into())?;
        Ok(Self { client: None, servers: Vec::new(), outside: None, namespace })
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

    /// The machine outside the cluster; `None` where the wiring has none.
    #[must_use]
    pub fn outside(&self) -> Option<&Pod> {
        self.outside.as_ref()
    }
}
