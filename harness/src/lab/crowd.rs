//! Many clients: addresses that the client pod has beside its own, and the node's route to them.

use super::WIRE;
use crate::tool::place::{Place, within};
use anyhow::{Context, Result};
use ipnet::Ipv4Net;
use lab_core::cluster::CLIENT_ADDRESS;
use node_netlink::Binder;
use std::net::Ipv4Addr;

/// Where their addresses come from: a part of the pods' range that no pod has.
const RANGE: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 160, 0, 0), 16);

/// Many clients in the client pod, until this is dropped.
pub(crate) struct Crowd<'a> {
    node: &'a dyn Place,
    client: &'a dyn Place,
}

impl<'a> Crowd<'a> {
    /// Gives the pod `client`, which hangs off `node`, their addresses.
    ///
    /// # Errors
    /// When the kernel refuses a route.
    pub(super) fn gather(node: &'a dyn Place, client: &'a dyn Place) -> Result<Self> {
        let crowd = Self::of(node, client);
        crowd.route(true)?;
        Ok(crowd)
    }

    /// Of places that have the routes, or need none.
    pub(crate) fn of(node: &'a dyn Place, client: &'a dyn Place) -> Self {
        Self { node, client }
    }

    /// The address of the client `number`, from 0.
    #[allow(clippy::unused_self, reason = "the addresses are there as long as the crowd is")]
    pub(crate) fn address(&self, number: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(RANGE.network().to_bits() + 1 + number)
    }

    fn route(&self, there: bool) -> Result<()> {
        let (network, length) = (RANGE.network(), RANGE.prefix_len());
        let own = || Binder::open()?.local_route(network, length, there);
        within(self.client, own).with_context(|| format!("the client pod's own route to {RANGE}"))?;
        let way = || Binder::open()?.route(network, length, (CLIENT_ADDRESS, WIRE), there);
        within(self.node, way).with_context(|| format!("the node's route to {RANGE}"))
    }
}

impl Drop for Crowd<'_> {
    fn drop(&mut self) {
        // With the node they go in any case.
        let _ = self.route(false);
    }
}
