//! What kube-proxy programs for a cluster IP: a port of a Service with the endpoints behind it.

use lab_core::cluster::{Protocol, ServicePort, in_picking_order};
use std::net::{IpAddr, SocketAddr};

/// An address family. kube-proxy keeps a set of rules for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// IPv4: what the lab programs today.
    V4,
    /// IPv6.
    V6,
}

/// One port of one Service on one of its cluster IPs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The Service's namespace.
    pub namespace: String,
    /// The Service's name.
    pub name: String,
    /// The port's name; empty when it has none.
    pub port_name: String,
    /// The port's protocol.
    pub protocol: Protocol,
    /// The cluster IP.
    pub cluster_ip: IpAddr,
    /// The port on it.
    pub port: u16,
    /// The endpoints that kube-proxy would send to, each once: those that are ready, or, where none is, those that are going
    /// but still serve.
    pub endpoints: Vec<SocketAddr>,
    /// Whether they are ready.
    pub ready: bool,
}

/// How endpoints spread over ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// Half of the ports have at most so many.
    pub median: usize,
    /// Nine of ten have.
    pub p90: usize,
    /// All have.
    pub max: usize,
    /// All endpoints of all ports.
    pub total: usize,
}

impl Family {
    /// The family of `address`.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

impl Port {
    /// The port as a layout takes it; `None` for IPv6, which the lab does not program.
    #[must_use]
    pub fn service_port(&self) -> Option<ServicePort> {
        let IpAddr::V4(cluster_ip) = self.cluster_ip else { return None };
        let v4 = |endpoint: &SocketAddr| if let SocketAddr::V4(endpoint) = endpoint { Some(*endpoint) } else { None };
        Some(ServicePort {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            port_name: self.port_name.clone(),
            protocol: self.protocol,
            cluster_ip,
            port: self.port,
            endpoints: in_picking_order(self.endpoints.iter().filter_map(v4).collect()),
        })
    }
}

impl Spread {
    /// How the endpoints of `ports` spread; `None` without ports.
    pub(crate) fn of<'a>(ports: impl Iterator<Item = &'a Port>) -> Option<Self> {
        let mut counts: Vec<usize> = ports.map(|port| port.endpoints.len()).collect();
        counts.sort_unstable();
        let last = counts.len().checked_sub(1)?;
        // The smallest count that at least so many of ten reach or stay below.
        let at = |tenths: usize| counts[(counts.len() * tenths).div_ceil(10).max(1) - 1];
        Some(Self { median: at(5), p90: at(9), max: counts[last], total: counts.iter().sum() })
    }
}
