//! One port of one Service in one family with its usable endpoints: the unit that kube-proxy programs.

use super::endpoint::{Endpoint, Use};
use super::family::Family;
use super::service::{Port, Protocol, Service};
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// A view of a Service's port in one family, cheap to make and to copy. It joins an entry of kube-proxy's map of Services
/// with its entry in the map of endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServicePort<'a> {
    /// The Service.
    pub service: &'a Service,
    /// The port.
    pub port: &'a Port,
    /// The Service's cluster IP of this family: a copy, since it is what is asked for most.
    cluster_ip: IpAddr,
    /// The port's number and protocol, copied for the same reason.
    number: u16,
    protocol: Protocol,
    /// Which endpoints are usable; `Unused` if none is.
    used: Use,
}

impl<'a> ServicePort<'a> {
    /// `cluster_ip` is one of `service`'s.
    fn new(service: &'a Service, port: &'a Port, cluster_ip: IpAddr) -> Self {
        let family = Family::of(cluster_ip);
        let mut used = Use::Unused;
        for endpoint in port.endpoints.iter().filter(|endpoint| Family::of(endpoint.address) == family) {
            used = used.min(endpoint.usage());
            if used == Use::Ready {
                break;
            }
        }
        Self { service, port, cluster_ip, number: port.number, protocol: port.protocol, used }
    }

    /// The Service's namespace.
    #[must_use]
    pub fn namespace(self) -> &'a str {
        &self.service.namespace
    }

    /// The Service's name.
    #[must_use]
    pub fn name(self) -> &'a str {
        &self.service.name
    }

    /// The family of its cluster IP.
    #[must_use]
    pub fn family(self) -> Family {
        Family::of(self.cluster_ip)
    }

    /// The port's protocol.
    #[must_use]
    pub fn protocol(self) -> Protocol {
        self.protocol
    }

    /// The Service's cluster IP of this family.
    #[must_use]
    pub fn cluster_ip(self) -> IpAddr {
        self.cluster_ip
    }

    /// The cluster IP and the port.
    #[must_use]
    pub fn socket(self) -> SocketAddr {
        SocketAddr::new(self.cluster_ip, self.number)
    }

    /// The usable endpoints: the ready ones or, without any, those that terminate and still serve. These are the endpoints
    /// on all nodes (`categorizeEndpoints` with traffic policy `Cluster` and without topology hints).
    pub fn endpoints(self) -> impl DoubleEndedIterator<Item = &'a Endpoint> + Clone {
        let all = if self.has_endpoints() { &self.port.endpoints[..] } else { &[] };
        let family = self.family();
        let usable =
            move |endpoint: &&Endpoint| Family::of(endpoint.address) == family && endpoint.usage() == self.used;
        all.iter().filter(usable)
    }

    /// How many usable endpoints there are.
    #[must_use]
    pub fn endpoint_count(self) -> usize {
        self.endpoints().count()
    }

    /// Whether there is any usable endpoint.
    #[must_use]
    pub fn has_endpoints(self) -> bool {
        self.used != Use::Unused
    }

    /// Whether an endpoint is ready.
    #[must_use]
    pub fn is_ready(self) -> bool {
        self.used == Use::Ready
    }

    /// Whether `endpoint`'s address and port are those of a usable endpoint.
    #[must_use]
    pub fn has(self, endpoint: &Endpoint) -> bool {
        self.endpoints().any(|other| (other.address, other.port) == (endpoint.address, endpoint.port))
    }

    /// The same port of the same family in `service`: an earlier or later state of its Service.
    #[must_use]
    pub fn in_state(self, service: &Service) -> Option<ServicePort<'_>> {
        let same =
            |other: &ServicePort<'_>| (&other.port.name, other.port.protocol) == (&self.port.name, self.protocol());
        service.ports_of(self.family()).find(same)
    }
}

impl Service {
    /// What kube-proxy programs for it in `family`: its ports, if it has a cluster IP of that family.
    pub fn ports_of(&self, family: Family) -> impl DoubleEndedIterator<Item = ServicePort<'_>> {
        let cluster_ip = self.cluster_ips.of(family).filter(|_| !self.is_skipped());
        let ports = move |cluster_ip| self.ports.iter().map(move |port| ServicePort::new(self, port, cluster_ip));
        cluster_ip.into_iter().flat_map(ports)
    }
}

/// As kube-proxy writes it into comments: `namespace/name:port`, without the colon when the port has no name.
impl fmt::Display for ServicePort<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.namespace(), self.name())?;
        if self.port.name.is_empty() { Ok(()) } else { write!(out, ":{}", self.port.name) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::endpoint::Conditions;
    use super::super::service::ClusterIps;
    use super::*;

    fn service(endpoints: &[(&str, Use)]) -> Service {
        let endpoints = endpoints.iter().map(|(address, usage)| {
            let conditions = match usage {
                Use::Ready => Conditions::default(),
                Use::Fallback => Conditions { ready: false, serving: true, terminating: true },
                Use::Unused => Conditions { ready: false, serving: false, terminating: true },
            };
            Endpoint { conditions, ..Endpoint::ready(address.parse().unwrap()) }
        });
        Service {
            namespace: "ns".to_owned(),
            name: "svc".to_owned(),
            cluster_ips: ClusterIps { v4: Some([10, 96, 0, 1].into()), v6: Some("fd00::1".parse().unwrap()) },
            ports: vec![Port { number: 80, endpoints: endpoints.collect(), ..Port::default() }],
            ..Service::default()
        }
    }

    fn usable(service: &Service, family: Family) -> Vec<String> {
        let view = service.ports_of(family).next().unwrap();
        let endpoints: Vec<_> = view.endpoints().map(|endpoint| endpoint.socket().to_string()).collect();
        assert_eq!(endpoints.len(), view.endpoint_count());
        endpoints
    }

    #[test]
    fn a_view_has_the_usable_endpoints_of_its_family() {
        let both = service(&[
            ("10.0.0.1:1", Use::Unused),
            ("10.0.0.2:1", Use::Ready),
            ("10.0.0.3:1", Use::Fallback),
            ("[fd00::2]:1", Use::Unused),
            ("[fd00::3]:1", Use::Fallback),
        ]);
        assert_eq!(usable(&both, Family::V4), ["10.0.0.2:1"]);
        assert_eq!(usable(&both, Family::V6), ["[fd00::3]:1"]);
        let ready = |family| both.ports_of(family).next().unwrap().is_ready();
        assert_eq!((ready(Family::V4), ready(Family::V6)), (true, false));
    }

    #[test]
    fn a_port_without_a_name_leaves_no_colon() {
        assert_eq!(service(&[]).ports_of(Family::V4).next().unwrap().to_string(), "ns/svc");
    }

    #[test]
    fn what_kube_proxy_passes_over_has_nothing_to_program() {
        let programmed = |service: &Service| service.ports_of(Family::V4).count();
        let plain = service(&[]);
        assert_eq!(programmed(&plain), 1);
        assert_eq!(programmed(&Service { kind: super::super::ServiceType::ExternalName, ..plain.clone() }), 0);
        assert_eq!(programmed(&Service { other_proxy: true, ..plain.clone() }), 0);
        assert_eq!(programmed(&Service { cluster_ips: ClusterIps::default(), ..plain }), 0);
    }
}
