//! The chains that packets meet, as a graph: in the order in which they are met.

use super::Explained;
use super::steps::path;
use super::words::{access, destination, origin_words, share};
use analysis::explain::{Client, Outcome, Way};
use lab_core::foreign::shown;
use lab_core::path::{End, Event, Place, Step};
use std::collections::HashMap;
use std::fmt::Write;

/// A graph shows no more endpoints of an entry than this; the rest is counted.
const MOST_ENDPOINTS: usize = 24;

/// What a node of the graph is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// Where packets come from.
    Client,
    /// A base chain.
    Base,
    /// Another chain.
    Chain,
    /// An endpoint.
    Endpoint,
    /// An end without an endpoint.
    End,
}

/// A node of the graph.
pub(super) struct Node {
    pub(super) label: String,
    pub(super) shape: Shape,
}

/// An arrow.
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) label: String,
}

/// Chains, endpoints and the arrows between them.
#[derive(Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
    places: HashMap<(Shape, String), usize>,
}

impl Graph {
    fn node(&mut self, shape: Shape, label: String) -> usize {
        let key = (shape, label.clone());
        if let Some(&place) = self.places.get(&key) {
            return place;
        }
        self.places.insert(key, self.nodes.len());
        self.nodes.push(Node { label, shape });
        self.nodes.len() - 1
    }

    fn edge(&mut self, from: usize, to: usize, label: String) {
        let same = |edge: &&mut Edge| (edge.from, edge.to) == (from, to);
        match self.edges.iter_mut().find(same) {
            Some(held) if held.label.split(", ").any(|part| part == label) => {}
            Some(held) if held.label.len() < 40 => {
                let _ = write!(held.label, ", {label}");
            }
            Some(_) => {}
            None => self.edges.push(Edge { from, to, label }),
        }
    }

    /// In Mermaid's language.
    pub(super) fn mermaid(&self) -> String {
        let mut out = "flowchart TD\n".to_owned();
        for (number, node) in self.nodes.iter().enumerate() {
            let label = escaped(&node.label);
            let (open, close) = match node.shape {
                Shape::Client => ("([", "])"),
                Shape::Base => ("[[", "]]"),
                Shape::Chain => ("[", "]"),
                Shape::Endpoint => ("(", ")"),
                Shape::End => ("{{", "}}"),
            };
            let _ = writeln!(out, "  n{number}{open}\"{label}\"{close}");
        }
        for Edge { from, to, label } in &self.edges {
            let _ = match label.is_empty() {
                true => writeln!(out, "  n{from} --> n{to}"),
                false => writeln!(out, "  n{from} -->|\"{}\"| n{to}", escaped(label)),
            };
        }
        out
    }
}

/// A label as Mermaid takes it between quotes.
fn escaped(label: &str) -> String {
    let mut out = String::with_capacity(label.len());
    for character in label.chars() {
        match character {
            '#' => out.push_str("#35;"),
            '"' => out.push_str("#quot;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '&' => out.push_str("#amp;"),
            '`' => out.push_str("#96;"),
            other => out.push(other),
        }
    }
    out
}

/// The graph of an explanation.
pub(super) fn graph(explained: &Explained<'_>) -> Graph {
    let mut graph = Graph::default();
    for way in &explained.explanation.ways {
        let client = match way.client {
            Client::Address(address) => address.to_string(),
            Client::At(origin) => origin_words(origin).to_owned(),
        };
        let to = format!("{} ({})", destination(way.dialled, way.entry.protocol), access(&way.entry));
        let start = graph.node(Shape::Client, format!("{client} to {to}"));
        let shown: Vec<&Outcome> = way.outcomes.iter().take(MOST_ENDPOINTS).collect();
        for (number, outcome) in shown.iter().enumerate() {
            follow(explained, way, outcome, start, number == 0, &mut graph);
        }
        if let Some(more) = way.outcomes.len().checked_sub(shown.len()).filter(|&more| more > 0) {
            let chain = shown.last().and_then(|outcome| outcome.ending.picked);
            let from = chain.map_or(start, |(place, _)| graph.node(Shape::Chain, explained.chain(place)));
            let node = graph.node(Shape::End, format!("and {more} more"));
            graph.edge(from, node, String::new());
        }
    }
    graph
}

/// Adds the way to an outcome; to the first chain after its endpoint or, if `to_the_end`, all of it.
fn follow(explained: &Explained<'_>, way: &Way, outcome: &Outcome, start: usize, to_the_end: bool, graph: &mut Graph) {
    let (mut last, mut is_at_endpoint) = (start, false);
    for step in path(&way.walk, &outcome.ending).into_iter().map(|place| &way.walk.steps[place]) {
        let Some(next) = next(explained, outcome, step, last, graph) else { continue };
        last = next;
        if !to_the_end && is_at_endpoint {
            // From here on it goes as the first one does.
            return;
        }
        is_at_endpoint = matches!(step.event, Event::Dnat(_) | Event::Ipvs { .. });
    }
}

/// The node that a step leads to, with an arrow to it; `None` where it leads nowhere.
fn next(explained: &Explained<'_>, outcome: &Outcome, step: &Step, last: usize, graph: &mut Graph) -> Option<usize> {
    let rule = |place: Place| place.rule.map_or_else(String::new, |rule| format!("rule {}", rule + 1));
    let chain_node = |place: Place, graph: &mut Graph| {
        let held = &explained.walker.state().tables[place.table].chains()[place.chain];
        let shape = if held.hook.is_some() { Shape::Base } else { Shape::Chain };
        graph.node(shape, explained.chain(place))
    };
    let (from, to, label) = match (&step.event, step.place) {
        (Event::Base | Event::Taken, Some(place)) => (last, chain_node(place, graph), String::new()),
        (Event::Enter { chain, .. }, Some(place)) => {
            let to = chain_node(Place { chain: *chain, rule: None, ..place }, graph);
            (chain_node(place, graph), to, rule(place))
        }
        (Event::Missing(name), Some(place)) => {
            let to = graph.node(Shape::Chain, format!("{} (not in the listing)", shown(name)));
            (chain_node(place, graph), to, rule(place))
        }
        (Event::Dnat(to), Some(place)) => {
            let label = match outcome.ending.assuming.is_empty() {
                true => format!("{} of new connections", share(outcome.ending.probability)),
                false => "clients seen before".to_owned(),
            };
            let to = graph.node(Shape::Endpoint, to.to_string());
            (chain_node(place, graph), to, label)
        }
        (Event::Ipvs { server, real }, _) => {
            let server = &explained.walker.state().servers[*server];
            let middle = graph.node(Shape::Chain, format!("IPVS {} ({})", server.address, shown(&server.scheduler)));
            graph.edge(last, middle, String::new());
            let Some(real) = real else { return Some(middle) };
            let to = graph.node(Shape::Endpoint, server.real[*real].address.to_string());
            (middle, to, format!("{} of new connections", share(outcome.ending.probability)))
        }
        (Event::Masquerade, Some(place)) => (
            chain_node(place, graph),
            graph.node(Shape::End, "source becomes the node's address".to_owned()),
            rule(place),
        ),
        (Event::End(End::Dropped | End::MarkedToDrop), Some(place)) => {
            (chain_node(place, graph), graph.node(Shape::End, "dropped".to_owned()), rule(place))
        }
        (Event::End(End::Rejected(_)), Some(place)) => {
            (chain_node(place, graph), graph.node(Shape::End, "rejected".to_owned()), rule(place))
        }
        (Event::End(End::Sent), _) => (last, graph.node(Shape::End, "sent".to_owned()), String::new()),
        (Event::End(End::Delivered), _) => {
            (last, graph.node(Shape::End, "delivered on the node".to_owned()), String::new())
        }
        _ => return None,
    };
    graph.edge(from, to, label);
    Some(to)
}
