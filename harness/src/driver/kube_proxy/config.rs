//! What kube-proxy is told: its configuration and where the API server is, each as its release reads it.

use lab_core::cell::Settings;
use lab_core::cluster::Node;
use lab_core::kube_proxy::KubeProxy;
use lab_core::proxy_config::{NodePortAddresses, ProxyConfig};
use lab_core::vocabulary::{BackendName, Word};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;

/// The first release that runs both families at once.
const BOTH_FAMILIES: u32 = 21;
/// The first one whose iptables mode can close node ports on loopback.
const LOCALHOST_NODE_PORTS: u32 = 26;
/// The releases whose nftables mode is off unless a feature gate opens it.
const GATED_NFTABLES: std::ops::Range<u32> = 29..31;

/// What decides the configuration.
pub(super) struct Told<'a> {
    pub(super) binary: &'a KubeProxy,
    pub(super) backend: BackendName,
    pub(super) settings: Settings,
    pub(super) proxy: &'a ProxyConfig,
    pub(super) node: &'a Node,
}

impl Told<'_> {
    /// A `KubeProxyConfiguration` in JSON, which is YAML, too.
    ///
    /// The limits of conntrack are left alone: writing them needs root on the machine, and kube-proxy ends if it cannot.
    /// JSON is what the lab's API server speaks.
    pub(super) fn configuration(&self, kubeconfig: &Path) -> Value {
        let Self { binary, backend, proxy, node, .. } = self;
        let minor = binary.minor().unwrap_or(u32::MAX);
        let mut config = json!({
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": mode(*backend),
            "hostnameOverride": node.name,
            "clusterCIDR": self.cluster_cidr(minor),
            "clientConnection": { "kubeconfig": kubeconfig, "contentType": "application/json" },
            "metricsBindAddress": format!("127.0.0.1:{}", super::metrics::PORT),
            "healthzBindAddress": "127.0.0.1:10256",
            "conntrack": { "maxPerCore": 0, "min": 0 },
            "iptables": { "masqueradeAll": proxy.masquerade_all, "masqueradeBit": proxy.masquerade_bit },
        });
        if minor >= LOCALHOST_NODE_PORTS {
            config["iptables"]["localhostNodePorts"] = proxy.localhost_node_ports.into();
        }
        match &proxy.node_port_addresses {
            NodePortAddresses::Usual => {}
            NodePortAddresses::Primary => config["nodePortAddresses"] = json!(["primary"]),
            NodePortAddresses::In(networks) => config["nodePortAddresses"] = json!(networks),
        }
        match backend {
            BackendName::Nftables => {
                config["nftables"] =
                    json!({ "masqueradeAll": proxy.masquerade_all, "masqueradeBit": proxy.masquerade_bit });
                if GATED_NFTABLES.contains(&minor) {
                    config["featureGates"] = json!({ "NFTablesProxyMode": true });
                }
            }
            BackendName::Ipvs => {
                let (scheduler, _) = self.settings.ipvs();
                config["ipvs"] = json!({
                    "scheduler": scheduler.name(),
                    "excludeCIDRs": proxy.exclude_cidrs,
                    "strictARP": proxy.strict_arp,
                });
            }
            BackendName::Direct | BackendName::IptablesLegacy | BackendName::IptablesNft => {}
        }
        config
    }

    /// The pods' networks; of the node's own family in a release that runs one.
    fn cluster_cidr(&self, minor: u32) -> String {
        let own = self.node.addresses.first().map(std::net::IpAddr::is_ipv4);
        let networks = self.proxy.cluster_cidrs.iter();
        let networks = networks.filter(|network| minor >= BOTH_FAMILIES || Some(network.addr().is_ipv4()) == own);
        networks.map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

/// A kubeconfig, in JSON, for the API server at `server`.
pub(super) fn kubeconfig(server: SocketAddr) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "lab", "cluster": { "server": format!("http://{server}") } }],
        "users": [{ "name": "lab", "user": {} }],
        "contexts": [{ "name": "lab", "context": { "cluster": "lab", "user": "lab" } }],
        "current-context": "lab",
    })
}

fn mode(backend: BackendName) -> &'static str {
    match backend {
        BackendName::Direct | BackendName::IptablesLegacy | BackendName::IptablesNft => "iptables",
        BackendName::Ipvs => "ipvs",
        BackendName::Nftables => "nftables",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(version: &str, backend: BackendName) -> Value {
        let name = "kube-proxy".to_owned().into();
        let binary = KubeProxy { name, path: String::new(), version: version.to_owned(), sha256: String::new() };
        let (proxy, node) = (ProxyConfig::default(), Node::default());
        let told = Told { binary: &binary, backend, settings: Settings::usual(backend), proxy: &proxy, node: &node };
        told.configuration(Path::new("/run/kubeconfig"))
    }

    #[test]
    fn each_release_is_told_only_what_it_knows() {
        let old = config("v1.20.2", BackendName::IptablesLegacy);
        assert_eq!((&old["mode"], &old["clusterCIDR"]), (&json!("iptables"), &json!("10.128.0.0/9")));
        assert!(old["iptables"].get("localhostNodePorts").is_none());
        let new = config("v1.36.2", BackendName::IptablesNft);
        assert_eq!(new["clusterCIDR"], json!("10.128.0.0/9,fd00:10:128::/48"));
        assert_eq!(new["iptables"]["localhostNodePorts"], json!(true));
    }

    #[test]
    fn the_feature_gate_of_nftables_is_opened_where_there_is_one() {
        let gates = |version| config(version, BackendName::Nftables).get("featureGates").cloned();
        assert_eq!(gates("v1.30.5"), Some(json!({ "NFTablesProxyMode": true })));
        assert_eq!(gates("v1.36.2"), None);
        assert_eq!(config("v1.30.5", BackendName::Ipvs)["ipvs"]["scheduler"], json!("rr"));
    }
}
