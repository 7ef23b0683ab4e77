//! Writes a dump again, as kubectl would print it.

use crate::dump::Dump;
use crate::node::ZONE;
use crate::service::{PROXY_NAME, TOPOLOGY_MODE};
use crate::slice::SERVICE_NAME;
use lab_core::cluster::{Conditions, Endpoint, Family, IpMode, Node, Place, Port, Protocol, Service, ServiceType};
use serde_json::{Value, json};
use std::net::IpAddr;

/// The most endpoints that an EndpointSlice may have.
const SLICE: usize = 1_000;

impl Dump {
    /// Its objects as a `List` in JSON, one object a line: Services, EndpointSlices, Nodes and ServiceCIDRs. It has what
    /// kube-proxy programs by, and nothing else of the objects.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = String::from("{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[");
        let mut separator = "\n";
        let mut put = |item: &Value| {
            text.push_str(separator);
            text.push_str(&item.to_string());
            separator = ",\n";
        };
        for (index, cidr) in self.cluster.service_cidrs.iter().enumerate() {
            put(&json!({
                "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR",
                "metadata": {"name": format!("range-{}", index + 1)}, "spec": {"cidrs": [cidr.to_string()]},
            }));
        }
        self.nodes.iter().for_each(|of| put(&node(of)));
        for of in &self.cluster.services {
            put(&service(of));
            if self.has_endpoints() {
                slices(of).iter().for_each(&mut put);
            }
        }
        text.push_str("\n]}\n");
        text
    }
}

fn node(node: &Node) -> Value {
    let address = |address: &IpAddr| json!({"type": "InternalIP", "address": address.to_string()});
    let addresses: Vec<Value> = node.addresses.iter().map(address).collect();
    let mut item = json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": node.name}, "status": {"addresses": addresses},
    });
    if !node.zone.is_empty() {
        item["metadata"]["labels"] = json!({ZONE: node.zone});
    }
    item
}

fn service(service: &Service) -> Value {
    let cluster_ips: Vec<String> =
        Family::ALL.into_iter().filter_map(|family| service.cluster_ips.of(family)).map(|ip| ip.to_string()).collect();
    let mut spec = json!({
        "type": service.kind.name(),
        "ports": service.ports.iter().map(port).collect::<Vec<_>>(),
        "internalTrafficPolicy": service.internal_policy.name(),
        "externalTrafficPolicy": service.external_policy.name(),
    });
    match &cluster_ips[..] {
        _ if service.kind == ServiceType::ExternalName => spec["externalName"] = "name.invalid".into(),
        [] => spec["clusterIP"] = "None".into(),
        [first, ..] => {
            spec["clusterIP"] = first.clone().into();
            spec["clusterIPs"] = cluster_ips.into();
        }
    }
    let texts = |texts: Vec<String>| if texts.is_empty() { Value::Null } else { texts.into() };
    spec["externalIPs"] = texts(service.external_ips.iter().map(ToString::to_string).collect());
    spec["loadBalancerSourceRanges"] = texts(service.source_ranges.iter().map(ToString::to_string).collect());
    if let Some(time) = service.affinity {
        spec["sessionAffinity"] = "ClientIP".into();
        spec["sessionAffinityConfig"] = json!({"clientIP": {"timeoutSeconds": time.as_secs()}});
    }
    if let Some(number) = service.health_check_node_port {
        spec["healthCheckNodePort"] = number.into();
    }
    let mut item = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": service.namespace, "name": service.name}, "spec": spec,
    });
    if service.other_proxy {
        item["metadata"]["labels"] = json!({PROXY_NAME: "other"});
    }
    if service.topology_aware {
        item["metadata"]["annotations"] = json!({TOPOLOGY_MODE: "Auto"});
    }
    if !service.ingress.is_empty() {
        let ingress = service.ingress.iter().map(|ingress| {
            let mode = if ingress.mode == IpMode::Proxy { "Proxy" } else { "VIP" };
            json!({"ip": ingress.address.to_string(), "ipMode": mode})
        });
        item["status"] = json!({"loadBalancer": {"ingress": ingress.collect::<Vec<_>>()}});
    }
    without_nulls(&mut item["spec"]);
    item
}

fn without_nulls(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.retain(|_, value| !value.is_null());
    }
}

fn protocol(protocol: Protocol) -> String {
    protocol.name().to_uppercase()
}

fn port(port: &Port) -> Value {
    let mut value = json!({"port": port.number, "protocol": protocol(port.protocol), "nodePort": port.node_port});
    if !port.name.is_empty() {
        value["name"] = port.name.clone().into();
    }
    without_nulls(&mut value);
    value
}

/// An endpoint without its port: ports with the same ones share a slice.
type Behind<'a> = (IpAddr, Conditions, Option<&'a Place>);

/// The slices of `service`: one a family and set of endpoints, or more where one is full.
fn slices(service: &Service) -> Vec<Value> {
    let mut groups: Vec<(Family, Vec<Behind<'_>>, Vec<Value>)> = Vec::new();
    for port in &service.ports {
        for family in Family::ALL {
            let of_family = || port.endpoints.iter().filter(move |endpoint| Family::of(endpoint.address) == family);
            let mut numbers: Vec<u16> = of_family().map(|endpoint| endpoint.port).collect();
            numbers.sort_unstable();
            numbers.dedup();
            for number in numbers {
                let behind = |endpoint: &Endpoint| endpoint.port == number;
                let mut endpoints: Vec<Behind<'_>> = of_family()
                    .filter(|endpoint| behind(endpoint))
                    .map(|endpoint| (endpoint.address, endpoint.conditions, endpoint.place.as_deref()))
                    .collect();
                // As text, their order depends on the port.
                endpoints.sort_unstable_by_key(|endpoint| endpoint.0);
                let told = json!({"name": port.name, "port": number, "protocol": protocol(port.protocol)});
                match groups.iter_mut().find(|group| group.0 == family && group.1 == endpoints) {
                    Some(group) => group.2.push(told),
                    None => groups.push((family, endpoints, vec![told])),
                }
            }
        }
    }
    if groups.is_empty() && !service.ports.is_empty() && !service.is_skipped() {
        // A slice that says that there are none.
        groups.push((Family::V4, Vec::new(), Vec::new()));
    }
    let mut slices = Vec::new();
    for (family, endpoints, ports) in groups {
        let parts = if endpoints.is_empty() { vec![&[][..]] } else { endpoints.chunks(SLICE).collect() };
        for part in parts {
            let name = format!("{}-{}", service.name, slices.len() + 1);
            slices.push(slice(service, &name, family, part, &ports));
        }
    }
    slices
}

fn slice(service: &Service, name: &str, family: Family, endpoints: &[Behind<'_>], ports: &[Value]) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"namespace": service.namespace, "name": name, "labels": {SERVICE_NAME: service.name}},
        "addressType": if family == Family::V4 { "IPv4" } else { "IPv6" },
        "endpoints": endpoints.iter().map(endpoint).collect::<Vec<_>>(), "ports": ports,
    })
}

fn endpoint(&(address, conditions, place): &Behind<'_>) -> Value {
    let Conditions { ready, serving, terminating } = conditions;
    let mut value = json!({
        "addresses": [address.to_string()],
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
    });
    let Some(Place { node, zone, for_zones, for_nodes }) = place else { return value };
    for (field, text) in [("nodeName", node), ("zone", zone)] {
        if !text.is_empty() {
            value[field] = text.clone().into();
        }
    }
    for (field, names) in [("forZones", for_zones), ("forNodes", for_nodes)] {
        if !names.is_empty() {
            value["hints"][field] = names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>().into();
        }
    }
    value
}
