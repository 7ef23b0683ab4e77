//! kube-proxy's own flags for the settings that change rules.

use crate::process::exit::Failure;
use anyhow::anyhow;
use ipnet::IpNet;
use lab_core::proxy_config::{NodePortAddresses, ProxyConfig};

/// kube-proxy's settings, by kube-proxy's own flags.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "kube-proxy's settings")]
pub(super) struct ProxyOptions {
    /// The pods' network, one a family, such as 10.244.0.0/16; "" for none known [default: the lab's own pods']
    #[arg(long, value_name = "CIDR[,CIDR]")]
    cluster_cidr: Option<String>,
    /// Masquerade all traffic to cluster IPs
    #[arg(long)]
    masquerade_all: bool,
    /// The bit of the packet mark that asks for masquerading
    #[arg(long, value_name = "BIT", default_value_t = 14, value_parser = clap::value_parser!(u8).range(0..=31))]
    iptables_masquerade_bit: u8,
    /// Open node ports on these of the node's addresses: networks, or primary [default: the mode's own]
    #[arg(long, value_name = "CIDR,…|primary", value_delimiter = ',')]
    nodeport_addresses: Vec<String>,
    /// Do not open node ports on 127.0.0.1 (iptables mode)
    #[arg(long)]
    no_localhost_nodeports: bool,
    /// Leave virtual servers in these networks alone (ipvs mode)
    #[arg(long, value_name = "CIDR,…", value_delimiter = ',')]
    ipvs_exclude_cidrs: Vec<IpNet>,
    /// Answer ARP only for addresses of the device that is asked (ipvs mode)
    #[arg(long)]
    ipvs_strict_arp: bool,
    /// Write the rules for a kernel without nfacct counters (iptables mode from 1.31 on)
    #[arg(long)]
    no_nfacct: bool,
}

impl ProxyOptions {
    /// The settings.
    ///
    /// # Errors
    /// If a network is not one.
    pub(super) fn config(&self) -> Result<ProxyConfig, Failure> {
        let wrong = |flag: &str, what: String| Failure::usage(anyhow!("{flag}: {what}"));
        let usual = ProxyConfig::default();
        let cluster_cidrs = match &self.cluster_cidr {
            Some(text) => ProxyConfig::parse_cluster_cidrs(text).map_err(|what| wrong("--cluster-cidr", what))?,
            None => usual.cluster_cidrs,
        };
        let network = |text: &String| {
            text.parse().map_err(|_| wrong("--nodeport-addresses", format!("{text} is not a network, nor primary")))
        };
        let node_port_addresses = match &self.nodeport_addresses[..] {
            [] => NodePortAddresses::Usual,
            [word] if word == "primary" => NodePortAddresses::Primary,
            networks => NodePortAddresses::In(networks.iter().map(network).collect::<Result<_, _>>()?),
        };
        Ok(ProxyConfig {
            cluster_cidrs,
            masquerade_all: self.masquerade_all,
            masquerade_bit: self.iptables_masquerade_bit,
            node_port_addresses,
            localhost_node_ports: !self.no_localhost_nodeports,
            exclude_cidrs: self.ipvs_exclude_cidrs.clone(),
            strict_arp: self.ipvs_strict_arp,
            nfacct: !self.no_nfacct,
        })
    }
}
