//! The entries of conntrack that a sync removes: those of UDP traffic that went where it must not go any more.
//!
//! 1.20: `staleServices` and `deleteEndpointConnections` in `pkg/proxy/ipvs/proxier.go`; 1.30: `CleanStaleEntries` in
//! `pkg/proxy/conntrack/cleanup.go`. Both start a process for each address.

use super::Version;
use crate::change::Step;
use crate::cluster::{Endpoint, Family, Protocol, ServicePort, Use};
use crate::layout::Action;
use crate::layout::iptables::conntrack::delete;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What is removed after a sync of `family` with these steps.
pub(super) fn clean<'a>(
    version: Version,
    family: Family,
    steps: impl Iterator<Item = Step<ServicePort<'a>>>,
) -> Vec<Action> {
    let mut clean = Clean::new(version, family);
    steps.for_each(|step| clean.step(step));
    clean.actions()
}

struct Clean {
    version: Version,
    family: Family,
    addresses: BTreeSet<IpAddr>,
    node_ports: BTreeSet<u16>,
    /// Calls about endpoints that are gone.
    endpoints: Vec<Action>,
}

impl Clean {
    fn new(version: Version, family: Family) -> Self {
        let (addresses, node_ports) = (BTreeSet::new(), BTreeSet::new());
        Self { version, family, addresses, node_ports, endpoints: Vec::new() }
    }

    fn step(&mut self, step: Step<ServicePort<'_>>) {
        let (before, after) = (step.before(), step.after());
        let protocol = after.or(before).map(ServicePort::protocol);
        // 1.20 does the same for SCTP where an endpoint goes.
        let concerns_sctp = self.version == Version::V1_20 && protocol == Some(Protocol::Sctp);
        if matches!(step, Step::Kept(_)) || (protocol != Some(Protocol::Udp) && !concerns_sctp) {
            return;
        }
        let Some(port) = after else {
            if protocol == Some(Protocol::Udp) {
                self.addresses.extend(before.map(ServicePort::cluster_ip));
            }
            return;
        };
        let known = |port: Option<ServicePort<'_>>| port.is_some_and(|port| self.serving(port).next().is_some());
        if protocol == Some(Protocol::Udp) {
            let active = known(after) && !known(before);
            self.started(port, active, before.and_then(ServicePort::node_port));
        }
        let gone: Vec<IpAddr> = before.into_iter().flat_map(|before| self.gone(before, port)).collect();
        gone.into_iter().for_each(|endpoint| self.ended(port, endpoint));
    }

    /// What 1.30 calls serving; 1.20 knows ready endpoints only.
    fn serving<'p>(&self, port: ServicePort<'p>) -> impl Iterator<Item = &'p Endpoint> + use<'p> {
        let (version, family) = (self.version, self.family);
        port.port.endpoints.iter().filter(move |endpoint| {
            let serves = match version {
                Version::V1_20 => endpoint.usage() == Use::Ready,
                Version::V1_30 => endpoint.conditions.serving || endpoint.conditions.ready,
            };
            serves && Family::of(endpoint.address) == family
        })
    }

    fn gone(&self, before: ServicePort<'_>, after: ServicePort<'_>) -> Vec<IpAddr> {
        let left = |endpoint: &&Endpoint| match self.version {
            Version::V1_20 => self.serving(after).any(|other| other.socket() == endpoint.socket()),
            Version::V1_30 => after.port.endpoints.iter().any(|other| other.socket() == endpoint.socket()),
        };
        self.serving(before).filter(|endpoint| !left(endpoint)).map(|endpoint| endpoint.address).collect()
    }

    /// A port that is new or has its first endpoints: what was sent to it before went nowhere.
    fn started(&mut self, port: ServicePort<'_>, active: bool, node_port_before: Option<u16>) {
        if active {
            self.addresses.insert(port.cluster_ip());
            self.addresses.extend(port.external_ips());
        }
        match self.version {
            // When it opens the port.
            Version::V1_20 => {
                self.node_ports.extend(port.node_port().filter(|&port| Some(port) != node_port_before));
            }
            Version::V1_30 if active => {
                self.addresses.extend(port.balancer_addresses());
                self.node_ports.extend(port.node_port());
            }
            Version::V1_30 => {}
        }
    }

    /// An endpoint that is gone.
    fn ended(&mut self, port: ServicePort<'_>, endpoint: IpAddr) {
        let (protocol, to) = (port.protocol().name(), endpoint.to_string());
        if let Some(number) = port.node_port().filter(|_| self.version == Version::V1_30) {
            let call = self.delete(["-p", protocol, "--dport", &number.to_string(), "--dst-nat", &to]);
            self.endpoints.push(call);
        }
        let published = port.external_ips().chain(port.balancer_addresses());
        for address in std::iter::once(port.cluster_ip()).chain(published) {
            let call = self.delete(["--orig-dst", &address.to_string(), "--dst-nat", &to, "-p", protocol]);
            self.endpoints.push(call);
        }
    }

    fn actions(mut self) -> Vec<Action> {
        let by_address =
            self.addresses.iter().map(|address| self.delete(["--orig-dst", &address.to_string(), "-p", "udp"]));
        let by_port = self.node_ports.iter().map(|port| self.delete(["-p", "udp", "--dport", &port.to_string()]));
        let mut actions: Vec<Action> = by_address.chain(by_port).collect();
        actions.append(&mut self.endpoints);
        actions
    }

    fn delete<const N: usize>(&self, words: [&str; N]) -> Action {
        delete(self.family, &words)
    }
}
