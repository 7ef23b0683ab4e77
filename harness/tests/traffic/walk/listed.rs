//! What the tools list of a node, read.

use crate::lab::{self, Lab};
use crate::tool;
use anyhow::{Result, ensure};
use ipnet::IpNet;
use lab_core::layout::Tool;
use lab_core::node::NodeState;
use lab_core::vocabulary::{BackendName, Origin};
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;
use ruleset::listing::{Listing, read};
use std::fmt::Write;
use std::net::IpAddr;

/// What the node of `lab` holds, by its own tools; `options` are given to those that save rules of iptables.
pub(super) fn state(lab: &Lab, options: &[&str]) -> Result<NodeState> {
    let node = lab.origin(Origin::Node)?;
    let mut texts = Vec::new();
    let mut list = |program: &str, args: &[&str]| -> Result<()> {
        texts.push((format!("{program} {}", args.join(" ")), tool::output(node, program, args)?));
        Ok(())
    };
    if lab.backend == BackendName::Nftables {
        list("nft", &["list", "ruleset"])?;
    } else {
        for tool in [Tool::Iptables, Tool::Ip6tables] {
            list(&format!("{}-save", lab::program(lab.backend, tool)), options)?;
        }
    }
    if lab.backend == BackendName::Ipvs {
        list("ipset", &["save"])?;
        list("ipvsadm", &["-Sn"])?;
    }
    // Guests do not have it.
    if tool::is_there("ip") {
        list("ip", &["-o", "addr"])?;
    } else {
        texts.push(("addresses".to_owned(), node.visit(addresses)?));
    }
    // 1.20's ipvs mode has no rules of IPv6.
    texts.retain(|(_, text)| !text.is_empty());
    let listings: Vec<Listing<'_>> = texts.iter().map(|(name, text)| Listing { name, text }).collect();
    let reading = read(&listings);
    ensure!(reading.notes.is_empty(), "what was not read of the node's listings: {:#?}", reading.notes);
    Ok(reading.state)
}

/// The addresses of the calling thread's namespace, as `ip -o addr` prints them.
fn addresses() -> Result<String> {
    let mut lines = String::new();
    for (held, number) in getifaddrs()?.zip(1..) {
        let ip = |storage: Option<SockaddrStorage>| -> Option<IpAddr> {
            let storage = storage?;
            let v4 = storage.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
            v4.or(storage.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
        };
        let (Some(address), Some(mask)) = (ip(held.address), ip(held.netmask)) else { continue };
        let family = if address.is_ipv4() { "inet" } else { "inet6" };
        let address = IpNet::with_netmask(address, mask)?;
        writeln!(lines, "{number}: {} {family} {address}", held.interface_name)?;
    }
    Ok(lines)
}
