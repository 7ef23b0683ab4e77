//! Where node ports are open (`NodePortAddresses` in kube-proxy's `pkg/proxy/util/nodeport_addresses.go`).

use super::{Iptables, Version};
use crate::cluster::{Family, Node};
use crate::proxy_config::NodePortAddresses;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr};

/// On which addresses of a node its node ports are open, in one family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodePorts {
    /// The addresses; `None` for all of the node's.
    pub(super) at: Option<Vec<IpAddr>>,
    /// Whether they are open on 127.0.0.1, too.
    pub(super) on_localhost: bool,
}

impl NodePorts {
    pub(super) fn of(layout: &Iptables, node: &Node, family: Family) -> Self {
        let networks = networks(&layout.config.node_port_addresses, node, family);
        let all = networks.as_ref().is_none_or(|networks| networks.iter().any(|network| network.prefix_len() == 0));
        let at = networks.filter(|_| !all).map(|networks| {
            let loopback = match family {
                Family::V4 => IpAddr::V4(Ipv4Addr::LOCALHOST),
                Family::V6 => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
            };
            let own = node.addresses.iter().copied().filter(|&address| Family::of(address) == family);
            let mut at: Vec<IpAddr> = own.chain([loopback]).collect();
            at.retain(|address| networks.iter().any(|network| network.contains(address)));
            // 1.20 opens them on loopback as on any other address, whether they work there or not.
            at.retain(|address| {
                layout.version == Version::V1_20 || !address.is_loopback() || opens_localhost(layout, family)
            });
            at
        });
        Self { at, on_localhost: opens_localhost(layout, family) }
    }
}

/// Whether node ports are opened on 127.0.0.1: if the setting says so, and none about addresses excludes it.
pub(super) fn opens_localhost(layout: &Iptables, family: Family) -> bool {
    let config = &layout.config;
    let included = match &config.node_port_addresses {
        NodePortAddresses::Usual => true,
        NodePortAddresses::Primary => false,
        NodePortAddresses::In(networks) => {
            let mut of_family = networks.iter().filter(|network| Family::of(network.addr()) == Family::V4).peekable();
            let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
            of_family.peek().is_none()
                || of_family.any(|network| network.addr().is_loopback() || network.contains(&loopback))
        }
    };
    family == Family::V4 && included && (config.localhost_node_ports || layout.version == Version::V1_20)
}

/// The networks of `family` that node ports are open in; `None` for all.
fn networks(setting: &NodePortAddresses, node: &Node, family: Family) -> Option<Vec<IpNet>> {
    match setting {
        NodePortAddresses::Usual => None,
        NodePortAddresses::Primary => Some(node.address(family).map(IpNet::from).into_iter().collect()),
        NodePortAddresses::In(networks) => {
            let of_family = networks.iter().copied().filter(|network| Family::of(network.addr()) == family);
            let of_family: Vec<IpNet> = of_family.collect();
            (!of_family.is_empty()).then_some(of_family)
        }
    }
}
