//! The settings of kube-proxy that change what it installs, with kube-proxy's own names and defaults.

use crate::cluster::{Family, POD_RANGE, POD_RANGE_V6};
use crate::foreign::quoted;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// The fields of `KubeProxyConfiguration` that change rules (`pkg/proxy/apis/config/types.go`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProxyConfig {
    /// `clusterCIDR`: the pods' networks, at most one a family. Traffic to a Service from outside them is masqueraded.
    /// Without one of a family, kube-proxy cannot tell pods from others there.
    pub cluster_cidrs: Vec<IpNet>,
    /// `masqueradeAll`: all traffic to cluster IPs is masqueraded.
    pub masquerade_all: bool,
    /// `iptablesMasqueradeBit`: the bit of the packet mark that asks for masquerading, from 0 to 31.
    pub masquerade_bit: u8,
    /// `nodePortAddresses`: on which of the node's addresses node ports are open.
    pub node_port_addresses: NodePortAddresses,
    /// `localhostNodePorts` (iptables mode): node ports are open on 127.0.0.1, too.
    pub localhost_node_ports: bool,
    /// `ipvs.excludeCIDRs`: clean-up leaves virtual servers in these networks alone.
    pub exclude_cidrs: Vec<IpNet>,
    /// `ipvs.strictARP`: the node answers ARP only for addresses of the device that is asked.
    pub strict_arp: bool,
    /// Whether the kernel creates nfacct counters, which releases from 1.31 on use in iptables mode. No setting of
    /// kube-proxy: it finds out.
    pub nfacct: bool,
}

/// On which of a node's addresses node ports are open (`nodePortAddresses`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodePortAddresses {
    /// What the mode does by default: on all of them in iptables and ipvs mode, on the primary ones in nftables mode.
    #[default]
    Usual,
    /// On the node's primary address of each family.
    Primary,
    /// On those in these networks.
    In(Vec<IpNet>),
}

/// kube-proxy's defaults, with the lab's own pods' networks.
impl Default for ProxyConfig {
    fn default() -> Self {
        Self {
            cluster_cidrs: vec![IpNet::V4(POD_RANGE), IpNet::V6(POD_RANGE_V6)],
            masquerade_all: false,
            masquerade_bit: 14,
            node_port_addresses: NodePortAddresses::Usual,
            localhost_node_ports: true,
            exclude_cidrs: Vec::new(),
            strict_arp: false,
            nfacct: true,
        }
    }
}

impl ProxyConfig {
    pub(crate) fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Reads networks as `--cluster-cidr` takes them: at most one a family, with a comma between; empty for none.
    ///
    /// # Errors
    /// If a part is not a network.
    pub fn parse_cluster_cidrs(text: &str) -> Result<Vec<IpNet>, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts
            .map(|part| {
                part.parse().map_err(|_| format!("{part} is not a network, such as 10.244.0.0/16", part = quoted(part)))
            })
            .collect()
    }

    /// The pods' network of `family`, if it is known.
    #[must_use]
    pub fn cluster_cidr(&self, family: Family) -> Option<IpNet> {
        self.cluster_cidrs.iter().copied().find(|network| Family::of(network.addr()) == family)
    }

    /// The mark that asks for masquerading: one bit.
    #[must_use]
    pub fn masquerade_mark(&self) -> u32 {
        1 << u32::from(self.masquerade_bit.min(31))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_of_the_default_bit_is_the_one_in_every_listing() {
        assert_eq!(ProxyConfig::default().masquerade_mark(), 0x4000);
    }

    #[test]
    fn a_cluster_cidr_is_found_by_its_family() {
        let config = ProxyConfig { cluster_cidrs: vec!["fd00::/48".parse().unwrap()], ..ProxyConfig::default() };
        assert_eq!(config.cluster_cidr(Family::V4), None);
        assert_eq!(config.cluster_cidr(Family::V6), Some("fd00::/48".parse().unwrap()));
    }
}
