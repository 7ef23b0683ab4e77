//! kube-proxy's settings in a scenario, under kube-proxy's own names.

use crate::cluster::Family;
use crate::document::{Entry, Node, Reader, Value};
use crate::proxy_config::{NodePortAddresses, ProxyConfig};
use ipnet::IpNet;

/// The settings, as `KubeProxyConfiguration` names them; `ipvs`'s own without that prefix.
const KEYS: &[&str] = &[
    "clusterCIDR",
    "masqueradeAll",
    "masqueradeBit",
    "nodePortAddresses",
    "localhostNodePorts",
    "excludeCIDRs",
    "strictARP",
];

impl Reader<'_> {
    /// The settings of the key `kube-proxy`.
    pub(super) fn proxy(&mut self, entry: &Entry) -> Option<ProxyConfig> {
        let Value::Map(entries) = &entry.node.value else {
            self.wrong(entry, &format!("a mapping of: {}", KEYS.join(", ")));
            return None;
        };
        self.known(entries, KEYS);
        let mut config = ProxyConfig::default();
        for entry in entries {
            match entry.key.as_str() {
                "clusterCIDR" => config.cluster_cidrs = self.cluster_cidrs(entry)?,
                "masqueradeAll" => config.masquerade_all = self.yes(entry)?,
                "masqueradeBit" => config.masquerade_bit = u8::try_from(self.count(entry, &(0..=31))?).ok()?,
                "nodePortAddresses" => config.node_port_addresses = self.node_port_addresses(entry)?,
                "localhostNodePorts" => config.localhost_node_ports = self.yes(entry)?,
                "excludeCIDRs" => config.exclude_cidrs = self.networks(entry, items(entry))?,
                "strictARP" => config.strict_arp = self.yes(entry)?,
                _ => {}
            }
        }
        Some(config)
    }

    /// At most one network a family, in one text with a comma or as a list; empty for none known.
    fn cluster_cidrs(&mut self, entry: &Entry) -> Option<Vec<IpNet>> {
        let networks = match &entry.node.value {
            Value::Text(text) => ProxyConfig::parse_cluster_cidrs(text)
                .map_err(|what| self.problem(entry.node.line, format!("{}: {what}", entry.key)))
                .ok()?,
            _ => self.networks(entry, items(entry))?,
        };
        let of = |family| networks.iter().filter(|network| Family::of(network.addr()) == family).count();
        if Family::ALL.into_iter().any(|family| of(family) > 1) {
            self.wrong(entry, "at most one network of each family");
            return None;
        }
        Some(networks)
    }

    fn node_port_addresses(&mut self, entry: &Entry) -> Option<NodePortAddresses> {
        match &entry.node.value {
            Value::Text(text) if text == "primary" => Some(NodePortAddresses::Primary),
            _ => self.networks(entry, items(entry)).map(NodePortAddresses::In),
        }
    }

    fn networks(&mut self, entry: &Entry, items: &[Node]) -> Option<Vec<IpNet>> {
        let mut networks = Vec::new();
        for item in items {
            match &item.value {
                Value::Text(text) if text.parse::<IpNet>().is_ok() => networks.extend(text.parse::<IpNet>()),
                _ => {
                    self.wrong_value(&entry.key, item, "networks, such as 10.244.0.0/16");
                    return None;
                }
            }
        }
        Some(networks)
    }

    fn yes(&mut self, entry: &Entry) -> Option<bool> {
        if let Value::Bool(yes) = entry.node.value {
            return Some(yes);
        }
        self.wrong(entry, "true or false");
        None
    }
}

/// The items of a list; of anything else, itself.
fn items(entry: &Entry) -> &[Node] {
    match &entry.node.value {
        Value::List(items) => items,
        _ => std::slice::from_ref(&entry.node),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    fn read(settings: &str) -> Result<ProxyConfig, String> {
        let text = format!("name: x\nquestion: What?\nservices: [1]\nkube-proxy: {settings}\n");
        Scenario::read("x.yaml", &text).map(|scenario| scenario.proxy).map_err(|problems| problems.to_string())
    }

    #[test]
    fn kube_proxys_settings_are_read_under_its_own_names() {
        let found = read(
            "{clusterCIDR: \"10.244.0.0/16,fd00::/48\", masqueradeAll: true, masqueradeBit: 15, strictARP: true, \
             nodePortAddresses: [10.0.0.0/8], localhostNodePorts: false, excludeCIDRs: [192.0.2.0/24]}",
        );
        let network = |text: &str| text.parse::<IpNet>().unwrap();
        let expected = ProxyConfig {
            cluster_cidrs: vec![network("10.244.0.0/16"), network("fd00::/48")],
            masquerade_all: true,
            masquerade_bit: 15,
            node_port_addresses: NodePortAddresses::In(vec![network("10.0.0.0/8")]),
            localhost_node_ports: false,
            exclude_cidrs: vec![network("192.0.2.0/24")],
            strict_arp: true,
            ..ProxyConfig::default()
        };
        assert_eq!(found, Ok(expected));
        let primary = read("{nodePortAddresses: primary}").unwrap();
        assert_eq!(primary.node_port_addresses, NodePortAddresses::Primary);
        assert_eq!(read("{clusterCIDR: \"\"}").unwrap().cluster_cidrs, []);
    }

    #[test]
    fn a_wrong_setting_is_named_with_what_it_takes() {
        for (settings, said) in [
            ("{clusterCidr: 10.0.0.0/8}", "unknown key \"clusterCidr\""),
            ("{clusterCIDR: [10.0.0.0/8, 11.0.0.0/8]}", "at most one network of each family"),
            ("{clusterCIDR: 10.0.0.0}", "clusterCIDR: \"10.0.0.0\" is not a network"),
            ("{masqueradeBit: 32}", "masqueradeBit: found 32; it takes a whole number from 0 to 31"),
            ("{masqueradeAll: maybe}", "it takes true or false"),
            ("10.0.0.0/8", "it takes a mapping of: clusterCIDR"),
        ] {
            let found = read(settings).unwrap_err();
            assert!(found.contains(said), "{settings}: {found}");
        }
    }
}
