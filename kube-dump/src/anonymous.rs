//! A dump without its names and addresses.

use crate::address::Addresses;
use crate::conflict::object;
use crate::dump::Dump;
use crate::note::Note;
use lab_core::cluster::{Endpoint, Node, Place, Service, in_picking_order};
use std::collections::HashMap;
use std::sync::Arc;

/// Names replaced by numbered ones, equal ones equally, in the order in which they come.
struct Names {
    word: &'static str,
    known: HashMap<String, String>,
}

impl Names {
    fn new(word: &'static str) -> Self {
        Self { word, known: HashMap::new() }
    }

    /// What stands for `name`; nothing for nothing.
    fn of(&mut self, name: &str) -> String {
        if name.is_empty() {
            return String::new();
        }
        let number = self.known.len() + 1;
        let word = self.word;
        self.known.entry(name.to_owned()).or_insert_with(|| format!("{word}-{number}")).clone()
    }
}

/// What replaces what.
struct Replacement<'a> {
    namespaces: Names,
    services: Names,
    ports: Names,
    nodes: Names,
    zones: Names,
    addresses: Addresses<'a>,
}

impl Dump {
    /// The same cluster with other names, namespaces, addresses, nodes and zones: equal ones are replaced equally, and
    /// what shares a network still shares one. `key` decides the addresses: who knows it can tell them.
    ///
    /// Families, types, ports, policies and counts stay, and so does the first byte of an IPv4 address (two of an IPv6
    /// one). Lengths of comments change, since names do. Services whose names Kubernetes forbids are left out, because
    /// their new names would be allowed.
    #[must_use]
    pub fn anonymous(&self, key: &[u8; 32]) -> Self {
        let mut replacement = Replacement {
            namespaces: Names::new("namespace"),
            services: Names::new("service"),
            ports: Names::new("port"),
            nodes: Names::new("node"),
            zones: Names::new("zone"),
            addresses: Addresses::new(key),
        };
        let mut dump = Self { slices: self.slices, endpoints: self.endpoints, ..Self::default() };
        dump.nodes = self.nodes.iter().map(|node| replacement.node(node)).collect();
        dump.cluster.node = replacement.node(&self.cluster.node);
        let cidrs = &self.cluster.service_cidrs;
        dump.cluster.service_cidrs = cidrs.iter().map(|&cidr| replacement.addresses.network(cidr)).collect();
        for service in &self.cluster.services {
            if service.forbidden_name().is_some() {
                dump.notes.push(Note::new(&object(service), "its name is none that Kubernetes allows; it is left out"));
            } else {
                dump.cluster.services.push(Arc::new(replacement.service(service)));
            }
        }
        dump
    }
}

impl Replacement<'_> {
    fn node(&mut self, node: &Node) -> Node {
        Node {
            name: self.nodes.of(&node.name),
            addresses: node.addresses.iter().map(|&address| self.addresses.address(address)).collect(),
            zone: self.zones.of(&node.zone),
        }
    }

    fn service(&mut self, service: &Service) -> Service {
        let mut replaced = service.clone();
        replaced.namespace = self.namespaces.of(&service.namespace);
        replaced.name = self.services.of(&service.name);
        let cluster_ips = [service.cluster_ips.v4.map(Into::into), service.cluster_ips.v6.map(Into::into)];
        replaced.cluster_ips = cluster_ips.into_iter().flatten().map(|ip| self.addresses.address(ip)).collect();
        for address in &mut replaced.external_ips {
            *address = self.addresses.address(*address);
        }
        for ingress in &mut replaced.ingress {
            ingress.address = self.addresses.address(ingress.address);
        }
        for range in &mut replaced.source_ranges {
            *range = self.addresses.network(*range);
        }
        for port in &mut replaced.ports {
            port.name = self.ports.of(&port.name);
            let endpoints = std::mem::take(&mut port.endpoints);
            port.endpoints = in_picking_order(endpoints.into_iter().map(|endpoint| self.endpoint(endpoint)).collect());
        }
        replaced
    }

    fn endpoint(&mut self, endpoint: Endpoint) -> Endpoint {
        let place = endpoint.place.as_deref().map(|place| {
            Arc::new(Place {
                node: self.nodes.of(&place.node),
                zone: self.zones.of(&place.zone),
                for_zones: place.for_zones.iter().map(|zone| self.zones.of(zone)).collect(),
                for_nodes: place.for_nodes.iter().map(|node| self.nodes.of(node)).collect(),
            })
        });
        Endpoint { address: self.addresses.address(endpoint.address), place, ..endpoint }
    }
}
