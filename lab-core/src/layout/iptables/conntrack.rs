//! What kube-proxy removes from conntrack with the tool `conntrack`: entries of UDP Services, which would keep clients at
//! endpoints that are gone, or in the dark (`pkg/proxy/conntrack/cleanup.go`; 1.20: `pkg/util/conntrack`).
//!
//! From 1.32 on it asks the kernel instead of the tool; the lab leaves that out.

use super::node_ports::NodePorts;
use super::{Iptables, Version};
use crate::change::Step;
use crate::cluster::{Endpoint, Family, Node, Protocol, Service, ServicePort, Use};
use crate::layout::{Action, Invocation, Part, Tool};
use std::collections::HashSet;
use std::hash::Hash;
use std::net::IpAddr;

/// What is removed after the rules are written, for these steps from one state to the next. nftables mode does the same.
pub(in crate::layout) fn clean<'a>(
    version: Version,
    steps: impl Iterator<Item = Step<&'a Service>>,
    family: Family,
) -> Vec<Action> {
    if version >= Version::V1_36 {
        return Vec::new();
    }
    let (mut addresses, mut ports, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    for step in udp_steps(steps, family) {
        let Some(after) = step.after() else {
            addresses.extend(step.before().map(ServicePort::cluster_ip));
            continue;
        };
        let before = step.before().map(ready).unwrap_or_default();
        let now = ready(after);
        if before.is_empty() && !now.is_empty() {
            addresses.push(after.cluster_ip());
            addresses.extend(after.external_ips());
            if version > Version::V1_20 {
                addresses.extend(after.balancer_addresses());
                ports.extend(after.node_port());
            }
        }
        let lost = before.iter().filter(|old| now.iter().all(|new| new.socket() != old.socket()));
        gone.extend(lost.map(|endpoint| (after, endpoint.address)));
    }
    distinct(&mut addresses);
    distinct(&mut ports);
    let mut actions: Vec<Action> =
        addresses.into_iter().map(|to| delete(family, &["--orig-dst", &to.to_string(), "-p", "udp"])).collect();
    actions.extend(ports.into_iter().map(|port| delete_port(family, port)));
    for (service, endpoint) in gone {
        actions.extend(delete_endpoint(version, service, endpoint, family));
    }
    actions
}

/// What 1.20 removes before it writes the rules: entries of node ports that it opens.
pub(super) fn open<'a>(
    layout: &Iptables,
    node: &Node,
    steps: impl Iterator<Item = Step<&'a Service>>,
    family: Family,
) -> Vec<Action> {
    if layout.version > Version::V1_20 {
        return Vec::new();
    }
    let sockets = NodePorts::of(layout, node, family).at.map_or(1, |addresses| addresses.len());
    let opened = udp_steps(steps, family).filter_map(|step| {
        let before = step.before().and_then(ServicePort::node_port);
        step.after().and_then(ServicePort::node_port).filter(|&port| before != Some(port))
    });
    opened.flat_map(|port| (0..sockets).map(move |_| delete_port(family, port))).collect()
}

fn udp_steps<'a>(
    steps: impl Iterator<Item = Step<&'a Service>>,
    family: Family,
) -> impl Iterator<Item = Step<ServicePort<'a>>> {
    let changed = steps.filter(|step| !matches!(step, Step::Kept(_)));
    let ports = changed.flat_map(move |step| step.ports(family));
    ports.filter(|step| step.after().or(step.before()).is_some_and(|port| port.protocol() == Protocol::Udp))
}

fn ready(service: ServicePort<'_>) -> Vec<&Endpoint> {
    let family = service.family();
    let endpoints = service.port.endpoints.iter();
    endpoints.filter(|endpoint| Family::of(endpoint.address) == family && endpoint.usage() == Use::Ready).collect()
}

/// Entries that lead from a Service to an endpoint that it has no more. 1.20 looks at the cluster IP only without a node
/// port.
fn delete_endpoint(version: Version, service: ServicePort<'_>, endpoint: IpAddr, family: Family) -> Vec<Action> {
    let to = endpoint.to_string();
    let from = |address: IpAddr| delete(family, &["--orig-dst", &address.to_string(), "--dst-nat", &to, "-p", "udp"]);
    let port = service.node_port();
    let mut actions = Vec::new();
    if let Some(port) = port {
        actions.push(delete(family, &["-p", "udp", "--dport", &port.to_string(), "--dst-nat", &to]));
    }
    if port.is_none() || version > Version::V1_20 {
        actions.push(from(service.cluster_ip()));
    }
    actions.extend(service.external_ips().chain(service.balancer_addresses()).map(from));
    actions
}

fn delete_port(family: Family, port: u16) -> Action {
    delete(family, &["-p", "udp", "--dport", &port.to_string()])
}

/// The tool refuses if there is nothing to delete.
pub(in crate::layout) fn delete(family: Family, which: &[&str]) -> Action {
    let of_family: &[&str] = if family == Family::V6 { &["-f", "ipv6"] } else { &[] };
    let args = ["-D"].iter().chain(which).chain(of_family).map(|&word| word.to_owned()).collect();
    Action::Try(Part::Conntrack, Invocation { tool: Tool::Conntrack, args, stdin: Vec::new() })
}

/// Keeps the first of each.
fn distinct<T: Copy + Eq + Hash>(all: &mut Vec<T>) {
    let mut seen = HashSet::new();
    all.retain(|&one| seen.insert(one));
}
