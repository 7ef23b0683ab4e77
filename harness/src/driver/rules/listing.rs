//! What a node holds with a cluster, as the tools would list it, without a node.

use super::state::State;
use anyhow::{Result, anyhow};
use lab_core::cluster::Cluster;
use lab_core::layout::Layout;
use std::fmt::Write;
use std::net::IpAddr;

/// The listings of a node on which `layout` installed `cluster`, each with its name.
///
/// # Errors
/// If a tool would refuse an action of the layout.
pub(crate) fn listings(layout: &dyn Layout, cluster: &Cluster) -> Result<Vec<(&'static str, String)>> {
    let mut state = State::default();
    for action in layout.quick_load(cluster) {
        state.apply(&action).map_err(|refused| anyhow!("the layout's own rules: {refused}"))?;
    }
    let parts = [
        ("iptables-save", state.v4.save()),
        ("ip6tables-save", state.v6.save()),
        ("nft list ruleset", state.nft.list()),
        ("ipset save", state.sets.save()),
        ("ipvsadm -Sn", state.servers.save()),
        ("ip -o addr", addresses(&state, cluster)),
    ];
    Ok(parts.into_iter().filter(|(_, text)| !text.is_empty()).collect())
}

/// The node's own addresses, and those of the Services.
fn addresses(state: &State, cluster: &Cluster) -> String {
    let mut out = String::new();
    let mut line = |number: usize, device: &str, address: &IpAddr, length: u8| {
        let family = if address.is_ipv4() { "inet" } else { "inet6" };
        let _ = writeln!(out, "{number}: {device}    {family} {address}/{length} scope global {device}");
    };
    for address in &cluster.node.addresses {
        line(2, "eth0", address, if address.is_ipv4() { 32 } else { 128 });
    }
    for address in &state.addresses {
        line(3, "kube-ipvs0", address, if address.is_ipv4() { 32 } else { 128 });
    }
    out
}
