//! The machine outside the cluster: its wire to the node, and what it reaches through the node.

use crate::namespace::Namespace;
use crate::topology::{Addresses, Outside};
use crate::wiring::{
    FIRST_INDEX, GATEWAY, POD_ON_LINK, Route, add_address, add_route, await_carriers, everything, make_veth,
    over_netlink, quieten, raise_eth0,
};
use anyhow::{Context, Result};
use ipnet::IpNet;
use rtnetlink::Handle;
use std::net::IpAddr;
use std::os::fd::AsRawFd;

/// The index of the node's end: beyond those of any number of pods.
const INDEX: u32 = 1_000_000;

/// Connects `namespace` to `node` as its `outside`. The node sends there whatever it has no other route for.
pub(crate) fn connect(node: &Namespace, namespace: &Namespace, outside: &Outside) -> Result<()> {
    let (address, gateway) = (outside.address, outside.gateway);
    namespace.run(move || quieten(address))?;
    // Stays open while the namespace is borrowed, which is longer than the node's thread uses it.
    let fd = namespace.fd().as_raw_fd();
    node.run(move || over_netlink(async |netlink| make_veth(&netlink, "outside", INDEX, fd).await))?;
    let reaches = outside.reaches.clone();
    namespace
        .run(move || over_netlink(async |netlink| furnish(&netlink, address, gateway, &reaches).await))
        .context("outside")?;
    node.run(move || {
        over_netlink(async |netlink| {
            for (address, gateway) in address.iter().zip(gateway.iter()) {
                add_address(&netlink, INDEX, network(gateway)).await?;
                add_on_link(&netlink, INDEX, GATEWAY.like(address)).await?;
                add_route(&netlink, everything(address), |route| Ok(route.gateway(address)?)).await?;
            }
            await_carriers(&netlink, INDEX..INDEX + 1).await
        })
    })
}

/// Its own side of the wire.
async fn furnish(netlink: &Handle, address: Addresses, gateway: Addresses, reaches: &[IpNet]) -> Result<()> {
    raise_eth0(netlink).await?;
    for address in address.iter() {
        add_address(netlink, FIRST_INDEX, network(address)).await?;
        add_on_link(netlink, FIRST_INDEX, address.is_ipv6().then_some(POD_ON_LINK.into())).await?;
    }
    for &reached in reaches {
        let Some(gateway) = gateway.like(reached.addr()).filter(|_| address.like(reached.addr()).is_some()) else {
            continue;
        };
        let via_node = |route: Route| Ok(route.gateway(gateway)?);
        add_route(netlink, reached, via_node).await?;
    }
    Ok(())
}

/// Adds the IPv6 address from which neighbours are looked for.
async fn add_on_link(netlink: &Handle, device: u32, address: Option<IpAddr>) -> Result<()> {
    match address {
        Some(address @ IpAddr::V6(_)) => add_address(netlink, device, address.into()).await,
        _ => Ok(()),
    }
}

/// `address` with its network.
fn network(address: IpAddr) -> IpNet {
    IpNet::new_assert(address, if address.is_ipv4() { 24 } else { 64 })
}
