//! A machine outside the cluster, and both families.

use anyhow::{Context, Result, ensure};
use netns_topology::{Addresses, Delivery, Node, Outside, Pod, Server, Wiring};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

fn both(v4: &str, v6: &str) -> Result<Addresses> {
    Ok(Addresses { v4: v4.parse()?, v6: Some(v6.parse()?) })
}

fn node() -> Result<Node> {
    let server = Server {
        address: both("10.1.0.1", "fd00:1::1")?,
        blocks: vec!["10.128.0.0/16".parse()?, "fd00:128::/112".parse()?],
    };
    let outside = Outside {
        address: both("192.0.2.2", "fd00:192::2")?,
        gateway: both("192.0.2.1", "fd00:192::1")?,
        reaches: vec!["192.168.0.1/32".parse()?, "fd00:168::1/128".parse()?],
    };
    Node::build(&Wiring {
        node: both("192.168.0.1", "fd00:168::1")?,
        client: both("10.0.0.1", "fd00::1")?,
        servers: vec![server],
        outside: Some(outside),
        delivery: Delivery::Rewritten,
    })
}

fn dial(from: &Pod, address: &str) -> Result<TcpStream> {
    let to: SocketAddr = address.parse()?;
    let dialled = from.namespace.run(move || TcpStream::connect_timeout(&to, Duration::from_secs(2)));
    dialled.with_context(|| format!("dial {address} from {}", from.namespace.name()))
}

pub(crate) fn the_outside_reaches_the_node_and_not_the_pods() -> Result<()> {
    let node = node()?;
    let outside = node.outside().context("no outside")?;
    let listener = node.namespace().run(|| TcpListener::bind("[::]:80"))?;
    for (address, own) in [("192.168.0.1:80", "192.0.2.2"), ("[fd00:168::1]:80", "fd00:192::2")] {
        let _dialled = dial(outside, address)?;
        let (_, peer) = listener.accept()?;
        ensure!(peer.ip().to_canonical() == own.parse::<std::net::IpAddr>()?, "{peer} at {address}");
    }
    let _pod = node.servers()[0].namespace.run(|| TcpListener::bind("[::]:80"))?;
    for address in ["10.1.0.1:80", "10.128.0.1:80", "[fd00:1::1]:80"] {
        let error = dial(outside, address).err().with_context(|| format!("{address} was reached"))?;
        ensure!(format!("{error:#}").contains("unreachable"), "{error:#}");
    }
    // The node sends there what it has no other route for.
    for (address, own) in [("198.51.100.1:80", "192.0.2.1"), ("[2001:db8::1]:80", "fd00:192::1")] {
        let to: SocketAddr = address.parse()?;
        let from = node.namespace().run(move || {
            let socket = UdpSocket::bind(if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
            socket.connect(to)?;
            socket.local_addr()
        })?;
        ensure!(from.ip() == own.parse::<std::net::IpAddr>()?, "{from} to {address}");
    }
    Ok(())
}

pub(crate) fn every_wire_carries_ipv6() -> Result<()> {
    let node = node()?;
    let client = node.client().context("no client")?;
    let listener = node.servers()[0].namespace.run(|| TcpListener::bind("[::]:80"))?;
    for address in ["[fd00:1::1]:80", "[fd00:128::1]:80", "[fd00:128::fffe]:80", "10.128.0.1:80"] {
        let dialled = dial(client, address)?;
        let (accepted, peer) = listener.accept()?;
        let (at, to) = (accepted.local_addr()?, address.parse::<SocketAddr>()?);
        ensure!(at.ip().to_canonical() == to.ip(), "{at} is not {to}");
        ensure!(peer.ip().to_canonical() == dialled.local_addr()?.ip(), "{peer} at {address}");
    }
    Ok(())
}
