//! Nodes, and the networks that cluster IPs are from.

use crate::field::{address, parse};
use ipnet::IpNet;
use k8s_openapi::api::core::v1 as k8s;
use lab_core::cluster::Node;
use serde::Deserialize;
use std::net::IpAddr;

/// The label of a node's zone.
pub(crate) const ZONE: &str = "topology.kubernetes.io/zone";

/// The node, as kube-proxy on it knows it: its internal addresses, else its external ones (`GetNodeIPs`).
///
/// # Errors
/// If an address is not valid.
pub(crate) fn read(read: &k8s::Node) -> Result<Node, String> {
    let of_kind = |kind: &str| -> Result<Vec<IpAddr>, String> {
        let given = read.status.iter().flat_map(|status| status.addresses.iter().flatten());
        let given = given.filter(|given| given.type_ == kind);
        given.map(|given| address(&given.address, "a node's address")).collect()
    };
    let mut addresses = of_kind("InternalIP")?;
    if addresses.is_empty() {
        addresses = of_kind("ExternalIP")?;
    }
    let zone = read.metadata.labels.as_ref().and_then(|labels| labels.get(ZONE));
    Ok(Node {
        name: read.metadata.name.clone().unwrap_or_default(),
        addresses,
        zone: zone.cloned().unwrap_or_default(),
    })
}

/// A range of cluster IPs (networking.k8s.io, v1beta1 included).
#[derive(Deserialize)]
struct ServiceCidr {
    #[serde(default)]
    spec: Option<ServiceCidrSpec>,
}

#[derive(Deserialize, Default)]
struct ServiceCidrSpec {
    #[serde(default)]
    cidrs: Option<Vec<String>>,
}

/// The networks of a ServiceCIDR.
///
/// # Errors
/// If it does not fit its kind, or one is no network.
pub(crate) fn cidrs(json: &str) -> Result<Vec<IpNet>, String> {
    let read: ServiceCidr = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let cidrs = read.spec.and_then(|spec| spec.cidrs).unwrap_or_default();
    cidrs.iter().map(|cidr| parse(cidr, "a network")).collect()
}
