//! Counts what a full sync installs, instead of printing it.

use super::iptables::{self, Chain, Rule, Table};
use super::nftables::{self, Element, Object, Verb};
use super::{Installed, Request};
use std::collections::HashSet;
use std::net::IpAddr;

/// The sink that counts. It is for full syncs: only cluster IPs may come more than once there.
#[derive(Debug, Default)]
pub(super) struct Count {
    pub(super) installed: Installed,
    /// Services with several ports add their address several times.
    cluster_ips: HashSet<IpAddr>,
}

impl Count {
    /// One request of a full sync.
    pub(super) fn request(&mut self, request: &Request) {
        match request {
            Request::AddVirtualServer(_) => self.installed.virtual_servers += 1,
            Request::AddRealServer(..) => self.installed.real_servers += 1,
            Request::AddAddress(..) => self.installed.addresses += 1,
            _ => {}
        }
    }
}

impl iptables::Sink for Count {
    fn table(&mut self, _: Table) {}

    fn chain(&mut self, _: Chain) {
        self.installed.chains += 1;
    }

    fn rule(&mut self, _: &Rule<'_>) {
        self.installed.rules += 1;
    }

    fn delete(&mut self, _: Chain) {
        self.installed.chains -= 1;
    }

    fn commit(&mut self) {}
}

impl nftables::Sink for Count {
    fn command(&mut self, verb: Verb, object: &Object<'_>) {
        match object {
            _ if verb != Verb::Add => {}
            Object::Rule(_) => self.installed.rules += 1,
            Object::Declaration(_) => self.installed.chains += 1,
            Object::Element(Element::ClusterIp(service)) if !self.cluster_ips.insert(service.cluster_ip()) => {}
            Object::Element(_) => self.installed.set_elements += 1,
            Object::Table | Object::Chain(_) | Object::Set(_) => {}
        }
    }
}
