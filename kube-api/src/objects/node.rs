//! The node, the namespaces and the ranges of cluster IPs as API objects.

use super::object::{Object, metadata};
use crate::resource::Resource;
use ipnet::IpNet;
use k8s_openapi::api::core::v1::{Namespace, NamespaceStatus, Node, NodeAddress, NodeCondition, NodeSpec, NodeStatus};
use k8s_openapi::api::networking::v1::{ServiceCIDR, ServiceCIDRSpec};
use lab_core::cluster::{self, Family, POD_RANGE, POD_RANGE_V6};
use std::net::IpAddr;

/// The label of a node's zone.
const ZONE: &str = "topology.kubernetes.io/zone";
/// The label of a node's name.
const HOSTNAME: &str = "kubernetes.io/hostname";
/// The label that every namespace has.
const NAMESPACE: &str = "kubernetes.io/metadata.name";
/// The name of the ranges that a cluster begins with.
const FIRST_RANGES: &str = "kubernetes";

/// The node: its name, addresses, zone and the networks of its pods, which some of kube-proxy's settings ask for.
pub(crate) fn node(node: &cluster::Node) -> Object {
    let address = |type_: &str, address: String| NodeAddress { type_: type_.to_owned(), address };
    let internal = |&ip: &IpAddr| address("InternalIP", ip.to_string());
    let addresses = node.addresses.iter().map(internal).chain([address("Hostname", node.name.clone())]);
    let pods = node.addresses.iter().fold(Vec::new(), |mut pods: Vec<String>, &ip| {
        let range = match Family::of(ip) {
            Family::V4 => POD_RANGE.to_string(),
            Family::V6 => POD_RANGE_V6.to_string(),
        };
        if !pods.contains(&range) {
            pods.push(range);
        }
        pods
    });
    let mut metadata = metadata("", &node.name);
    let labels = metadata.labels.get_or_insert_default();
    labels.insert(HOSTNAME.to_owned(), node.name.clone());
    if !node.zone.is_empty() {
        labels.insert(ZONE.to_owned(), node.zone.clone());
    }
    let ready = NodeCondition { type_: "Ready".to_owned(), status: "True".to_owned(), ..NodeCondition::default() };
    let item = Node {
        metadata,
        spec: Some(NodeSpec {
            pod_cidr: pods.first().cloned(),
            pod_cidrs: Some(pods).filter(|pods| !pods.is_empty()),
            ..NodeSpec::default()
        }),
        status: Some(NodeStatus {
            addresses: Some(addresses.collect()),
            conditions: Some(vec![ready]),
            ..NodeStatus::default()
        }),
    };
    Object::of(Resource::Nodes, &item, Vec::new())
}

/// A namespace.
pub(crate) fn namespace(name: &str) -> Object {
    let mut metadata = metadata("", name);
    metadata.labels.get_or_insert_default().insert(NAMESPACE.to_owned(), name.to_owned());
    let status = NamespaceStatus { phase: Some("Active".to_owned()), ..NamespaceStatus::default() };
    Object::of(Resource::Namespaces, &Namespace { metadata, status: Some(status), ..Namespace::default() }, Vec::new())
}

/// The ranges in their order: an object has one of a family at most, and the first one the name that Kubernetes gives it.
pub(crate) fn ranges(ranges: &[IpNet]) -> Vec<Object> {
    let first = match ranges {
        [one, other, ..] if Family::of(one.addr()) != Family::of(other.addr()) => 2,
        _ => ranges.len().min(1),
    };
    let (first, others) = ranges.split_at(first);
    let others = others.chunks(1).enumerate().map(|(index, range)| (format!("range-{:05}", index + 1), range));
    let first = [(FIRST_RANGES.to_owned(), first)].into_iter().filter(|(_, ranges)| !ranges.is_empty());
    let object = |(name, ranges): (String, &[IpNet])| {
        let cidrs = Some(ranges.iter().map(ToString::to_string).collect());
        let spec = Some(ServiceCIDRSpec { cidrs });
        let item = ServiceCIDR { metadata: metadata("", &name), spec, ..ServiceCIDR::default() };
        Object::of(Resource::ServiceCidrs, &item, Vec::new())
    };
    first.chain(others).map(object).collect()
}
