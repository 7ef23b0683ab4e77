//! Makes a Service of lab-core from one of the API server.

use crate::field::{address, parse, port_number, protocol};
use crate::note::quoted;
use k8s_openapi::api::core::v1 as k8s;
use lab_core::cluster::{ClusterIps, Family, Ingress, IpMode, Port, Service, ServiceType, TrafficPolicy};
use std::collections::HashSet;
use std::time::Duration;

/// The label that assigns a Service to another proxy (kube-proxy's informers skip such Services).
pub(crate) const PROXY_NAME: &str = "service.kubernetes.io/service-proxy-name";
/// The label of a Service that counts as headless.
const HEADLESS: &str = "service.kubernetes.io/headless";
/// The annotation that asks for topology aware routing.
pub(crate) const TOPOLOGY_MODE: &str = "service.kubernetes.io/topology-mode";
/// Its name before 1.27.
const TOPOLOGY_AWARE_HINTS: &str = "service.kubernetes.io/topology-aware-hints";
/// How long affinity lasts by default, in seconds.
const AFFINITY: i32 = 10_800;
/// How long it may last, in seconds.
const LONGEST_AFFINITY: i32 = 86_400;
/// The longest name that Kubernetes allows, in bytes (RFC 1123).
const LONGEST_NAME: usize = 63;

/// The Service without its endpoints. What of it is left out, and why, is added to `said`.
///
/// # Errors
/// If it has no name, or if its type or a cluster IP is not valid: then nothing is left of it.
pub(crate) fn read(service: &k8s::Service, namespace: &str, said: &mut Vec<String>) -> Result<Service, String> {
    let default = k8s::ServiceSpec::default();
    let spec = service.spec.as_ref().unwrap_or(&default);
    let label = |name| service.metadata.labels.as_ref().is_some_and(|labels| labels.contains_key(name));
    let annotation = |name| service.metadata.annotations.as_ref().and_then(|annotations| annotations.get(name));
    let topology_mode = annotation(TOPOLOGY_MODE).or_else(|| annotation(TOPOLOGY_AWARE_HINTS));
    let name = service.metadata.name.clone().filter(|name| !name.is_empty()).ok_or("it has no name")?;
    let kind = kind(spec.type_.as_deref())?;
    let cluster_ips = if label(HEADLESS) { ClusterIps::default() } else { cluster_ips(spec, said)? };
    if kind != ServiceType::ExternalName && cluster_ips.is_empty() && !label(HEADLESS) && !is_headless(spec) {
        said.push(
            "it has no cluster IP, as in a manifest that no cluster was given; it is taken for headless".to_owned(),
        );
    }
    let policy = |name: &str, value: &Option<String>, said: &mut Vec<String>| {
        policy(value.as_deref()).unwrap_or_else(|| {
            let value = value.as_deref().unwrap_or_default();
            said.push(format!("{value} is not an {name}TrafficPolicy; Cluster is taken", value = quoted(value)));
            TrafficPolicy::Cluster
        })
    };
    let read = Service {
        namespace: namespace.to_owned(),
        name,
        kind,
        other_proxy: label(PROXY_NAME),
        cluster_ips,
        external_ips: valid(spec.external_ips.iter().flatten().map(|text| address(text, "an external IP")), said),
        ingress: ingress(service, said),
        source_ranges: valid(
            spec.load_balancer_source_ranges.iter().flatten().map(|text| parse(text, "a source range")),
            said,
        ),
        affinity: affinity(spec, said),
        topology_aware: topology_mode.is_some_and(|mode| mode == "Auto" || mode == "auto"),
        internal_policy: policy("internal", &spec.internal_traffic_policy, said),
        external_policy: policy("external", &spec.external_traffic_policy, said),
        health_check_node_port: spec.health_check_node_port.filter(|&port| port != 0).and_then(|port| {
            valid([port_number(port).map_err(|problem| format!("healthCheckNodePort: {problem}"))], said).pop()
        }),
        ports: ports(spec, said),
    };
    names(&read, said);
    Ok(read)
}

/// The valid ones. What is wrong with the others is added to `said`.
fn valid<T>(read: impl IntoIterator<Item = Result<T, String>>, said: &mut Vec<String>) -> Vec<T> {
    let mut keep = |read: Result<T, String>| match read {
        Ok(value) => Some(value),
        Err(problem) => {
            said.push(format!("{problem}; it is left out"));
            None
        }
    };
    read.into_iter().filter_map(&mut keep).collect()
}

/// What is forbidden of its names.
fn names(service: &Service, said: &mut Vec<String>) {
    if let Some(name) = service.forbidden_name() {
        said.push(format!(
            "its name {name} is none that Kubernetes allows; nothing is programmed for it",
            name = quoted(name)
        ));
    }
    let ports = service.ports.iter().map(|port| &port.name);
    if let Some(name) =
        [&service.namespace, &service.name].into_iter().chain(ports).find(|name| name.len() > LONGEST_NAME)
    {
        said.push(format!("a name of {} bytes; Kubernetes allows {LONGEST_NAME}", name.len()));
    }
}

fn ports(spec: &k8s::ServiceSpec, said: &mut Vec<String>) -> Vec<Port> {
    let (mut names, mut numbers) = (HashSet::new(), HashSet::new());
    let mut ports = Vec::new();
    for port in spec.ports.iter().flatten() {
        let name = port.name.clone().unwrap_or_default();
        let mut read = || -> Result<Port, String> {
            let (number, protocol) = (port_number(port.port)?, protocol(port.protocol.as_deref())?);
            if !numbers.insert((number, protocol)) {
                return Err(format!("{} {number} comes twice", protocol.name()));
            }
            if !names.insert(name.clone()) {
                return Err("its name comes twice".to_owned());
            }
            Ok(Port { name: name.clone(), protocol, number, ..Port::default() })
        };
        match read() {
            Ok(read) => {
                let node_port = port.node_port.filter(|&number| number != 0).map(port_number);
                let node_port = node_port.and_then(|read| {
                    valid(
                        [read.map_err(|problem| format!("port {name}: node port {problem}", name = quoted(&name)))],
                        said,
                    )
                    .pop()
                });
                ports.push(Port { node_port, ..read });
            }
            Err(problem) => said.push(format!("port {name}: {problem}; the port is left out", name = quoted(&name))),
        }
    }
    ports
}

fn affinity(spec: &k8s::ServiceSpec, said: &mut Vec<String>) -> Option<Duration> {
    if spec.session_affinity.as_deref() != Some("ClientIP") {
        return None;
    }
    let client_ip = spec.session_affinity_config.as_ref().and_then(|config| config.client_ip.as_ref());
    let seconds = client_ip.and_then(|client_ip| client_ip.timeout_seconds).unwrap_or(AFFINITY);
    if !(1..=LONGEST_AFFINITY).contains(&seconds) {
        said.push(format!(
            "session affinity of {seconds} s, where 1 to {LONGEST_AFFINITY} are allowed; {AFFINITY} is taken"
        ));
        return Some(Duration::from_secs(u64::from(AFFINITY.unsigned_abs())));
    }
    Some(Duration::from_secs(u64::from(seconds.unsigned_abs())))
}

fn kind(name: Option<&str>) -> Result<ServiceType, String> {
    match name.unwrap_or("ClusterIP") {
        "ClusterIP" => Ok(ServiceType::ClusterIp),
        "NodePort" => Ok(ServiceType::NodePort),
        "LoadBalancer" => Ok(ServiceType::LoadBalancer),
        "ExternalName" => Ok(ServiceType::ExternalName),
        other => Err(format!("{other} is not a type of Service", other = quoted(other))),
    }
}

fn policy(name: Option<&str>) -> Option<TrafficPolicy> {
    match name.unwrap_or("Cluster") {
        "Cluster" | "" => Some(TrafficPolicy::Cluster),
        "Local" => Some(TrafficPolicy::Local),
        _ => None,
    }
}

fn is_headless(spec: &k8s::ServiceSpec) -> bool {
    spec.cluster_ip.as_deref() == Some("None")
}

/// A Service's cluster IPs; none if it is headless.
fn cluster_ips(spec: &k8s::ServiceSpec, said: &mut Vec<String>) -> Result<ClusterIps, String> {
    let several = spec.cluster_ips.as_deref().filter(|several| !several.is_empty());
    let written = several.unwrap_or(spec.cluster_ip.as_slice());
    let mut kept = Vec::new();
    for text in written.iter().filter(|text| !text.is_empty() && *text != "None") {
        let read = address(text, "a cluster IP")?;
        if kept.iter().any(|&other| Family::of(other) == Family::of(read)) {
            said.push(format!("cluster IP {read} is the second of its family; it is left out"));
        } else {
            kept.push(read);
        }
    }
    Ok(kept.into_iter().collect())
}

/// Its load balancer's addresses. kube-proxy ignores host names.
fn ingress(service: &k8s::Service, said: &mut Vec<String>) -> Vec<Ingress> {
    let balancer = service.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    let given = balancer.into_iter().flat_map(|balancer| balancer.ingress.iter().flatten());
    let given = given.filter_map(|ingress| Some((ingress.ip.as_deref()?, ingress.ip_mode.as_deref())));
    let given = given.filter(|(text, _)| !text.is_empty()).map(|(text, mode)| {
        let mode = if mode == Some("Proxy") { IpMode::Proxy } else { IpMode::Vip };
        Ok(Ingress { address: address(text, "a load balancer address")?, mode })
    });
    valid(given, said)
}
