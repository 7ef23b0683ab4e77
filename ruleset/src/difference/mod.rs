//! What two states of a node differ in, object by object.

mod lines;
mod sentence;

use std::borrow::Cow;
use std::cmp::Ordering;

/// What kind of object holds rules, elements or servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A table of nftables.
    Table,
    /// A chain, whose rules have an order.
    Chain,
    /// A set of nftables.
    Set,
    /// A map of nftables.
    Map,
    /// A set of `ipset`.
    Ipset,
    /// A virtual server of IPVS.
    VirtualServer,
}

/// A rule, or what tells an element from every other and the rest of it.
pub type Line<'a> = (&'a str, &'a str);

/// An object with what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object<'a> {
    /// The table that it is in; empty where there are none.
    pub table: Cow<'a, str>,
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: Cow<'a, str>,
    /// What it is told when it is made: a hook, a type.
    pub properties: Cow<'a, str>,
    /// What it holds, of a chain in order.
    pub lines: Vec<Line<'a>>,
}

impl Object<'_> {
    fn key(&self) -> (&str, Kind, &str) {
        (&self.table, self.kind, &self.name)
    }
}

/// A state of a node, or of a part of it.
pub trait Held {
    /// All objects, sorted by table, kind and name. A built-in chain without rules is none.
    fn objects(&self) -> Vec<Object<'_>>;
}

/// How the rules of a chain whose order kube-proxy leaves to chance are compared: KUBE-SERVICES, KUBE-NODEPORTS,
/// KUBE-EXTERNAL-SERVICES and KUBE-PROXY-FIREWALL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// In order, as the rules of all other chains.
    #[default]
    Strict,
    /// As a multiset, but for the last rule of KUBE-SERVICES, which leads to the node ports.
    Loose,
}

/// The chains that [`Order`] is about.
const LOOSE: [&str; 4] = ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-EXTERNAL-SERVICES", "KUBE-PROXY-FIREWALL"];

/// How two states are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Of chains whose order kube-proxy leaves to chance.
    pub order: Order,
    /// Chains that are left out, such as KUBE-PROXY-CANARY.
    pub without: &'static [&'static str],
}

/// One thing in which a state is not the expected one. Its text is a short sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The table of the object.
    pub table: String,
    /// What the object is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub what: What,
}

/// What is wrong with an object. Places count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It is not there.
    Absent,
    /// It should not be there; it holds so many rules or elements.
    Foreign(usize),
    /// It was made otherwise.
    Made {
        /// What it is.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// A rule, or an element's value, is another than it should be.
    Other {
        /// Its place, where there is an order.
        place: Option<usize>,
        /// What is there.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// Something is missing.
    Missing {
        /// Its place in the expected order, where there is one.
        place: Option<usize>,
        /// What it is.
        line: String,
    },
    /// Something should not be there.
    Unexpected {
        /// Its place, where there is an order.
        place: Option<usize>,
        /// What it is.
        line: String,
    },
    /// A rule is elsewhere in the order.
    Moved {
        /// What it is.
        line: String,
        /// Where it is among those that belong there.
        found: usize,
        /// Where it should be.
        expected: usize,
    },
}

/// In what `found` differs from `expected`.
#[must_use]
pub fn difference(expected: &impl Held, found: &impl Held, how: Comparison) -> Vec<Difference> {
    let kept = |object: &Object<'_>| object.kind != Kind::Chain || !how.without.contains(&object.name.as_ref());
    let (mut expected, mut found) = (expected.objects(), found.objects());
    expected.retain(kept);
    found.retain(kept);
    let (mut expected, mut found) = (expected.into_iter().peekable(), found.into_iter().peekable());
    let mut differences = Vec::new();
    loop {
        let order = match (expected.peek(), found.peek()) {
            (None, None) => return differences,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => one.key().cmp(&other.key()),
        };
        let one = if order.is_le() { expected.next() } else { None };
        let other = if order.is_ge() { found.next() } else { None };
        match (one, other) {
            (Some(one), Some(other)) => both(&one, &other, how.order, &mut differences),
            (Some(one), None) => differences.push(of(&one, What::Absent)),
            (None, Some(other)) => differences.push(of(&other, What::Foreign(other.lines.len()))),
            (None, None) => return differences,
        }
    }
}

fn both(expected: &Object<'_>, found: &Object<'_>, order: Order, differences: &mut Vec<Difference>) {
    if expected.properties != found.properties {
        let made = What::Made { found: found.properties.to_string(), expected: expected.properties.to_string() };
        differences.push(of(expected, made));
    }
    if expected.lines == found.lines {
        return;
    }
    let what = match (expected.kind, order) {
        (Kind::Chain, Order::Loose) if LOOSE.contains(&expected.name.as_ref()) => lines::loose(expected, found),
        (Kind::Chain, _) => lines::ordered(&expected.lines, &found.lines),
        _ => lines::unordered(&expected.lines, &found.lines),
    };
    differences.extend(what.into_iter().map(|what| of(expected, what)));
}

fn of(object: &Object<'_>, what: What) -> Difference {
    Difference { table: object.table.to_string(), kind: object.kind, name: object.name.to_string(), what }
}

#[cfg(test)]
mod tests;
