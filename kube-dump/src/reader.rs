//! Gathers what is in documents, object by object, and joins it in the end.

use crate::conflict::{self, object};
use crate::document::Place;
use crate::field::said as said_of;
use crate::gathered::{Gathered, ServiceName};
use crate::item::{Item, Take};
use crate::note::{Note, quoted, shown};
use crate::{node, service, slice, subset};
use k8s_openapi::api::core::v1 as k8s;
use lab_core::cluster::{Cluster, Node, Service};
use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// An object of a Service: its Service, and what it is called.
type Of = (ServiceName, String);

/// What was read so far.
#[derive(Default)]
pub(crate) struct Reader {
    services: Vec<Service>,
    cluster: Cluster,
    nodes: Vec<Node>,
    /// From endpoint slices.
    sliced: Gathered,
    /// From Endpoints objects.
    listed: Gathered,
    slices: Vec<Of>,
    endpoints: Vec<Of>,
    passed_over: BTreeMap<String, usize>,
    notes: Vec<Note>,
    /// Services that were read, whether they can be used or not.
    named: HashSet<ServiceName>,
    /// Every object by kind and name, with the hash of its text.
    seen: HashMap<(String, String, String), u64>,
    /// Objects that came twice, word for word.
    repeated: usize,
}

/// What was read, joined.
pub(crate) struct Joined {
    pub(crate) cluster: Cluster,
    pub(crate) nodes: Vec<Node>,
    pub(crate) slices: usize,
    pub(crate) endpoints: usize,
    pub(crate) passed_over: BTreeMap<String, usize>,
    pub(crate) notes: Vec<Note>,
}

impl Reader {
    /// Adds a note that is not about an object.
    pub(crate) fn note(&mut self, object: &str, what: &str) {
        self.notes.push(Note::new(object, what));
    }

    /// The first thing that was left out: of a Service, if there is such a note.
    pub(crate) fn first_note(&self) -> Option<&Note> {
        self.notes.iter().find(|note| note.object.starts_with("Service ")).or(self.notes.first())
    }

    /// The kinds that were passed over.
    pub(crate) fn passed_over(&self) -> &BTreeMap<String, usize> {
        &self.passed_over
    }

    pub(crate) fn has_services(&self) -> bool {
        !self.services.is_empty()
    }

    /// Whether the object is new. If it is not, the first one counts.
    fn is_new(&mut self, item: &Item<'_>, place: &mut Place<'_>) -> bool {
        // Without a name there is no telling.
        if item.name.is_empty() {
            return true;
        }
        let mut hasher = DefaultHasher::new();
        item.json.hash(&mut hasher);
        let text = hasher.finish();
        match self.seen.entry((item.kind.clone(), item.namespace.clone(), item.name.clone())) {
            Entry::Vacant(free) => {
                free.insert(text);
                true
            }
            Entry::Occupied(known) if *known.get() == text => {
                self.repeated += 1;
                false
            }
            Entry::Occupied(_) => {
                self.say(item, place, "it comes twice, and not the same; the first one counts");
                false
            }
        }
    }

    fn say(&mut self, item: &Item<'_>, place: &mut Place<'_>, what: &str) {
        let place = at(item.json, place);
        self.notes.push(Note::new(&item.object(), &format!("{what} ({place})")));
    }

    /// Reads an object of a kind that counts.
    fn read(&mut self, item: &Item<'_>, said: &mut Vec<String>) -> Result<(), String> {
        let unfit = |error| said_of(&error);
        let name = (item.namespace.clone(), item.name.clone());
        match item.kind.as_str() {
            "Service" => {
                self.named.insert(name);
                let read: k8s::Service = serde_json::from_str(item.json).map_err(unfit)?;
                self.services.push(service::read(&read, &item.namespace, said)?);
            }
            "EndpointSlice" => {
                let read = slice::parse(item.json, &item.version).map_err(unfit)?;
                let service = slice::add(&read, &item.namespace, &mut self.sliced, said);
                self.slices.extend(service.map(|service| (service, item.object())));
            }
            "Endpoints" => {
                let read: k8s::Endpoints = serde_json::from_str(item.json).map_err(unfit)?;
                // Leader election leaves empty ones.
                if subset::add(&read, &name, &mut self.listed, said) {
                    self.endpoints.push((name, item.object()));
                }
            }
            "ServiceCIDR" => self.cluster.service_cidrs.extend(node::cidrs(item.json)?),
            _ => {
                let read: k8s::Node = serde_json::from_str(item.json).map_err(unfit)?;
                self.nodes.push(node::read(&read)?);
            }
        }
        Ok(())
    }

    /// Gives the Services their endpoints, and looks for what does not add up. `names` says what the inputs are called.
    pub(crate) fn join(mut self, names: &str) -> Joined {
        let is_any = !self.slices.is_empty() || !self.endpoints.is_empty() || !self.notes_of_endpoints().is_empty();
        let mut used = 0;
        for mut service in std::mem::take(&mut self.services) {
            let name = (service.namespace.clone(), service.name.clone());
            let is_sliced = self.sliced.knows(&name);
            let is_listed = !is_sliced && self.listed.knows(&name);
            used += usize::from(is_listed);
            let left = if is_sliced { self.sliced.give(&mut service) } else { self.listed.give(&mut service) };
            if !service.is_skipped() {
                for (port, protocol) in left {
                    let what = format!(
                        "it has no port {port} ({}), which its endpoints have",
                        protocol.name(),
                        port = quoted(&port)
                    );
                    self.note(&object(&service), &what);
                }
                if is_any && !is_sliced && !is_listed {
                    self.note(&object(&service), "no EndpointSlices of it, so that it has no endpoints here");
                }
            }
            self.cluster.services.push(Arc::new(service));
        }
        if !is_any {
            self.note(
                names,
                "no EndpointSlices in it: how many endpoints the Services have is not known, and they are taken to have \
                 none; add them with: kubectl get endpointslices -A -o json",
            );
        }
        for ((namespace, name), called) in self.slices.iter().chain(&self.endpoints) {
            if !self.named.contains(&(namespace.clone(), name.clone())) {
                let what = format!("there is no Service {namespace}/{name}; it is left out");
                self.notes.push(Note::new(called, &what));
            }
        }
        if self.repeated > 0 {
            let what = format!("{} objects come twice, and are the same; each counts once", self.repeated);
            self.note(names, &what);
        }
        self.notes.extend(conflict::notes(&self.cluster));
        self.cluster.node.addresses = node::of_lab(&self.cluster);
        Joined {
            cluster: self.cluster,
            nodes: self.nodes,
            slices: self.slices.len(),
            endpoints: used,
            passed_over: self.passed_over,
            notes: self.notes,
        }
    }

    /// The notes on endpoint slices: there were some, though none can be used.
    fn notes_of_endpoints(&self) -> Vec<&Note> {
        self.notes.iter().filter(|note| note.object.starts_with("EndpointSlice ")).collect()
    }
}

/// Where `part` is: `cluster.json:17`.
fn at(part: &str, place: &mut Place<'_>) -> String {
    match place.line(part) {
        Some(line) => format!("{}:{line}", place.input),
        None => place.input.to_owned(),
    }
}

/// The API group that has the kinds that count; other groups have kinds of the same names, such as Knative's Service.
fn group(kind: &str) -> Option<&'static str> {
    match kind {
        "Service" | "Endpoints" | "Node" => Some(""),
        "EndpointSlice" => Some("discovery.k8s.io"),
        "ServiceCIDR" => Some("networking.k8s.io"),
        _ => None,
    }
}

impl Take for Reader {
    fn object(&mut self, item: Item<'_>, place: &mut Place<'_>) {
        let of = item.version.rsplit_once('/').map_or("", |(group, _)| group);
        let counts = group(&item.kind).is_some_and(|group| item.version.is_empty() || group == of);
        if !counts {
            let kind = match item.kind.as_str() {
                "" => "something of no kind".to_owned(),
                kind if group(kind).is_some() => shown(&format!("{kind} ({})", item.version)),
                kind => shown(kind),
            };
            *self.passed_over.entry(kind).or_default() += 1;
            return;
        }
        if !self.is_new(&item, place) {
            return;
        }
        let mut said = Vec::new();
        let read = self.read(&item, &mut said);
        for what in said {
            self.say(&item, place, &what);
        }
        if let Err(problem) = read {
            self.say(&item, place, &format!("{problem}; it is left out"));
        }
    }

    fn wrong(&mut self, what: &str, problem: &str, part: &str, place: &mut Place<'_>) {
        let place = at(part, place);
        self.note(&place, &format!("{what}: {problem}; it is left out"));
    }
}
