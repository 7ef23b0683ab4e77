//! What Services ask for beyond an IPv4 cluster IP, and what keeps kube-proxy from programming them: what capacity
//! answers do not count, since they are from runs with cluster IPs.

use super::Cluster;
use super::family::Family;
use super::service::{Service, ServiceType, TrafficPolicy};
use std::fmt;
use std::sync::Arc;

/// Something beyond an IPv4 cluster IP, or for which kube-proxy does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// A Service without a cluster IP: kube-proxy does nothing for it.
    Headless,
    /// A Service that is only a DNS name: kube-proxy does nothing for it.
    ExternalName,
    /// A Service that a label assigns to another proxy.
    OtherProxy,
    /// A port that is also open on every node.
    NodePort,
    /// A Service of type `LoadBalancer`.
    LoadBalancer,
    /// A Service with external IPs.
    ExternalIps,
    /// A Service whose load balancer only accepts some sources.
    SourceRanges,
    /// A Service that keeps a client on its endpoint.
    SessionAffinity,
    /// A Service whose internal or external traffic stays on the node where it arrives.
    LocalPolicy,
    /// A port on an IPv6 cluster IP.
    Ipv6,
    /// A port without a ready endpoint. It is rejected, or served by terminating endpoints.
    NotReady,
}

impl Feature {
    /// As something that a Service has: `node ports`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Headless => "no cluster IP",
            Self::ExternalName => "type ExternalName",
            Self::OtherProxy => "another proxy",
            Self::NodePort => "node ports",
            Self::LoadBalancer => "type LoadBalancer",
            Self::ExternalIps => "external IPs",
            Self::SourceRanges => "source ranges",
            Self::SessionAffinity => "session affinity",
            Self::LocalPolicy => "a Local traffic policy",
            Self::Ipv6 => "IPv6",
            Self::NotReady => "no ready endpoint",
        }
    }
}

/// In the plural, for counts: `headless Services`.
impl fmt::Display for Feature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Headless => "headless Services",
            Self::ExternalName => "Services of type ExternalName",
            Self::OtherProxy => "Services of another proxy",
            Self::NodePort => "node ports",
            Self::LoadBalancer => "Services of type LoadBalancer",
            Self::ExternalIps => "Services with external IPs",
            Self::SourceRanges => "Services with source ranges",
            Self::SessionAffinity => "Services with session affinity",
            Self::LocalPolicy => "Services with a Local traffic policy",
            Self::Ipv6 => "ports on IPv6 addresses",
            Self::NotReady => "ports without a ready endpoint",
        })
    }
}

/// A feature of one Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Featured<'a> {
    /// The Service.
    pub service: &'a Service,
    /// What it has.
    pub feature: Feature,
}

/// By object: `Service default/testsvc: node ports`.
impl fmt::Display for Featured<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, feature } = self;
        write!(out, "Service {}/{}: {}", service.namespace, service.name, feature.name())
    }
}

impl Cluster {
    /// What the cluster has of this, for each Service. A feature of ports comes once for each port.
    pub fn features(&self) -> impl Iterator<Item = Featured<'_>> {
        let featured = |service| move |feature| Featured { service, feature };
        self.services.iter().map(Arc::as_ref).flat_map(move |service| of(service).into_iter().map(featured(service)))
    }
}

fn of(service: &Service) -> Vec<Feature> {
    match () {
        () if service.kind == ServiceType::ExternalName => return vec![Feature::ExternalName],
        () if service.other_proxy => return vec![Feature::OtherProxy],
        () if service.cluster_ips.is_empty() => return vec![Feature::Headless],
        () => {}
    }
    let local = [service.internal_policy, service.external_policy].contains(&TrafficPolicy::Local);
    let whole = [
        (Feature::LoadBalancer, service.kind == ServiceType::LoadBalancer),
        (Feature::ExternalIps, !service.external_ips.is_empty()),
        (Feature::SourceRanges, !service.source_ranges.is_empty()),
        (Feature::SessionAffinity, service.affinity.is_some()),
        (Feature::LocalPolicy, local),
    ];
    let whole = whole.into_iter().filter(|(_, has)| *has).map(|(feature, _)| feature);
    let node_ports = service.ports.iter().filter(|port| port.node_port.is_some()).map(|_| Feature::NodePort);
    let ipv6 = service.ports_of(Family::V6).map(|_| Feature::Ipv6);
    let programmed = Family::ALL.into_iter().flat_map(|family| service.ports_of(family));
    let not_ready = programmed.filter(|port| !port.is_ready()).map(|_| Feature::NotReady);
    whole.chain(node_ports).chain(ipv6).chain(not_ready).collect()
}

#[cfg(test)]
mod tests {
    use super::super::service::Port;
    use super::*;

    #[test]
    fn a_feature_is_said_by_object() {
        let port = Port { number: 80, node_port: Some(30080), ..Port::default() };
        let service = |name: &str| Service {
            namespace: "default".to_owned(),
            name: name.to_owned(),
            cluster_ips: [[10, 96, 0, 11].into()].into_iter().collect(),
            ..Service::default()
        };
        let services = vec![
            Service { kind: ServiceType::NodePort, ports: vec![port], ..service("testsvc") },
            Service { external_ips: vec![[192, 0, 2, 1].into()], ..service("other") },
            Service { kind: ServiceType::ExternalName, ..service("alias") },
        ];
        let services = services.into_iter().map(Arc::new).collect();
        let cluster = Cluster { services, ..Cluster::default() };
        let said: Vec<String> = cluster.features().map(|featured| featured.to_string()).collect();
        assert_eq!(
            said,
            [
                "Service default/testsvc: node ports",
                "Service default/testsvc: no ready endpoint",
                "Service default/other: external IPs",
                "Service default/alias: type ExternalName",
            ]
        );
    }

    #[test]
    fn a_generated_cluster_has_none() {
        let cluster = Cluster::generate(3, &super::super::AddressPlan::new(2));
        assert_eq!(cluster.features().count(), 0);
    }
}
