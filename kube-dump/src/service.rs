//! Makes a Service of lab-core from one of the API server.

use crate::field::{parse, port_number, protocol};
use crate::slice::Endpoints;
use k8s_openapi::api::core::v1 as k8s;
use lab_core::cluster::{ClusterIps, Ingress, IpMode, Port, Service, ServiceType, TrafficPolicy};
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

/// The label that assigns a Service to another proxy (kube-proxy's informers skip such Services).
const PROXY_NAME: &str = "service.kubernetes.io/service-proxy-name";
/// The label of a Service that counts as headless.
const HEADLESS: &str = "service.kubernetes.io/headless";
/// The annotation that asks for topology aware routing.
const TOPOLOGY_MODE: &str = "service.kubernetes.io/topology-mode";
/// Its name before 1.27.
const TOPOLOGY_AWARE_HINTS: &str = "service.kubernetes.io/topology-aware-hints";
/// How long affinity lasts by default, in seconds.
const AFFINITY: i32 = 10_800;

/// Namespace and name.
pub(crate) fn names(service: &k8s::Service) -> (&str, &str) {
    let metadata = &service.metadata;
    (metadata.namespace.as_deref().unwrap_or_default(), metadata.name.as_deref().unwrap_or_default())
}

/// The Service with its endpoints.
///
/// # Errors
/// If an address, a port or a word is not valid.
pub(crate) fn read(service: &k8s::Service, endpoints: &mut Endpoints) -> Result<Service, String> {
    let default = k8s::ServiceSpec::default();
    let spec = service.spec.as_ref().unwrap_or(&default);
    let label = |name| service.metadata.labels.as_ref().is_some_and(|labels| labels.contains_key(name));
    let annotation = |name| service.metadata.annotations.as_ref().and_then(|annotations| annotations.get(name));
    let topology_mode = annotation(TOPOLOGY_MODE).or_else(|| annotation(TOPOLOGY_AWARE_HINTS));
    let (namespace, name) = names(service);
    let cluster_ips = if label(HEADLESS) { ClusterIps::default() } else { cluster_ips(spec)? };
    let mut ports = Vec::new();
    for port in spec.ports.iter().flatten() {
        let port_name = port.name.clone().unwrap_or_default();
        let protocol = protocol(port.protocol.as_deref())?;
        ports.push(Port {
            endpoints: endpoints.take(namespace, name, &port_name, protocol),
            name: port_name,
            protocol,
            number: port_number(port.port)?,
            node_port: port.node_port.map(port_number).transpose()?,
        });
    }
    let client_ip = spec.session_affinity_config.as_ref().and_then(|config| config.client_ip.as_ref());
    let seconds = client_ip.and_then(|client_ip| client_ip.timeout_seconds).unwrap_or(AFFINITY);
    let affinity = spec.session_affinity.as_deref() == Some("ClientIP");
    Ok(Service {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        kind: kind(spec.type_.as_deref())?,
        other_proxy: label(PROXY_NAME),
        cluster_ips,
        external_ips: all(&spec.external_ips, "an external IP")?,
        ingress: ingress(service)?,
        source_ranges: all(&spec.load_balancer_source_ranges, "a source range")?,
        affinity: affinity.then(|| Duration::from_secs(seconds.unsigned_abs().into())),
        topology_aware: topology_mode.is_some_and(|mode| mode == "Auto" || mode == "auto"),
        internal_policy: policy(spec.internal_traffic_policy.as_deref())?,
        external_policy: policy(spec.external_traffic_policy.as_deref())?,
        health_check_node_port: spec.health_check_node_port.filter(|&port| port != 0).map(port_number).transpose()?,
        ports,
    })
}

fn all<T: FromStr>(texts: &Option<Vec<String>>, what: &str) -> Result<Vec<T>, String> {
    texts.iter().flatten().map(|text| parse(text, what)).collect()
}

fn kind(name: Option<&str>) -> Result<ServiceType, String> {
    match name.unwrap_or("ClusterIP") {
        "ClusterIP" => Ok(ServiceType::ClusterIp),
        "NodePort" => Ok(ServiceType::NodePort),
        "LoadBalancer" => Ok(ServiceType::LoadBalancer),
        "ExternalName" => Ok(ServiceType::ExternalName),
        other => Err(format!("\"{other}\" is not a type of Service")),
    }
}

fn policy(name: Option<&str>) -> Result<TrafficPolicy, String> {
    match name.unwrap_or("Cluster") {
        "Cluster" => Ok(TrafficPolicy::Cluster),
        "Local" => Ok(TrafficPolicy::Local),
        other => Err(format!("\"{other}\" is not a traffic policy")),
    }
}

/// A Service's cluster IPs; none if it is headless.
fn cluster_ips(spec: &k8s::ServiceSpec) -> Result<ClusterIps, String> {
    let several = spec.cluster_ips.as_deref().filter(|several| !several.is_empty());
    let written = several.unwrap_or(spec.cluster_ip.as_slice());
    let written = written.iter().filter(|address| !address.is_empty() && *address != "None");
    written.map(|address| parse::<IpAddr>(address, "a cluster IP")).collect()
}

/// Its load balancer's addresses. kube-proxy ignores host names.
fn ingress(service: &k8s::Service) -> Result<Vec<Ingress>, String> {
    let balancer = service.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    let given = balancer.into_iter().flat_map(|balancer| balancer.ingress.iter().flatten());
    let given = given.filter_map(|ingress| Some((ingress.ip.as_deref()?, ingress.ip_mode.as_deref())));
    given
        .map(|(address, mode)| {
            let mode = if mode == Some("Proxy") { IpMode::Proxy } else { IpMode::Vip };
            Ok(Ingress { address: parse(address, "a load balancer address")?, mode })
        })
        .collect()
}
