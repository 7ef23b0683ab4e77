//! A whole dump: read item by item, so that a problem names its item.

use crate::feature::Feature;
use crate::port::{Family, Port, Spread};
use crate::slice::{Endpoints, protocol};
use k8s_openapi::api::core::v1::{Service, ServiceSpec};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use lab_core::cluster::{Cluster, Protocol};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The label that takes a Service from kube-proxy (its `config/endpoints` informers pass such over).
const PROXY_NAME: &str = "service.kubernetes.io/service-proxy-name";
/// The label of a Service that is to be treated as headless.
const HEADLESS: &str = "service.kubernetes.io/headless";

/// What is in a dump.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dump {
    /// The ports on cluster IPs, of both families, in the order of the dump.
    pub ports: Vec<Port>,
    /// How many Services there are, whatever their type.
    pub services: usize,
    /// How many endpoint slices.
    pub slices: usize,
    /// What else of Services there is, and how often.
    pub features: BTreeMap<Feature, usize>,
    /// Objects of other kinds, which were passed over.
    pub passed_over: BTreeMap<String, usize>,
}

/// Why a text is not a dump.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is something else than JSON.
    #[error("it is no JSON ({0}); make it with: kubectl get services,endpointslices -A -o json")]
    NotJson(String),
    /// It is JSON of another kind.
    #[error(
        "it is a {0}, not a list of Services and EndpointSlices; make it with: kubectl get services,endpointslices -A -o \
         json"
    )]
    Kind(String),
    /// It holds no Service.
    #[error("there is no Service in it; make it with: kubectl get services,endpointslices -A -o json")]
    NoService,
    /// An item of it cannot be read.
    #[error("item {index} ({what}): {problem}")]
    Item {
        /// Its place in the list, from 0.
        index: usize,
        /// Its kind, namespace and name, as far as they can be told.
        what: String,
        /// What is wrong with it; lines and columns are the item's own.
        problem: String,
    },
}

/// The list, its items not read yet.
#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

/// What an item is.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    metadata: Name<'a>,
}

#[derive(Deserialize, Default)]
struct Name<'a> {
    #[serde(borrow, default)]
    namespace: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
}

impl Dump {
    /// Reads what kubectl printed.
    ///
    /// # Errors
    /// When it is no JSON (YAML or a table), no list, when an item is not what it says it is, or no Service is in it.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let list: List = match serde_json::from_str(text) {
            Ok(list) => list,
            Err(_) if !text.trim_start().starts_with('{') => {
                let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("nothing at all");
                let start: String = line.chars().take(40).collect();
                return Err(Unreadable::NotJson(format!("it begins with: {start}")));
            }
            Err(error) => return Err(Unreadable::NotJson(error.to_string())),
        };
        let Some(items) = list.items else {
            let kind = if list.kind.is_empty() { "something without items".to_owned() } else { list.kind.into_owned() };
            return Err(Unreadable::Kind(kind));
        };
        let mut dump = Self::default();
        let (mut services, mut endpoints) = (Vec::new(), Endpoints::default());
        for (index, item) in items.iter().enumerate() {
            // The items of a ServiceList and the like leave their kind to the list.
            let kind = list.kind.strip_suffix("List").unwrap_or_default();
            dump.take(item.get(), kind, &mut services, &mut endpoints).map_err(|(what, problem)| Unreadable::Item {
                index,
                what,
                problem,
            })?;
        }
        for (index, service) in &services {
            dump.add(service, &endpoints).map_err(|problem| {
                let (namespace, name) = names(service);
                Unreadable::Item { index: *index, what: format!("Service {namespace}/{name}"), problem }
            })?;
        }
        if dump.services == 0 { Err(Unreadable::NoService) } else { Ok(dump) }
    }

    /// Takes one item; an error is what it is, and what is wrong with it.
    fn take(
        &mut self,
        item: &str,
        kind_of_list: &str,
        services: &mut Vec<(usize, Service)>,
        endpoints: &mut Endpoints,
    ) -> Result<(), (String, String)> {
        let head: Head = serde_json::from_str(item).map_err(|error| ("of no kind".to_owned(), error.to_string()))?;
        let kind = if head.kind.is_empty() { kind_of_list } else { &head.kind };
        let what = || format!("{kind} {}/{}", head.metadata.namespace, head.metadata.name);
        let wrong = |problem: String| (what(), problem);
        match kind {
            "Service" => {
                let service = serde_json::from_str(item).map_err(|error| wrong(error.to_string()))?;
                let passed_over: usize = self.passed_over.values().sum();
                services.push((self.services + self.slices + passed_over, service));
                self.services += 1;
            }
            "EndpointSlice" => {
                let slice: EndpointSlice = serde_json::from_str(item).map_err(|error| wrong(error.to_string()))?;
                endpoints.add(&slice).map_err(wrong)?;
                self.slices += 1;
            }
            kind => *self.passed_over.entry(kind.to_owned()).or_default() += 1,
        }
        Ok(())
    }

    /// Adds what kube-proxy would program for a Service.
    fn add(&mut self, service: &Service, endpoints: &Endpoints) -> Result<(), String> {
        let default = ServiceSpec::default();
        let spec = service.spec.as_ref().unwrap_or(&default);
        let label = |name| service.metadata.labels.as_ref().is_some_and(|labels| labels.contains_key(name));
        let addresses = cluster_ips(spec)?;
        let passed_over = match () {
            () if spec.type_.as_deref() == Some("ExternalName") => Some(Feature::ExternalName),
            () if label(PROXY_NAME) => Some(Feature::OtherProxy),
            () if addresses.is_empty() || label(HEADLESS) => Some(Feature::Headless),
            () => None,
        };
        if let Some(feature) = passed_over {
            self.count(feature);
            return Ok(());
        }
        for feature in Feature::of(spec) {
            self.count(feature);
        }
        let (namespace, name) = names(service);
        for &cluster_ip in &addresses {
            for port in spec.ports.iter().flatten() {
                let port_name = port.name.clone().unwrap_or_default();
                let protocol: Protocol = protocol(port.protocol.as_deref())?;
                let family = Family::of(cluster_ip);
                let (endpoints, ready) = endpoints.behind(namespace, name, &port_name, protocol, family);
                let number = u16::try_from(port.port).map_err(|_| format!("{} is no port", port.port))?;
                if family == Family::V6 {
                    self.count(Feature::Ipv6);
                }
                if !ready {
                    self.count(Feature::NotReady);
                }
                self.ports.push(Port {
                    namespace: namespace.to_owned(),
                    name: name.to_owned(),
                    port_name,
                    protocol,
                    cluster_ip,
                    port: number,
                    endpoints,
                    ready,
                });
            }
        }
        Ok(())
    }

    fn count(&mut self, feature: Feature) {
        *self.features.entry(feature).or_default() += 1;
    }

    /// The ports on IPv4 cluster IPs: what the lab counts as Services, since each of its own has one port.
    pub fn ipv4(&self) -> impl Iterator<Item = &Port> {
        self.ports.iter().filter(|port| port.cluster_ip.is_ipv4())
    }

    /// How many ports there are on IPv4 cluster IPs, by protocol.
    #[must_use]
    pub fn protocols(&self) -> Vec<(Protocol, usize)> {
        let of = |protocol| self.ipv4().filter(|port| port.protocol == protocol).count();
        let all = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp].map(|protocol| (protocol, of(protocol)));
        all.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    /// How endpoints spread over the ports on IPv4 cluster IPs; `None` without any.
    #[must_use]
    pub fn spread(&self) -> Option<Spread> {
        Spread::of(self.ipv4())
    }

    /// The cluster as layouts take it: everything on IPv4 cluster IPs.
    #[must_use]
    pub fn cluster(&self) -> Cluster {
        Cluster { services: self.ports.iter().filter_map(Port::service_port).collect() }
    }
}

fn names(service: &Service) -> (&str, &str) {
    let metadata = &service.metadata;
    (metadata.namespace.as_deref().unwrap_or_default(), metadata.name.as_deref().unwrap_or_default())
}

/// A Service's cluster IPs; none where it is headless.
fn cluster_ips(spec: &ServiceSpec) -> Result<Vec<IpAddr>, String> {
    let several = spec.cluster_ips.clone().filter(|several| !several.is_empty());
    let written = several.unwrap_or_else(|| spec.cluster_ip.clone().into_iter().collect());
    let written = written.iter().filter(|address| !address.is_empty() && *address != "None");
    written.map(|address| address.parse().map_err(|_| format!("\"{address}\" is no cluster IP"))).collect()
}
