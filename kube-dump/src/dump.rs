//! A whole dump: a cluster, and what was left out of it or does not add up.

use crate::input::{Input, Origin};
use crate::note::Note;
use crate::reader::Reader;
use crate::spread::Spread;
use crate::unreadable::{Problem, Unreadable};
use crate::{document, item};
use lab_core::cluster::{Cluster, Family, Feature, Node, Protocol, ServicePort};
use std::collections::BTreeMap;

/// How many inputs are named together.
const NAMED: usize = 3;

/// What is in a dump.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dump {
    /// Every Service with its endpoints, in the order of the dump, on a node that is the lab's own.
    pub cluster: Cluster,
    /// The nodes of the dump, if it has any.
    pub nodes: Vec<Node>,
    /// How many endpoint slices of Services there are.
    pub slices: usize,
    /// How many Services have their endpoints from Endpoints objects, since they have no slices.
    pub endpoints: usize,
    /// Objects of other kinds, which were skipped.
    pub passed_over: BTreeMap<String, usize>,
    /// [Found](Origin::Found) inputs that are no documents of Kubernetes, which were skipped.
    pub unread: usize,
    /// What was left out, and what does not add up, by object.
    pub notes: Vec<Note>,
}

impl Dump {
    /// Reads `inputs` as one cluster: JSON or YAML, lists, arrays, single objects, several of them in one input.
    ///
    /// What is wrong with an object is a note, and so is a [found](Origin::Found) input that is cut off.
    ///
    /// # Errors
    /// If a [named](Origin::Named) input is empty, cut off, or neither JSON nor YAML; if there is no Service that can be
    /// used in all of them.
    pub fn read(inputs: &[Input]) -> Result<Self, Unreadable> {
        let mut reader = Reader::default();
        let mut unread = 0;
        for input in inputs {
            let read = document::each(input, &mut |document, place| item::each(document, place, &mut reader));
            match read {
                Ok(()) => {}
                Err(unreadable) if input.origin == Origin::Named => return Err(unreadable),
                // What is cut off may have been meant.
                Err(Unreadable { problem: Problem::Cut, line, .. }) => {
                    let line = line.map_or_else(String::new, |line| format!(" in line {line}"));
                    reader.note(&input.name, &format!("it is cut off{line}; what comes before that is read"));
                }
                Err(_) => unread += 1,
            }
        }
        let names = names(inputs);
        if !reader.has_services() {
            return Err(Unreadable::of(&names, nothing(&reader)));
        }
        let joined = reader.join(&names);
        Ok(Self {
            cluster: joined.cluster,
            nodes: joined.nodes,
            slices: joined.slices,
            endpoints: joined.endpoints,
            passed_over: joined.passed_over,
            unread,
            notes: joined.notes,
        })
    }

    /// Whether it says which endpoints there are.
    #[must_use]
    pub fn has_endpoints(&self) -> bool {
        self.slices + self.endpoints > 0
    }

    /// The family that most ports are of; IPv4 if there are as many of IPv6.
    #[must_use]
    pub fn family(&self) -> Family {
        let count = |family| self.cluster.ports(family).count();
        if count(Family::V6) > count(Family::V4) { Family::V6 } else { Family::V4 }
    }

    /// The ports on cluster IPs of [that family](Self::family). The lab counts these as Services, because each generated
    /// Service has one port.
    pub fn ports(&self) -> impl Iterator<Item = ServicePort<'_>> {
        self.cluster.ports(self.family())
    }

    /// How many of these ports there are, by protocol.
    #[must_use]
    pub fn protocols(&self) -> Vec<(Protocol, usize)> {
        let of = |protocol| self.ports().filter(|port| port.protocol() == protocol).count();
        let all = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp].map(|protocol| (protocol, of(protocol)));
        all.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    /// How endpoints spread over these ports; `None` without any port, or if the dump does not say which endpoints there
    /// are.
    #[must_use]
    pub fn spread(&self) -> Option<Spread> {
        self.has_endpoints().then(|| Spread::of(self.ports().map(ServicePort::endpoint_count)))?
    }

    /// What Services have besides ports on IPv4 cluster IPs, and how often.
    #[must_use]
    pub fn features(&self) -> BTreeMap<Feature, usize> {
        let mut counts = BTreeMap::new();
        for featured in self.cluster.features() {
            *counts.entry(featured.feature).or_default() += 1;
        }
        counts
    }
}

/// What the inputs are called together.
fn names(inputs: &[Input]) -> String {
    let mut names: Vec<&str> = inputs.iter().take(NAMED).map(|input| input.name.as_str()).collect();
    if names.is_empty() {
        names.push("the dump");
    }
    let more = inputs.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}

/// Why there is no Service.
fn nothing(reader: &Reader) -> Problem {
    match (reader.first_note(), reader.passed_over().first_key_value()) {
        (Some(note), _) => Problem::NoUsable(note.clone()),
        (_, Some((kind, 1))) if reader.passed_over().len() == 1 => Problem::Kind(kind.clone()),
        _ => Problem::NoService,
    }
}
