//! Nodes, and the networks that cluster IPs are from.

use crate::field::{address, parse, said};
use ipnet::IpNet;
use k8s_openapi::api::core::v1 as k8s;
use lab_core::cluster::{Cluster, Family, NODE_ADDRESS, NODE_ADDRESS_V6, Node};
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

/// The addresses of the lab's own node for `cluster`: of each family that Services have, that of most ports first.
pub(crate) fn of_lab(cluster: &Cluster) -> Vec<IpAddr> {
    let count = |family| cluster.ports(family).count();
    let (v4, v6) = (count(Family::V4), count(Family::V6));
    match (IpAddr::V4(NODE_ADDRESS), IpAddr::V6(NODE_ADDRESS_V6)) {
        (four, _) if v6 == 0 => vec![four],
        (_, six) if v4 == 0 => vec![six],
        (four, six) if v6 > v4 => vec![six, four],
        (four, six) => vec![four, six],
    }
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
    let read: ServiceCidr = serde_json::from_str(json).map_err(|error| said(&error))?;
    let cidrs = read.spec.and_then(|spec| spec.cidrs).unwrap_or_default();
    cidrs.iter().map(|cidr| parse(cidr, "a network")).collect()
}
