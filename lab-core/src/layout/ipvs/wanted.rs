//! What one proxier wants a node to hold: virtual servers with their real ones, addresses, and entries of sets.
//!
//! The walk over the Services is that of `syncProxyRules` in kube-proxy's `pkg/proxy/ipvs/proxier.go`.

use super::set::{Entry, Set};
use super::{Ipvs, Version};
use crate::cluster::{Cluster, Endpoint, Family, IpMode, Node, Protocol, ServicePort, ServiceType, TrafficPolicy, Use};
use crate::layout::{RealServer, ServerKey, VirtualServer};
use crate::proxy_config::NodePortAddresses;
use crate::vocabulary::Forwarding;
use ipnet::IpNet;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;

/// The weight of all real servers in kube-proxy.
const WEIGHT: u32 = 1;

/// The state that a proxier of one family aims at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// In the order of the Services.
    pub(super) servers: Vec<Server>,
    /// The real servers of all virtual ones.
    real_servers: Vec<RealServer>,
    /// Where each virtual server is.
    places: HashMap<ServerKey, usize>,
    /// The addresses of the device: each once, in order.
    pub(super) addresses: Vec<IpAddr>,
    /// The entries of each set: each once, in order.
    entries: [Vec<Entry>; Set::ALL.len()],
    /// Load balancers that the node itself may not use: the rules of KUBE-IPVS-OUT-FILTER.
    pub(super) no_node_access: Vec<ServerKey>,
}

/// One virtual server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) server: VirtualServer,
    /// Whether its address belongs on the device.
    pub(super) bound: bool,
    real_servers: Range<usize>,
}

impl Wanted {
    /// For the Services of `cluster` in `family`.
    pub(super) fn of(layout: &Ipvs, cluster: &Cluster, family: Family) -> Self {
        let services = cluster.services.len();
        let mut walk = Walk {
            layout,
            node: &cluster.node,
            family,
            node_port_addresses: node_port_addresses(layout, &cluster.node, family),
            wanted: Self {
                servers: Vec::with_capacity(services),
                places: HashMap::with_capacity(services),
                ..Self::default()
            },
        };
        for port in cluster.ports(family) {
            walk.port(port);
        }
        walk.finish()
    }

    /// The entries of `set`.
    pub(super) fn entries(&self, set: Set) -> &[Entry] {
        &self.entries[set as usize]
    }

    /// The virtual server with this address, port and protocol.
    pub(super) fn server(&self, key: &ServerKey) -> Option<&Server> {
        self.places.get(key).map(|&place| &self.servers[place])
    }

    /// The real servers of `server`, which is one of these.
    pub(super) fn real_servers(&self, server: &Server) -> &[RealServer] {
        &self.real_servers[server.real_servers.clone()]
    }

    /// Whether `address` is wanted on the device.
    pub(super) fn has_address(&self, address: IpAddr) -> bool {
        self.addresses.binary_search(&address).is_ok()
    }
}

/// The node's addresses with virtual servers for node ports.
pub(super) fn node_port_addresses(layout: &Ipvs, node: &Node, family: Family) -> Vec<IpAddr> {
    let mut addresses = own_addresses(layout.version, node, family);
    match &layout.config.node_port_addresses {
        NodePortAddresses::Usual => {}
        NodePortAddresses::Primary => addresses.retain(|&address| Some(address) == node.address(family)),
        NodePortAddresses::In(networks) => {
            let mut networks = networks.iter().filter(|network| Family::of(network.addr()) == family).peekable();
            // Without a network of this family, kube-proxy takes that of every address.
            if networks.peek().is_some() {
                let networks: Vec<&IpNet> = networks.collect();
                addresses.retain(|address| networks.iter().any(|network| network.contains(address)));
            }
        }
    }
    addresses
}

/// The addresses of all devices but kube-proxy's own. 1.20 reads them off the local routes, those of `lo` included.
fn own_addresses(version: Version, node: &Node, family: Family) -> Vec<IpAddr> {
    let of_family = node.addresses.iter().copied().filter(|&address| Family::of(address) == family);
    let loopback = (version == Version::V1_20).then_some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    of_family.chain(loopback).collect()
}

/// Whether traffic from outside to `port` stays on the node where it arrives. Only Services that are reached from outside
/// have the policy (`ExternalPolicyLocal`; in 1.20 `RequestsOnlyLocalTraffic`, without external IPs).
fn is_external_local(version: Version, port: ServicePort<'_>) -> bool {
    let published = match port.service.kind {
        ServiceType::NodePort | ServiceType::LoadBalancer => true,
        ServiceType::ClusterIp => version == Version::V1_30 && !port.service.external_ips.is_empty(),
        ServiceType::ExternalName => false,
    };
    published && port.service.external_policy == TrafficPolicy::Local
}

struct Walk<'a> {
    layout: &'a Ipvs,
    node: &'a Node,
    family: Family,
    node_port_addresses: Vec<IpAddr>,
    wanted: Wanted,
}

/// The endpoints of a port, by the policy of its traffic.
struct Endpoints<'a> {
    cluster: Vec<&'a Endpoint>,
    local: Vec<&'a Endpoint>,
}

impl Walk<'_> {
    fn port(&mut self, port: ServicePort<'_>) {
        let Endpoints { cluster, local } = self.endpoints(port);
        let version = self.layout.version;
        let external_local = is_external_local(version, port);
        let external = if external_local { &local } else { &cluster };

        self.loops(port);
        let key = ServerKey { protocol: port.protocol(), address: port.socket() };
        self.enter(Set::ClusterIp, Entry::Socket(key));
        let internal = if port.is_internal_local(version.choice()) { &local } else { &cluster };
        self.server(key, port, internal, true);

        for address in port.external_ips() {
            let key = at(key, address);
            let set = if external_local { Set::ExternalIpLocal } else { Set::ExternalIp };
            self.enter(set, Entry::Socket(key));
            self.server(key, port, external, self.binds(address));
        }
        let vip = |mode| version == Version::V1_20 || mode == IpMode::Vip;
        for ingress in port.service.ingress.iter().filter(|ingress| vip(ingress.mode)) {
            if Family::of(ingress.address) == self.family {
                let key = at(key, ingress.address);
                self.balancer(key, port, external_local);
                self.server(key, port, external, self.binds(ingress.address));
            }
        }
        if let Some(number) = port.node_port() {
            if self.node_port_addresses.is_empty() {
                // kube-proxy goes on to the next port here, without a look at the health check.
                return;
            }
            self.node_port(number, port, external, external_local);
        }
        let health_check = port.service.health_check_node_port.filter(|&port| port != 0 && external_local);
        if let Some(number) = health_check.filter(|_| version == Version::V1_30) {
            self.enter(Set::HealthCheckNodePort, Entry::Port(number));
        }
    }

    /// `syncEndpoint`. From 1.22 on, traffic that is to stay on a node without endpoints goes to all of them.
    fn endpoints<'p>(&self, port: ServicePort<'p>) -> Endpoints<'p> {
        let reach = port.reach(self.node, self.layout.version.choice());
        match self.layout.version {
            Version::V1_20 => {
                let local = reach.cluster.iter().copied().filter(|endpoint| endpoint.is_on(self.node)).collect();
                Endpoints { cluster: reach.cluster, local }
            }
            Version::V1_30 => {
                let local = if reach.local.is_empty() { reach.cluster.clone() } else { reach.local };
                Endpoints { cluster: reach.cluster, local }
            }
        }
    }

    /// The endpoints of this node, which may come back to themselves. 1.20 only knows the ready ones.
    fn loops(&mut self, port: ServicePort<'_>) {
        let of_family = |endpoint: &&Endpoint| Family::of(endpoint.address) == self.family && endpoint.port != 0;
        let known = |endpoint: &&Endpoint| self.layout.version == Version::V1_30 || endpoint.usage() == Use::Ready;
        let local = port.port.endpoints.iter().filter(|endpoint| endpoint.is_on(self.node)).filter(of_family);
        let key = |endpoint: &Endpoint| ServerKey { protocol: port.protocol(), address: endpoint.socket() };
        let entries = local.filter(known).map(|endpoint| Entry::Loop(key(endpoint)));
        self.wanted.entries[Set::LoopBack as usize].extend(entries);
    }

    fn balancer(&mut self, key: ServerKey, port: ServicePort<'_>, local: bool) {
        self.enter(Set::LoadBalancer, Entry::Socket(key));
        if local {
            self.enter(Set::LoadBalancerLocal, Entry::Socket(key));
        }
        let ranges = port.service.source_ranges.iter().filter(|range| Family::of(range.addr()) == self.family);
        let ranges: Vec<IpNet> = ranges.map(IpNet::trunc).collect();
        if ranges.is_empty() {
            return;
        }
        self.enter(Set::LoadBalancerFw, Entry::Socket(key));
        let own = self.node.address(self.family).unwrap_or_else(|| loopback(self.family));
        for &range in &ranges {
            self.enter(Set::LoadBalancerSourceCidr, Entry::From(key, range));
        }
        if ranges.iter().any(|range| range.contains(&own)) {
            self.enter(Set::LoadBalancerSourceIp, Entry::Loop(key));
        } else if self.layout.version == Version::V1_30 {
            self.wanted.no_node_access.push(key);
        }
    }

    fn node_port(&mut self, number: u16, port: ServicePort<'_>, endpoints: &[&Endpoint], local: bool) {
        let (all, only_local) = match port.protocol() {
            Protocol::Tcp => (Set::NodePortTcp, Set::NodePortLocalTcp),
            Protocol::Udp => (Set::NodePortUdp, Set::NodePortLocalUdp),
            Protocol::Sctp => (Set::NodePortSctp, Set::NodePortLocalSctp),
        };
        for place in 0..self.node_port_addresses.len() {
            let address = SocketAddr::new(self.node_port_addresses[place], number);
            let key = ServerKey { protocol: port.protocol(), address };
            // A bitmap knows no addresses.
            let entry = if all == Set::NodePortSctp { Entry::Socket(key) } else { Entry::Port(number) };
            self.enter(all, entry);
            if local {
                self.enter(only_local, entry);
            }
            self.server(key, port, endpoints, false);
        }
    }

    /// Where two Services have the same address, port and protocol, the later one has it. kube-proxy's order is random.
    fn server(&mut self, key: ServerKey, port: ServicePort<'_>, endpoints: &[&Endpoint], bound: bool) {
        let wanted = &mut self.wanted;
        let start = wanted.real_servers.len();
        let forwarding = self.layout.forwarding;
        for endpoint in endpoints {
            let port = if forwarding == Forwarding::Masquerading { endpoint.port } else { key.address.port() };
            let address = SocketAddr::new(endpoint.address, port);
            // Without rewriting, two ports of one pod are one real server.
            if forwarding == Forwarding::Masquerading
                || wanted.real_servers[start..].iter().all(|other| other.address != address)
            {
                wanted.real_servers.push(RealServer { address, forwarding, weight: WEIGHT });
            }
        }
        let real_servers = start..wanted.real_servers.len();
        let persistence = port.service.affinity;
        let server = VirtualServer { key, scheduler: self.layout.scheduler, persistence };
        let server = Server { server, bound, real_servers };
        match wanted.places.get(&key) {
            Some(&place) => wanted.servers[place] = server,
            None => {
                wanted.places.insert(key, wanted.servers.len());
                wanted.servers.push(server);
            }
        }
        if bound {
            wanted.addresses.push(key.address.ip());
        }
    }

    /// From 1.26 on, an address that another device has is not bound.
    fn binds(&self, address: IpAddr) -> bool {
        self.layout.version == Version::V1_20 || !self.node.addresses.contains(&address)
    }

    fn enter(&mut self, set: Set, entry: Entry) {
        self.wanted.entries[set as usize].push(entry);
    }

    fn finish(self) -> Wanted {
        let mut wanted = self.wanted;
        wanted.addresses.sort_unstable();
        wanted.addresses.dedup();
        if self.layout.version == Version::V1_30 {
            let addresses = wanted.addresses.iter().map(|&address| Entry::Address(address));
            wanted.entries[Set::IpvsIps as usize] = addresses.collect();
        }
        for entries in &mut wanted.entries {
            entries.sort_unstable();
            entries.dedup();
        }
        wanted
    }
}

fn at(key: ServerKey, address: IpAddr) -> ServerKey {
    ServerKey { address: SocketAddr::new(address, key.address.port()), ..key }
}

/// What kube-proxy takes for the node's address in a family in which the node has none.
fn loopback(family: Family) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::LOCALHOST.into(),
        Family::V6 => Ipv6Addr::LOCALHOST.into(),
    }
}

/// What of `left` is not in `right`. Both are in order, without doubles.
pub(super) fn without<'a, T: Ord>(left: &'a [T], right: &'a [T]) -> impl Iterator<Item = &'a T> {
    let mut rest = right.iter().peekable();
    left.iter().filter(move |&item| {
        while rest.next_if(|&other| other < item).is_some() {}
        rest.peek() != Some(&item)
    })
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn what_both_lists_have_is_left_out() {
        let left = |right: &[u8]| without(&[1, 3, 5], right).copied().collect::<Vec<_>>();
        assert_eq!(left(&[]), [1, 3, 5]);
        assert_eq!(left(&[0, 3, 4]), [1, 5]);
        assert!(left(&[1, 2, 3, 5, 7]).is_empty());
    }
}
