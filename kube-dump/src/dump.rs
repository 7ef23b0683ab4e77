//! A whole dump, read item by item: an error names its item.

use crate::field::parse;
use crate::service;
use crate::slice::Endpoints;
use crate::spread::Spread;
use k8s_openapi::api::core::v1 as k8s;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use lab_core::cluster::{Cluster, Family, Feature, Node, Protocol, ServicePort};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// What is in a dump.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dump {
    /// Every Service with its endpoints, in the order of the dump, on a node that is the lab's own.
    pub cluster: Cluster,
    /// The nodes of the dump, if it has any.
    pub nodes: Vec<Node>,
    /// How many endpoint slices there are.
    pub slices: usize,
    /// Objects of other kinds, which were skipped.
    pub passed_over: BTreeMap<String, usize>,
}

/// Why a text is not a dump of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not JSON.
    #[error("it is not JSON ({0}); make it with: kubectl get services,endpointslices -A -o json")]
    NotJson(String),
    /// It is a JSON document of another kind.
    #[error(
        "it is a {0}, not a list of Services and EndpointSlices; make it with: kubectl get services,endpointslices -A -o \
         json"
    )]
    Kind(String),
    /// It has no Service.
    #[error("it has no Service; make it with: kubectl get services,endpointslices -A -o json")]
    NoService,
    /// An item of it cannot be read.
    #[error("item {index} ({what}): {problem}")]
    Item {
        /// Its place in the list, from 0.
        index: usize,
        /// Its kind, namespace and name, as far as they are known.
        what: String,
        /// What is wrong with it. Lines and columns are counted within the item.
        problem: String,
    },
}

/// The list, with unread items.
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

/// A range of cluster IPs (networking.k8s.io).
#[derive(Deserialize)]
struct ServiceCidr {
    #[serde(default)]
    spec: ServiceCidrSpec,
}

#[derive(Deserialize, Default)]
struct ServiceCidrSpec {
    #[serde(default)]
    cidrs: Vec<String>,
}

/// The node, as kube-proxy on it knows it: its internal addresses, else its external ones (`GetNodeIPs`).
fn node(read: &k8s::Node) -> Result<Node, String> {
    let of_kind = |kind: &str| -> Result<Vec<IpAddr>, String> {
        let given = read.status.iter().flat_map(|status| status.addresses.iter().flatten());
        given.filter(|address| address.type_ == kind).map(|address| parse(&address.address, "an address")).collect()
    };
    let mut addresses = of_kind("InternalIP")?;
    if addresses.is_empty() {
        addresses = of_kind("ExternalIP")?;
    }
    let zone = read.metadata.labels.as_ref().and_then(|labels| labels.get("topology.kubernetes.io/zone"));
    Ok(Node {
        name: read.metadata.name.clone().unwrap_or_default(),
        addresses,
        zone: zone.cloned().unwrap_or_default(),
    })
}

impl Dump {
    /// Reads what kubectl printed.
    ///
    /// # Errors
    /// If it is not JSON (but YAML or a table), not a list, has no Service, or if an item does not fit its kind.
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
            let taken = dump.take(item.get(), kind, &mut endpoints);
            let service = taken.map_err(|(what, problem)| Unreadable::Item { index, what, problem })?;
            services.extend(service.map(|service| (index, service)));
        }
        for (index, service) in services {
            let read = service::read(&service, &mut endpoints).map_err(|problem| {
                let (namespace, name) = service::names(&service);
                Unreadable::Item { index, what: format!("Service {namespace}/{name}"), problem }
            })?;
            dump.cluster.services.push(Arc::new(read));
        }
        if dump.cluster.services.is_empty() { Err(Unreadable::NoService) } else { Ok(dump) }
    }

    /// Takes one item and returns it if it is a Service. The error says what the item is, and what is wrong with it.
    fn take(
        &mut self,
        item: &str,
        kind_of_list: &str,
        endpoints: &mut Endpoints,
    ) -> Result<Option<k8s::Service>, (String, String)> {
        let head: Head = serde_json::from_str(item).map_err(|error| ("of no kind".to_owned(), error.to_string()))?;
        let kind = if head.kind.is_empty() { kind_of_list } else { &head.kind };
        let what = || format!("{kind} {}/{}", head.metadata.namespace, head.metadata.name);
        let wrong = |problem: String| (what(), problem);
        match kind {
            "Service" => {
                return serde_json::from_str(item).map(Some).map_err(|error| wrong(error.to_string()));
            }
            "EndpointSlice" => {
                let slice: EndpointSlice = serde_json::from_str(item).map_err(|error| wrong(error.to_string()))?;
                endpoints.add(&slice).map_err(wrong)?;
                self.slices += 1;
            }
            "ServiceCIDR" => {
                let read: ServiceCidr = serde_json::from_str(item).map_err(|error| wrong(error.to_string()))?;
                for cidr in &read.spec.cidrs {
                    self.cluster.service_cidrs.push(parse(cidr, "a network").map_err(wrong)?);
                }
            }
            "Node" => {
                let read: k8s::Node = serde_json::from_str(item).map_err(|error| wrong(error.to_string()))?;
                self.nodes.push(node(&read).map_err(wrong)?);
            }
            kind => *self.passed_over.entry(kind.to_owned()).or_default() += 1,
        }
        Ok(None)
    }

    /// The ports on IPv4 cluster IPs. The lab counts these as Services, because each generated Service has one port.
    pub fn ipv4(&self) -> impl Iterator<Item = ServicePort<'_>> {
        self.cluster.ports(Family::V4)
    }

    /// How many ports there are on IPv4 cluster IPs, by protocol.
    #[must_use]
    pub fn protocols(&self) -> Vec<(Protocol, usize)> {
        let of = |protocol| self.ipv4().filter(|port| port.protocol() == protocol).count();
        let all = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp].map(|protocol| (protocol, of(protocol)));
        all.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    /// How endpoints spread over the ports on IPv4 cluster IPs; `None` without any.
    #[must_use]
    pub fn spread(&self) -> Option<Spread> {
        Spread::of(self.ipv4())
    }

    /// What Services have besides ports on IPv4 cluster IPs, and how often.
    #[must_use]
    pub fn features(&self) -> BTreeMap<Feature, usize> {
        let mut counts = BTreeMap::new();
        for featured in self.cluster.features() {
            *counts.entry(featured.feature).or_default() += 1;
        }
        counts
    }
}
