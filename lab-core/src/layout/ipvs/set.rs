//! The ipsets of ipvs mode: what they are called, what they hold, and the calls of `ipset` about them.
//!
//! The table is `ipsetInfo` in kube-proxy's `pkg/proxy/ipvs/proxier.go`, with the comments of its `ipset.go`.

use crate::cluster::Family;
use crate::layout::text::Text;
use crate::layout::{Action, Invocation, Part, ServerKey, Tool};
use ipnet::IpNet;
use std::net::IpAddr;

/// How many entries fit into each hash set: kube-proxy sets no `maxelem`, and this is ipset's default.
pub(super) const MOST_ENTRIES: usize = 65_536;

/// One of kube-proxy's sets. Each proxier has its own: the IPv6 ones have other names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Set {
    LoopBack,
    ClusterIp,
    ExternalIp,
    ExternalIpLocal,
    LoadBalancer,
    LoadBalancerFw,
    LoadBalancerLocal,
    LoadBalancerSourceIp,
    LoadBalancerSourceCidr,
    NodePortTcp,
    NodePortLocalTcp,
    NodePortUdp,
    NodePortLocalUdp,
    NodePortSctp,
    NodePortLocalSctp,
    HealthCheckNodePort,
    IpvsIps,
}

/// Its name for IPv4 and for IPv6, its type, and its comment in rules.
type Description = (&'static str, &'static str, &'static str, &'static str);

/// The type of a set, as `ipset` spells it.
const IP_PORT: &str = "hash:ip,port";
const IP_PORT_IP: &str = "hash:ip,port,ip";
const IP_PORT_NET: &str = "hash:ip,port,net";
const IP: &str = "hash:ip";
const PORT: &str = "bitmap:port";

impl Set {
    /// All of them, in the order of `ipsetInfo`. kube-proxy's own order is that of a Go map.
    pub(super) const ALL: [Self; 17] = [
        Self::LoopBack,
        Self::ClusterIp,
        Self::ExternalIp,
        Self::ExternalIpLocal,
        Self::LoadBalancer,
        Self::LoadBalancerFw,
        Self::LoadBalancerLocal,
        Self::LoadBalancerSourceIp,
        Self::LoadBalancerSourceCidr,
        Self::NodePortTcp,
        Self::NodePortLocalTcp,
        Self::NodePortUdp,
        Self::NodePortLocalUdp,
        Self::NodePortSctp,
        Self::NodePortLocalSctp,
        Self::HealthCheckNodePort,
        Self::IpvsIps,
    ];

    /// An IPv6 name has at most 31 characters, which cuts two of them.
    fn description(self) -> Description {
        match self {
            Self::LoopBack => (
                "KUBE-LOOP-BACK",
                "KUBE-6-LOOP-BACK",
                IP_PORT_IP,
                "Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose",
            ),
            Self::ClusterIp => (
                "KUBE-CLUSTER-IP",
                "KUBE-6-CLUSTER-IP",
                IP_PORT,
                "Kubernetes service cluster ip + port for masquerade purpose",
            ),
            Self::ExternalIp => (
                "KUBE-EXTERNAL-IP",
                "KUBE-6-EXTERNAL-IP",
                IP_PORT,
                "Kubernetes service external ip + port for masquerade and filter purpose",
            ),
            Self::ExternalIpLocal => (
                "KUBE-EXTERNAL-IP-LOCAL",
                "KUBE-6-EXTERNAL-IP-LOCAL",
                IP_PORT,
                "Kubernetes service external ip + port with externalTrafficPolicy=local",
            ),
            Self::LoadBalancer => {
                ("KUBE-LOAD-BALANCER", "KUBE-6-LOAD-BALANCER", IP_PORT, "Kubernetes service lb portal")
            }
            Self::LoadBalancerFw => (
                "KUBE-LOAD-BALANCER-FW",
                "KUBE-6-LOAD-BALANCER-FW",
                IP_PORT,
                "Kubernetes service load balancer ip + port for load balancer with sourceRange",
            ),
            Self::LoadBalancerLocal => (
                "KUBE-LOAD-BALANCER-LOCAL",
                "KUBE-6-LOAD-BALANCER-LOCAL",
                IP_PORT,
                "Kubernetes service load balancer ip + port with externalTrafficPolicy=local",
            ),
            Self::LoadBalancerSourceIp => (
                "KUBE-LOAD-BALANCER-SOURCE-IP",
                "KUBE-6-LOAD-BALANCER-SOURCE-IP",
                IP_PORT_IP,
                "Kubernetes service load balancer ip + port + source IP for packet filter purpose",
            ),
            Self::LoadBalancerSourceCidr => (
                "KUBE-LOAD-BALANCER-SOURCE-CIDR",
                "KUBE-6-LOAD-BALANCER-SOURCE-CID",
                IP_PORT_NET,
                "Kubernetes service load balancer ip + port + source cidr for packet filter purpose",
            ),
            Self::NodePortTcp => (
                "KUBE-NODE-PORT-TCP",
                "KUBE-6-NODE-PORT-TCP",
                PORT,
                "Kubernetes nodeport TCP port for masquerade purpose",
            ),
            Self::NodePortLocalTcp => (
                "KUBE-NODE-PORT-LOCAL-TCP",
                "KUBE-6-NODE-PORT-LOCAL-TCP",
                PORT,
                "Kubernetes nodeport TCP port with externalTrafficPolicy=local",
            ),
            Self::NodePortUdp => (
                "KUBE-NODE-PORT-UDP",
                "KUBE-6-NODE-PORT-UDP",
                PORT,
                "Kubernetes nodeport UDP port for masquerade purpose",
            ),
            Self::NodePortLocalUdp => (
                "KUBE-NODE-PORT-LOCAL-UDP",
                "KUBE-6-NODE-PORT-LOCAL-UDP",
                PORT,
                "Kubernetes nodeport UDP port with externalTrafficPolicy=local",
            ),
            Self::NodePortSctp => (
                "KUBE-NODE-PORT-SCTP-HASH",
                "KUBE-6-NODE-PORT-SCTP-HASH",
                IP_PORT,
                "Kubernetes nodeport SCTP port for masquerade purpose with type 'hash ip:port'",
            ),
            Self::NodePortLocalSctp => (
                "KUBE-NODE-PORT-LOCAL-SCTP-HASH",
                "KUBE-6-NODE-PORT-LOCAL-SCTP-HAS",
                IP_PORT,
                "Kubernetes nodeport SCTP port with externalTrafficPolicy=local with type 'hash ip:port'",
            ),
            Self::HealthCheckNodePort => (
                "KUBE-HEALTH-CHECK-NODE-PORT",
                "KUBE-6-HEALTH-CHECK-NODE-PORT",
                PORT,
                "Kubernetes health check node port",
            ),
            // No rule has its comment.
            Self::IpvsIps => ("KUBE-IPVS-IPS", "KUBE-6-IPVS-IPS", IP, ""),
        }
    }

    /// Its name.
    pub(super) fn name(self, family: Family) -> &'static str {
        let (v4, v6, ..) = self.description();
        match family {
            Family::V4 => v4,
            Family::V6 => v6,
        }
    }

    /// What the rules that match it say.
    pub(super) fn comment(self) -> &'static str {
        self.description().3
    }

    /// Whether it has room for [`MOST_ENTRIES`] only. A bitmap has a place for every port.
    pub(super) fn is_limited(self) -> bool {
        self.description().2 != PORT
    }

    /// The words that make it.
    fn definition(self, family: Family) -> [&'static str; 9] {
        let (.., kind, _) = self.description();
        let inet = if family == Family::V4 { "inet" } else { "inet6" };
        let name = self.name(family);
        match kind {
            PORT => ["create", name, kind, "range", "0-65535", "", "", "", ""],
            _ => ["create", name, kind, "family", inet, "hashsize", "1024", "maxelem", "65536"],
        }
    }

    /// Makes it unless it exists.
    pub(super) fn create(self, family: Family) -> Action {
        let words = self.definition(family).into_iter().filter(|word| !word.is_empty());
        Action::Call(Part::Sets, ipset(words.chain(["-exist"])))
    }

    /// The same as a line of what `ipset restore` reads.
    pub(super) fn put_create(self, family: Family, out: &mut Vec<u8>) {
        for word in self.definition(family).into_iter().filter(|word| !word.is_empty()) {
            out.put(word).put(" ");
        }
        out.pop();
        out.put("\n");
    }

    /// Lists it.
    pub(super) fn list(self, family: Family) -> Action {
        Action::Call(Part::Reads, ipset(["list", self.name(family)]))
    }

    /// Removes it.
    pub(super) fn destroy(self, family: Family) -> Action {
        Action::Try(Part::Sets, ipset(["destroy", self.name(family)]))
    }

    /// Adds an entry, spelled as kube-proxy does.
    pub(super) fn add(self, family: Family, entry: Entry) -> Invocation {
        ipset(["add", self.name(family), &entry.text(Spelling::KubeProxy), "-exist"])
    }

    /// Removes an entry, spelled as `ipset list` does.
    pub(super) fn delete(self, family: Family, entry: Entry) -> Invocation {
        ipset(["del", self.name(family), &entry.text(Spelling::Listed)])
    }
}

/// One call of `ipset`.
pub(super) fn ipset<'a>(words: impl IntoIterator<Item = &'a str>) -> Invocation {
    let args = words.into_iter().map(str::to_owned).collect();
    Invocation { tool: Tool::Ipset, args, stdin: Vec::new() }
}

/// An entry of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Entry {
    /// `31268`.
    Port(u16),
    /// `10.96.0.11`.
    Address(IpAddr),
    /// `10.96.0.11,tcp:80`.
    Socket(ServerKey),
    /// To and from the same address: `10.244.0.3,tcp:8080,10.244.0.3`.
    Loop(ServerKey),
    /// From a network: `192.0.2.246,tcp:80,203.0.113.0/24`.
    From(ServerKey, IpNet),
}

/// Who spells an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// kube-proxy: a network of one address has its prefix.
    KubeProxy,
    /// `ipset list`: it has none. kube-proxy takes that for another entry, and removes and adds it at every sync.
    Listed,
}

impl Entry {
    /// Whether the kernel takes it. A `hash:ip,port,net` has no room for a network of every address.
    pub(super) fn can_be_stored(&self) -> bool {
        !matches!(self, Self::From(_, network) if network.prefix_len() == 0)
    }

    /// Whether kube-proxy spells it as `ipset list` does.
    pub(super) fn is_recognised(&self) -> bool {
        !matches!(self, Self::From(_, network) if network.prefix_len() == network.max_prefix_len())
    }

    pub(super) fn put(self, spelling: Spelling, out: &mut Vec<u8>) {
        match self {
            Self::Port(port) => _ = out.number(port.into()),
            Self::Address(address) => _ = out.address(address),
            Self::Socket(key) => put_socket(key, out),
            Self::Loop(key) => {
                put_socket(key, out);
                out.put(",").address(key.address.ip());
            }
            Self::From(key, network) => {
                put_socket(key, out);
                out.put(",").address(network.addr());
                if spelling == Spelling::KubeProxy || self.is_recognised() {
                    out.put("/").number(network.prefix_len().into());
                }
            }
        }
    }

    fn text(self, spelling: Spelling) -> String {
        let mut text = Vec::with_capacity(32);
        self.put(spelling, &mut text);
        String::from_utf8(text).expect("entries are ASCII")
    }
}

fn put_socket(ServerKey { protocol, address }: ServerKey, out: &mut Vec<u8>) {
    out.address(address.ip()).put(",").put(protocol.name()).put(":").number(address.port().into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_name_is_the_ipv4_one_with_a_6_and_fits_into_31_characters() {
        for set in Set::ALL {
            let mut expected = set.name(Family::V4).replacen("KUBE-", "KUBE-6-", 1);
            expected.truncate(31);
            assert_eq!(set.name(Family::V6), expected);
        }
    }

    #[test]
    fn a_network_of_one_address_is_spelled_in_two_ways() {
        let key = ServerKey { protocol: crate::cluster::Protocol::Tcp, address: "192.0.2.1:80".parse().unwrap() };
        let entry = Entry::From(key, "198.51.100.7/32".parse().unwrap());
        assert_eq!(entry.text(Spelling::KubeProxy), "192.0.2.1,tcp:80,198.51.100.7/32");
        assert_eq!(entry.text(Spelling::Listed), "192.0.2.1,tcp:80,198.51.100.7");
        assert!(!entry.is_recognised() && entry.can_be_stored());
        assert!(!Entry::From(key, "0.0.0.0/0".parse().unwrap()).can_be_stored());
    }
}
