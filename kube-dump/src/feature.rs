//! What a cluster has that the lab does not program.

use k8s_openapi::api::core::v1::ServiceSpec;
use std::fmt;

/// Something of a Service that kube-proxy programs, or that keeps it from programming it, and that is not simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// A Service without a cluster IP: kube-proxy does nothing for it.
    Headless,
    /// A Service that is only a DNS name: kube-proxy does nothing for it.
    ExternalName,
    /// A Service that its label gives to another proxy than kube-proxy.
    OtherProxy,
    /// A port that is open on every node, too.
    NodePort,
    /// A Service of type `LoadBalancer`.
    LoadBalancer,
    /// A Service with external IPs.
    ExternalIps,
    /// A Service that only some sources may reach through its load balancer.
    SourceRanges,
    /// A Service that sends a client to the same endpoint every time.
    SessionAffinity,
    /// A Service whose traffic from within stays on the node, or that from without does.
    LocalPolicy,
    /// A port on an IPv6 cluster IP.
    Ipv6,
    /// A port none of whose endpoints is ready, and that is refused or served by those that are going.
    NotReady,
}

/// In the plural, as counted things are spelled: `headless Services`.
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

impl Feature {
    /// What a Service that has a cluster IP asks of kube-proxy beyond it, once a Service or a port.
    pub(crate) fn of(spec: &ServiceSpec) -> Vec<Self> {
        let is = |text: &Option<String>, value: &str| text.as_deref() == Some(value);
        let node_ports = spec.ports.iter().flatten().filter(|port| port.node_port.is_some()).map(|_| Self::NodePort);
        let local = [&spec.internal_traffic_policy, &spec.external_traffic_policy];
        let services = [
            (Self::LoadBalancer, is(&spec.type_, "LoadBalancer")),
            (Self::ExternalIps, !spec.external_ips.as_deref().unwrap_or_default().is_empty()),
            (Self::SourceRanges, !spec.load_balancer_source_ranges.as_deref().unwrap_or_default().is_empty()),
            (Self::SessionAffinity, is(&spec.session_affinity, "ClientIP")),
            (Self::LocalPolicy, local.iter().any(|policy| is(policy, "Local"))),
        ];
        services.into_iter().filter(|(_, has)| *has).map(|(feature, _)| feature).chain(node_ports).collect()
    }
}
