//! A Service as an API object: the inverse of how kube-dump reads one.

use super::object::{Object, metadata};
use k8s_openapi::api::core::v1::{
    ClientIPConfig, LoadBalancerIngress, LoadBalancerStatus, Service, ServicePort, ServiceSpec, ServiceStatus,
    SessionAffinityConfig,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use lab_core::cluster::{self, Family, IpMode, Port, Protocol, ServiceType, TrafficPolicy};
use std::collections::BTreeMap;

/// The label that gives a Service to another proxy than kube-proxy.
const PROXY_NAME: &str = "service.kubernetes.io/service-proxy-name";
/// The annotation that asks for topology aware routing.
const TOPOLOGY_MODE: &str = "service.kubernetes.io/topology-mode";
/// What an `ExternalName` Service stands for: the model does not keep it, and kube-proxy does not read it.
const EXTERNAL_NAME: &str = "name.invalid";

/// The Service.
pub(crate) fn service(service: &cluster::Service) -> Object {
    let mut metadata = metadata(&service.namespace, &service.name);
    metadata.labels = Some(labels(service)).filter(|labels| !labels.is_empty());
    if service.topology_aware {
        metadata.annotations.get_or_insert_default().insert(TOPOLOGY_MODE.to_owned(), "Auto".to_owned());
    }
    let ingress = service.ingress.iter().map(|ingress| LoadBalancerIngress {
        ip: Some(ingress.address.to_string()),
        ip_mode: Some(if ingress.mode == IpMode::Proxy { "Proxy" } else { "VIP" }.to_owned()),
        ..LoadBalancerIngress::default()
    });
    let balancer = LoadBalancerStatus { ingress: some(ingress.collect()) };
    Object::service(&Service {
        metadata,
        spec: Some(spec(service)),
        status: Some(ServiceStatus { load_balancer: Some(balancer), ..ServiceStatus::default() }),
    })
}

/// Its labels, which its endpoint slices have, too.
pub(crate) fn labels(service: &cluster::Service) -> BTreeMap<String, String> {
    let other = service.other_proxy.then(|| (PROXY_NAME.to_owned(), "other".to_owned()));
    other.into_iter().collect()
}

/// Whether it has no cluster IP by its own wish.
pub(crate) fn is_headless(service: &cluster::Service) -> bool {
    service.kind != ServiceType::ExternalName && service.cluster_ips.is_empty()
}

/// The families that it is reached in.
pub(crate) fn families(service: &cluster::Service) -> Vec<Family> {
    Family::ALL.into_iter().filter(|&family| service.cluster_ips.of(family).is_some()).collect()
}

/// What a family is called in Services and slices.
pub(crate) fn family_name(family: Family) -> &'static str {
    match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}

/// What a protocol is called in Services and slices.
pub(crate) fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
        Protocol::Sctp => "SCTP",
    }
}

fn spec(service: &cluster::Service) -> ServiceSpec {
    let is_external_name = service.kind == ServiceType::ExternalName;
    let families = families(service);
    let mut ips: Vec<String> =
        families.iter().filter_map(|&family| service.cluster_ips.of(family)).map(|ip| ip.to_string()).collect();
    if is_headless(service) {
        ips.push("None".to_owned());
    }
    let is_published = matches!(service.kind, ServiceType::NodePort | ServiceType::LoadBalancer);
    let is_outside = is_published || !service.external_ips.is_empty();
    let needs_external = is_outside || service.external_policy == TrafficPolicy::Local;
    let is_dual = families.len() > 1;
    let balanced = service.kind == ServiceType::LoadBalancer;
    ServiceSpec {
        allocate_load_balancer_node_ports: balanced.then(|| service.ports.iter().any(|port| port.node_port.is_some())),
        cluster_ip: ips.first().cloned(),
        cluster_ips: some(ips),
        external_ips: some(service.external_ips.iter().map(ToString::to_string).collect()),
        external_name: is_external_name.then(|| EXTERNAL_NAME.to_owned()),
        external_traffic_policy: needs_external.then(|| service.external_policy.name().to_owned()),
        health_check_node_port: service.health_check_node_port.map(i32::from),
        internal_traffic_policy: Some(service.internal_policy.name().to_owned()),
        ip_family_policy: (!families.is_empty())
            .then(|| if is_dual { "PreferDualStack" } else { "SingleStack" }.to_owned()),
        ip_families: some(families.into_iter().map(|family| family_name(family).to_owned()).collect()),
        load_balancer_source_ranges: some(service.source_ranges.iter().map(ToString::to_string).collect()),
        ports: some(service.ports.iter().map(port).collect()),
        session_affinity: Some(if service.affinity.is_some() { "ClientIP" } else { "None" }.to_owned()),
        session_affinity_config: service.affinity.map(|time| SessionAffinityConfig {
            client_ip: Some(ClientIPConfig { timeout_seconds: i32::try_from(time.as_secs()).ok() }),
        }),
        type_: Some(service.kind.name().to_owned()),
        ..ServiceSpec::default()
    }
}

fn port(port: &Port) -> ServicePort {
    // The pods' port, where they all have the same.
    let mut numbers = port.endpoints.iter().map(|endpoint| endpoint.port);
    let first = numbers.next();
    let target = first.filter(|&first| numbers.all(|number| number == first));
    ServicePort {
        name: Some(port.name.clone()).filter(|name| !name.is_empty()),
        node_port: port.node_port.map(i32::from),
        port: i32::from(port.number),
        protocol: Some(protocol_name(port.protocol).to_owned()),
        target_port: Some(match (target, port.name.as_str()) {
            (Some(target), _) => IntOrString::Int(i32::from(target)),
            (None, "") => IntOrString::Int(i32::from(port.number)),
            (None, name) => IntOrString::String(name.to_owned()),
        }),
        ..ServicePort::default()
    }
}

/// The list, unless it is empty: then the field is left out.
fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    Some(list).filter(|list| !list.is_empty())
}
