//! A Service: its addresses, its ports and what it asks of a proxy.

use super::endpoint::Endpoint;
use super::family::Family;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// A transport protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP: the default in Kubernetes.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// Its number in the IP header.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
        }
    }

    /// Lower case, as iptables and nft spell it and as kube-proxy hashes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

/// How a Service is published. Each type includes the one before it, except `ExternalName`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ServiceType {
    /// On a cluster IP, or headless.
    #[default]
    ClusterIp,
    /// On a port of every node, too.
    NodePort,
    /// On a load balancer's addresses, too.
    LoadBalancer,
    /// A DNS name only; kube-proxy does nothing for it.
    ExternalName,
}

impl ServiceType {
    /// As the API spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClusterIp => "ClusterIP",
            Self::NodePort => "NodePort",
            Self::LoadBalancer => "LoadBalancer",
            Self::ExternalName => "ExternalName",
        }
    }
}

/// Which endpoints traffic may go to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TrafficPolicy {
    /// All of them.
    #[default]
    Cluster,
    /// Only those on the node where the traffic arrives.
    Local,
}

impl TrafficPolicy {
    /// As the API spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cluster => "Cluster",
            Self::Local => "Local",
        }
    }
}

/// How a load balancer hands traffic to the nodes (`ipMode`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum IpMode {
    /// With its own address as the destination: the node answers for it.
    #[default]
    Vip,
    /// With a node's or pod's address as the destination: kube-proxy programs nothing for it.
    Proxy,
}

/// One address of a load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ingress {
    /// The address.
    pub address: IpAddr,
    /// How it hands traffic on.
    pub mode: IpMode,
}

/// A Service's cluster IPs, at most one a family. A headless Service has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClusterIps {
    /// The IPv4 one.
    pub v4: Option<Ipv4Addr>,
    /// The IPv6 one.
    pub v6: Option<Ipv6Addr>,
}

impl ClusterIps {
    /// The one of `family`.
    #[must_use]
    pub fn of(self, family: Family) -> Option<IpAddr> {
        match family {
            Family::V4 => self.v4.map(IpAddr::V4),
            Family::V6 => self.v6.map(IpAddr::V6),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.v4.is_none() && self.v6.is_none()
    }
}

impl FromIterator<IpAddr> for ClusterIps {
    fn from_iter<T: IntoIterator<Item = IpAddr>>(addresses: T) -> Self {
        let mut ips = Self::default();
        for address in addresses {
            match address {
                IpAddr::V4(address) => ips.v4 = Some(address),
                IpAddr::V6(address) => ips.v6 = Some(address),
            }
        }
        ips
    }
}

/// One port of a Service, with the endpoints behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// Its name; empty when it has none.
    pub name: String,
    /// Its protocol.
    pub protocol: Protocol,
    /// The port on the Service's addresses.
    pub number: u16,
    /// The port on every node, if any.
    pub node_port: Option<u16>,
    /// The endpoints of both families, usable or not, in the order in which kube-proxy picks among them: see
    /// [`in_picking_order`](super::in_picking_order).
    pub endpoints: Vec<Endpoint>,
}

/// A Service with its endpoints.
///
/// The default one is a headless Service without ports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How it is published.
    pub kind: ServiceType,
    /// Whether a label gives it to another proxy than kube-proxy (`service.kubernetes.io/service-proxy-name`).
    pub other_proxy: bool,
    /// Its cluster IPs.
    pub cluster_ips: ClusterIps,
    /// Addresses outside the cluster's ranges that nodes answer for.
    pub external_ips: Vec<IpAddr>,
    /// Its load balancer's addresses.
    pub ingress: Vec<Ingress>,
    /// The sources that may use its load balancer; empty for all.
    pub source_ranges: Vec<IpNet>,
    /// For how long a client stays with its endpoint (session affinity `ClientIP`); `None` without affinity.
    pub affinity: Option<Duration>,
    /// Whether an annotation asks for topology aware routing (`service.kubernetes.io/topology-mode: Auto`).
    pub topology_aware: bool,
    /// Where traffic from pods and nodes may go.
    pub internal_policy: TrafficPolicy,
    /// Where traffic from outside the cluster may go.
    pub external_policy: TrafficPolicy,
    /// Where a load balancer asks a node whether it has endpoints (with external policy `Local`).
    pub health_check_node_port: Option<u16>,
    /// Its ports.
    pub ports: Vec<Port>,
}

impl Service {
    /// Namespace and name: no two Services of a cluster share both.
    #[must_use]
    pub fn key(&self) -> (&str, &str) {
        (&self.namespace, &self.name)
    }

    /// Whether kube-proxy skips it: see `ShouldSkipService` and the label that its informers filter by. One with a name
    /// that Kubernetes forbids never comes to it.
    #[must_use]
    pub fn is_skipped(&self) -> bool {
        self.other_proxy
            || self.kind == ServiceType::ExternalName
            || self.cluster_ips.is_empty()
            || self.forbidden_name().is_some()
    }

    /// The first of its names that is no DNS label: its namespace's, its own or a port's. Kubernetes forbids them, and a
    /// rule with one could be read as something else.
    #[must_use]
    pub fn forbidden_name(&self) -> Option<&str> {
        let own = [&self.namespace, &self.name].into_iter().find(|name| !is_label(name));
        let of_port = || self.ports.iter().map(|port| &port.name).find(|name| !is_label(name));
        own.or_else(of_port).map(String::as_str)
    }
}

/// Whether `name` has only what DNS labels have. Their length is not looked at here, and none is harmless.
fn is_label(name: &str) -> bool {
    let (bytes, allowed) = (name.as_bytes(), |letter: &u8| matches!(letter, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    bytes.iter().all(allowed) && bytes.first() != Some(&b'-') && bytes.last() != Some(&b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dns_labels_are_names() {
        let named = |namespace: &str, name: &str, port: &str| Service {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            ports: vec![Port { name: port.to_owned(), ..Port::default() }],
            ..Service::default()
        };
        assert_eq!(named("default", "web-1", "").forbidden_name(), None);
        for name in ["a\"b", "a\nb", "a b", "a;b", "a{b", "a/b", "a:b", "A", "-a", "a-", "\u{1b}[1m", "ä", "a.b"] {
            assert_eq!(named("default", name, "http").forbidden_name(), Some(name));
            assert_eq!(named(name, "web", "http").forbidden_name(), Some(name));
        }
        assert_eq!(named("default", "web", "a\nb").forbidden_name(), Some("a\nb"));
        assert!(named("default", "a\nb", "").is_skipped());
    }
}
