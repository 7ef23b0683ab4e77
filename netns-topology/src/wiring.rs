//! Addresses, veth pairs and routes over rtnetlink, and the sysctls that go with them.
//!
//! Each piece runs in the thread of the namespace it is about, in a runtime of that thread: a netlink socket belongs to
//! the namespace it was opened in, and a task that moved to another thread would move to another namespace.

use crate::namespace::Namespace;
use crate::topology::{Addresses, Delivery, Pod};
use anyhow::{Context, Result, ensure};
use futures_util::TryStreamExt;
use ipnet::IpNet;
use netlink_packet_route::link::{InfoData, InfoVeth, LinkFlags};
use netlink_packet_route::route::{RouteScope, RouteType};
use rtnetlink::{Handle, LinkMessageBuilder, LinkUnspec, LinkVeth, RouteMessageBuilder};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::os::fd::{AsRawFd, RawFd};
use std::pin::pin;
use std::time::{Duration, Instant};

/// The node's address as every pod sees it, as with Calico.
pub(crate) const GATEWAY: Addresses =
    Addresses { v4: Ipv4Addr::new(169, 254, 1, 1), v6: Some(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1)) };

/// A pod's own address on its wire. Neighbours are looked for from it when a packet's source is an address that its device
/// has not: one of a block, for example.
pub(crate) const POD_ON_LINK: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);

/// The index of `lo`, in every namespace.
pub(crate) const LO: u32 = 1;

/// The index given to a pod's `eth0`, and to the first device of a node.
///
/// Choosing them saves asking for them. Lower ones may be taken by devices that some kernels put into every namespace.
pub(crate) const FIRST_INDEX: u32 = 100;

/// The device that takes out what comes in any IP packet, which ipip puts into every namespace.
const TUNNEL: &str = "tunl0";

/// How long the kernel may take to get a wire ready; it takes milliseconds.
const CARRIER_PATIENCE: Duration = Duration::from_secs(10);

pub(crate) type Route = RouteMessageBuilder<IpAddr>;

/// The node's end of a pod's wire, and what goes over it.
struct Plug {
    name: String,
    index: u32,
    namespace: RawFd,
    address: Addresses,
    blocks: Vec<IpNet>,
}

/// Makes a namespace forward like a node, with `address` on its `lo`.
pub(crate) fn prepare_node(namespace: &Namespace, address: Addresses) -> Result<()> {
    namespace.run(move || {
        // By default the kernel sends a peer one ICMP error a second, and a thousand to all: a rejected connection would wait
        // for its next SYN. Neither limit is for types that are not in the mask.
        set("net/ipv4/icmp_ratemask", "0")?;
        set("net/ipv4/ip_forward", "1")
            .context("make the node forward; in a container, start it with --security-opt systempaths=unconfined")?;
        // Of `all` and the device's own, the larger counts; devices yet to come start from `default`.
        for scope in ["all", "default"] {
            let _ = set(&format!("net/ipv4/conf/{scope}/rp_filter"), "0");
            let _ = set(&format!("net/ipv4/conf/{scope}/send_redirects"), "0");
        }
        quieten(address)?;
        if address.v6.is_some() {
            set("net/ipv6/conf/all/forwarding", "1")?;
            // Type 0 is reserved: the mask may not be empty.
            set("net/ipv6/icmp/ratemask", "0")?;
        }
        over_netlink(async |netlink| add_addresses(&netlink, LO, address).await)
    })
}

/// Connects `pods` to the node; one with a block answers as every address in it.
pub(crate) fn connect(node: &Namespace, pods: &[&Pod]) -> Result<()> {
    let plug = |(index, pod): (u32, &&Pod)| Plug {
        name: pod.namespace.name().to_owned(),
        index,
        // Stays open while the pods are borrowed, which is longer than the node's thread uses it.
        namespace: pod.namespace.fd().as_raw_fd(),
        address: pod.address,
        blocks: pod.blocks.clone(),
    };
    let plugs: Vec<Plug> = (FIRST_INDEX..).zip(pods).map(plug).collect();
    for pod in pods {
        let address = pod.address;
        pod.namespace.run(move || quieten(address))?;
    }
    node.run(move || over_netlink(async |netlink| plug_in(&netlink, &plugs).await))?;
    for pod in pods {
        let (address, blocks) = (pod.address, pod.blocks.clone());
        pod.namespace
            .run(move || over_netlink(async |netlink| furnish_pod(&netlink, address, &blocks).await))
            .with_context(|| format!("in the pod {}", pod.namespace.name()))?;
    }
    let devices = FIRST_INDEX..FIRST_INDEX + u32::try_from(pods.len())?;
    node.run(move || over_netlink(async |netlink| await_carriers(&netlink, devices).await))
}

/// Makes `servers` take what reaches them by `delivery`, and `node` forward their answers.
pub(crate) fn deliver(node: &Namespace, servers: &[Pod], delivery: Delivery) -> Result<()> {
    let (services, tunnel) = match delivery {
        Delivery::Rewritten => return Ok(()),
        Delivery::Unaltered(services) => (services, false),
        Delivery::Tunnelled(services) => (services, true),
    };
    // The answers' source is an address of the node's own, where a proxy has bound it there.
    node.run(|| set("net/ipv4/conf/all/accept_local", "1"))?;
    for server in servers {
        let furnish = move || -> Result<()> {
            if tunnel {
                // What comes out of the tunnel is from whom one would reach by another device.
                for scope in ["all", TUNNEL] {
                    set(&format!("net/ipv4/conf/{scope}/rp_filter"), "0")
                        .with_context(|| format!("make {TUNNEL} receive, which takes the module ipip"))?;
                }
            }
            over_netlink(async |netlink| {
                add_route(&netlink, services.into(), to_itself).await?;
                if tunnel { bring_up(&netlink, TUNNEL).await } else { Ok(()) }
            })
        };
        server.namespace.run(furnish).with_context(|| format!("in the pod {}", server.namespace.name()))?;
    }
    Ok(())
}

/// Lets connections from `namespace` leave from any port above 1023, so that a client can have more of them.
pub(crate) fn widen_ports(namespace: &Namespace) -> Result<()> {
    namespace.run(|| set("net/ipv4/ip_local_port_range", "1024 65535"))
}

/// The node's side: a veth pair a pod, and the routes to it.
async fn plug_in(netlink: &Handle, plugs: &[Plug]) -> Result<()> {
    for Plug { name, index, namespace, address, blocks } in plugs {
        make_veth(netlink, name, *index, *namespace).await?;
        for address in address.iter() {
            let gateway = GATEWAY.like(address).expect("it has both families");
            add_address(netlink, *index, gateway.into()).await.with_context(|| format!("on {name}"))?;
            let on_link = |route: Route| Ok(route.scope(RouteScope::Link).output_interface(*index));
            add_route(netlink, address.into(), on_link).await.with_context(|| format!("on {name}"))?;
        }
        for &block in blocks {
            let Some(address) = address.like(block.addr()) else { continue };
            let via_pod = |route: Route| Ok(route.gateway(address)?.output_interface(*index).onlink());
            add_route(netlink, block, via_pod).await.with_context(|| format!("on {name}"))?;
        }
    }
    Ok(())
}

/// Makes a veth pair with one end, `name`, up, here and the other, `eth0`, in the pod's `namespace`.
pub(crate) async fn make_veth(netlink: &Handle, name: &str, index: u32, namespace: RawFd) -> Result<()> {
    // Not `up` here: the kernel refuses that for a peer (ENOTCONN).
    let peer = LinkMessageBuilder::<LinkUnspec>::new().name("eth0").index(FIRST_INDEX).setns_by_fd(namespace).build();
    let veth = LinkMessageBuilder::<LinkVeth>::new(name, "eth0")
        .index(index)
        .up()
        .set_info_data(InfoData::Veth(InfoVeth::Peer(peer)))
        .build();
    netlink.link().add(veth).execute().await.with_context(|| format!("make the veth pair of {name}"))
}

/// Waits until the node's ends can send.
///
/// They came up before the pods' ends, so without a carrier, and the kernel goes on from there in its own time: until
/// it does, what is sent is dropped, and the first connection would take a second more, for its second SYN.
pub(crate) async fn await_carriers(netlink: &Handle, devices: Range<u32>) -> Result<()> {
    let deadline = Instant::now() + CARRIER_PATIENCE;
    for index in devices {
        // To be asked has the kernel catch up, since 6.8; before, asking again does.
        while !is_running(netlink, index).await? {
            ensure!(Instant::now() < deadline, "the node's device {index} has no carrier after {CARRIER_PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    Ok(())
}

async fn is_running(netlink: &Handle, index: u32) -> Result<bool> {
    let mut answers = pin!(netlink.link().get().match_index(index).execute());
    let link = answers.try_next().await.with_context(|| format!("look at the node's device {index}"))?;
    Ok(link.is_some_and(|link| link.header.flags.contains(LinkFlags::Running)))
}

/// The pod's side of its wire.
async fn furnish_pod(netlink: &Handle, address: Addresses, blocks: &[IpNet]) -> Result<()> {
    raise_eth0(netlink).await?;
    add_addresses(netlink, FIRST_INDEX, address).await?;
    if address.v6.is_some() {
        add_address(netlink, FIRST_INDEX, IpAddr::V6(POD_ON_LINK).into()).await?;
    }
    for address in address.iter() {
        let gateway = GATEWAY.like(address).expect("it has both families");
        let on_link = |route: Route| Ok(route.scope(RouteScope::Link).output_interface(FIRST_INDEX));
        add_route(netlink, gateway.into(), on_link).await?;
        let via_gateway = |route: Route| Ok(route.gateway(gateway)?.output_interface(FIRST_INDEX));
        add_route(netlink, everything(address), via_gateway).await?;
    }
    for &block in blocks {
        add_route(netlink, block, to_itself).await?;
    }
    Ok(())
}

/// Brings a pod's end of its wire up.
pub(crate) async fn raise_eth0(netlink: &Handle) -> Result<()> {
    let up = LinkMessageBuilder::<LinkUnspec>::new().index(FIRST_INDEX).up().build();
    netlink.link().set(up).execute().await.context("bring eth0 up")
}

/// All addresses of the family of `address`.
pub(crate) fn everything(address: IpAddr) -> IpNet {
    let unspecified = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    IpNet::new_assert(unspecified, 0)
}

/// A route that makes its destination the namespace's own.
fn to_itself(route: Route) -> Result<Route> {
    let table = u32::from(libc::RT_TABLE_LOCAL);
    Ok(route.kind(RouteType::Local).scope(RouteScope::Host).table_id(table).output_interface(LO))
}

async fn bring_up(netlink: &Handle, device: &str) -> Result<()> {
    let up = LinkMessageBuilder::<LinkUnspec>::new().name(device).up().build();
    netlink.link().set(up).execute().await.with_context(|| format!("bring {device} up"))
}

/// Adds each of `addresses` to a device, alone in its network.
async fn add_addresses(netlink: &Handle, device: u32, addresses: Addresses) -> Result<()> {
    for address in addresses.iter() {
        add_address(netlink, device, address.into()).await?;
    }
    Ok(())
}

/// Adds an address with its network to a device.
pub(crate) async fn add_address(netlink: &Handle, device: u32, address: IpNet) -> Result<()> {
    let request = netlink.address().add(device, address.addr(), address.prefix_len());
    request.execute().await.with_context(|| format!("add the address {}", address.addr()))
}

/// Adds a route to `destination`, as `complete` completes it.
pub(crate) async fn add_route(
    netlink: &Handle,
    destination: IpNet,
    complete: impl FnOnce(Route) -> Result<Route>,
) -> Result<()> {
    let route = || complete(Route::new().destination_prefix(destination.network(), destination.prefix_len())?);
    let request = netlink.route().add(route()?.build());
    request.execute().await.with_context(|| format!("add the route to {destination}"))
}

/// Runs `job` with a netlink connection of the calling thread's namespace.
pub(crate) fn over_netlink<T>(job: impl AsyncFnOnce(Handle) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("start a runtime")?;
    runtime.block_on(async {
        let (connection, netlink, _) = rtnetlink::new_connection().context("open a netlink socket")?;
        tokio::spawn(connection);
        job(netlink).await
    })
}

/// Sets a sysctl of the calling thread's namespace, given as a path below /proc/sys.
fn set(sysctl: &str, value: &str) -> Result<()> {
    let path = format!("/proc/sys/{sysctl}");
    fs::write(&path, value).with_context(|| format!("write {value} to {path}"))
}

/// Keeps IPv6's own traffic (router solicitation, address detection) off devices yet to come; where `addresses` has no
/// IPv6 one, all of IPv6.
pub(crate) fn quieten(addresses: Addresses) -> Result<()> {
    if addresses.v6.is_none() {
        let _ = set("net/ipv6/conf/default/disable_ipv6", "1");
        return Ok(());
    }
    // No address of the kernel's own making.
    const NO_ADDRESS: &str = "1";
    for (name, value) in [("disable_ipv6", "0"), ("accept_dad", "0"), ("accept_ra", "0"), ("addr_gen_mode", NO_ADDRESS)]
    {
        set(&format!("net/ipv6/conf/default/{name}"), value).context("give it IPv6, which the kernel must have")?;
    }
    let _ = set("net/ipv6/conf/lo/disable_ipv6", "0");
    Ok(())
}
