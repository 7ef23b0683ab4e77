//! Chains, and how kube-proxy names those of a Service.

use crate::cluster::{Endpoint, ServicePort};
use crate::layout::hash::ServiceHasher;
use crate::layout::text::Text;
use std::ops::Range;

/// The most characters of a name after its prefix (`chainNameBaseLengthMax` in `nftables/proxier.go`).
const LONGEST: usize = 240;

/// A chain: one of kube-proxy's fixed ones, or one of a Service's port, by what follows its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Chain<'a> {
    /// One that does not depend on the Services.
    Fixed(&'static str),
    /// The endpoints for traffic with policy `Cluster`.
    Service(&'a [u8]),
    /// The endpoints for traffic with policy `Local`.
    Local(&'a [u8]),
    /// Where traffic to node ports, external IPs and load balancers enters.
    External(&'a [u8]),
    /// Where a load balancer's traffic is checked for its source.
    Firewall(&'a [u8]),
    /// An endpoint to go to.
    Endpoint(&'a [u8]),
    /// One that nothing leads to any more, by its whole name.
    Stale(&'a [u8]),
}

impl<'a> Chain<'a> {
    /// Its prefix, and what follows.
    pub(super) fn parts(self) -> (&'static str, &'a [u8]) {
        match self {
            Self::Fixed(name) => (name, &[]),
            Self::Service(base) => ("service-", base),
            Self::Local(base) => ("local-", base),
            Self::External(base) => ("external-", base),
            Self::Firewall(base) => ("firewall-", base),
            Self::Endpoint(base) => ("endpoint-", base),
            Self::Stale(name) => ("", name),
        }
    }

    pub(super) fn put_name(self, out: &mut Vec<u8>) -> &mut Vec<u8> {
        let (prefix, base) = self.parts();
        out.put(prefix).put(base)
    }

    /// Its name on its own.
    pub(super) fn name(self) -> Vec<u8> {
        let mut name = Vec::with_capacity(LONGEST);
        self.put_name(&mut name);
        name
    }
}

/// What follows the prefixes in the names of a port's chains and sets: a hash, and the text that was hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    text: Vec<u8>,
    service: Range<usize>,
    endpoints: Vec<Range<usize>>,
}

impl Names {
    /// Of `port` and `endpoints` (`servicePortChainNameBase` and `servicePortEndpointChainNameBase`).
    pub(super) fn new(port: ServicePort<'_>, endpoints: &[&Endpoint]) -> Self {
        let hasher = ServiceHasher::nftables(port);
        let mut text = Vec::with_capacity(96 * (1 + endpoints.len()));
        text.put(hasher.service::<8>().letters()).put("-").service_path(port);
        let path = 9..text.len();
        let service = cut(&mut text, 0);
        let whole = (path.end > LONGEST).then(|| {
            let mut path = Vec::new();
            path.service_path(port);
            path
        });
        let name = |endpoint: &&Endpoint| {
            let start = text.len();
            text.put(hasher.nftables_endpoint(endpoint).letters()).put("-");
            match &whole {
                Some(path) => _ = text.put(path),
                None => text.extend_from_within(path.clone()),
            }
            text.put("__").dotted(endpoint.address).put("/").number(endpoint.port.into());
            cut(&mut text, start)
        };
        let endpoints = endpoints.iter().map(name).collect();
        Self { text, service, endpoints }
    }

    pub(super) fn service(&self) -> &[u8] {
        &self.text[self.service.clone()]
    }

    /// Of the endpoint at `place`.
    pub(super) fn endpoint(&self, place: usize) -> &[u8] {
        &self.text[self.endpoints[place].clone()]
    }
}

/// Cuts the name that begins at `start` where it would be too long (`hashAndTruncate`).
fn cut(text: &mut Vec<u8>, start: usize) -> Range<usize> {
    if text.len() - start > LONGEST {
        text.truncate(start + LONGEST - 3);
        text.put("...");
    }
    start..text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{Family, Port, Service};

    fn service(name: &str, port_name: &str, cluster_ip: &str) -> Service {
        Service {
            namespace: "ns1".to_owned(),
            name: name.to_owned(),
            cluster_ips: [cluster_ip.parse().unwrap()].into_iter().collect(),
            ports: vec![Port { name: port_name.to_owned(), number: 80, ..Port::default() }],
            ..Service::default()
        }
    }

    fn names(service: &Service, endpoint: &str) -> [String; 2] {
        let port = Family::ALL.into_iter().find_map(|family| service.ports_of(family).next()).unwrap();
        let endpoint = Endpoint::ready(endpoint.parse().unwrap());
        let names = Names::new(port, &[&endpoint]);
        [names.service(), names.endpoint(0)].map(|name| String::from_utf8(name.to_vec()).unwrap())
    }

    #[test]
    fn names_are_those_of_kube_proxys_own_tests() {
        let expected = ["ULMVA6XW-ns1/svc1/tcp/p80", "5OJB2KTY-ns1/svc1/tcp/p80__10.180.0.1/80"];
        assert_eq!(names(&service("svc1", "p80", "172.30.0.41"), "10.180.0.1:80"), expected);
    }

    #[test]
    fn an_ipv6_address_is_hashed_and_named_with_dots() {
        let [_, endpoint] = names(&service("svc1", "p80", "fd00::41"), "[fd00:1::5]:80");
        assert!(endpoint.ends_with("-ns1/svc1/tcp/p80__fd00.1..5/80"), "{endpoint}");
    }

    #[test]
    fn a_name_that_is_too_long_is_cut_to_240_characters() {
        let [own, endpoint] = names(&service(&"a".repeat(210), "p80", "172.30.0.41"), "10.180.0.1:80");
        assert!(own.len() < 240 && own.ends_with("/tcp/p80"));
        assert_eq!((endpoint.len(), &endpoint[231..]), (240, "__10.1..."));
        let [own, endpoint] = names(&service(&"a".repeat(300), "p80", "172.30.0.41"), "10.180.0.1:80");
        assert_eq!((own.len(), endpoint.len()), (240, 240));
        assert!(own.ends_with("aaa...") && endpoint.ends_with("aaa...") && own[..8] != endpoint[..8]);
    }
}
