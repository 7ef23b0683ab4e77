//! Sets and maps: of nftables, named or written in a rule, and of ipset.

use super::{Rewrite, Span, Verdict};
use std::collections::HashMap;
use std::net::IpAddr;

/// What one part of a packet is, as sets look it up.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    /// An address.
    Address(IpAddr),
    /// A port, a protocol's number, a mark, a bit set of connection states.
    Number(u64),
    /// A device's name.
    Text(Box<str>),
}

/// One part of an element's key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KeyPart {
    /// This value.
    One(Value),
    /// One of these addresses.
    Addresses(Span),
    /// A number from the first to the last one.
    Numbers(u64, u64),
    /// Any value.
    Any,
}

/// What an element of a map leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A verdict: `goto CHAIN`, `drop`.
    Verdict(Verdict),
    /// An address and a port to go to.
    To(Rewrite),
    /// Something that is not read, as it stands.
    Other(Box<str>),
}

/// An element of a set or a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    /// Its key, a part for each field that is looked up.
    pub key: Box<[KeyPart]>,
    /// What it leads to, in a map.
    pub outcome: Option<Outcome>,
    /// Its comment, without quotes.
    pub comment: Option<Box<str>>,
    /// What is in it does not match: ipset's `nomatch`.
    pub is_excluded: bool,
}

/// A set or a map.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Set {
    /// Its type as the listing has it, such as `hash:ip,port` or `ipv4_addr . inet_proto . inet_service : verdict`.
    pub kind: Box<str>,
    /// Whether packets add to it: what is in it when a packet comes cannot be told from a listing.
    pub is_dynamic: bool,
    /// How many elements it may have, where the listing tells.
    pub maximum: Option<u64>,
    elements: Vec<Element>,
    /// Elements whose key is one value in each part.
    exact: HashMap<Box<[Value]>, usize>,
    /// The others.
    wide: Vec<usize>,
}

/// A set by its name in the rule's table, or written in the rule.
#[derive(Debug, Clone, PartialEq)]
pub enum SetRef {
    /// `@NAME`
    Named(Box<str>),
    /// `{ … }`
    Written(Box<Set>),
}

impl Set {
    /// An empty set of this type.
    #[must_use]
    pub fn new(kind: impl Into<Box<str>>) -> Self {
        Self { kind: kind.into(), ..Self::default() }
    }

    /// Adds an element. One of the same exact key is replaced.
    pub fn add(&mut self, element: Element) {
        let place = self.elements.len();
        let one = |part: &KeyPart| match part {
            KeyPart::One(value) => Some(value.clone()),
            KeyPart::Addresses(span) if span.is_one() => Some(Value::Address(span.first)),
            KeyPart::Numbers(first, last) if first == last => Some(Value::Number(*first)),
            _ => None,
        };
        match element.key.iter().map(one).collect::<Option<Box<[Value]>>>() {
            Some(_) if element.is_excluded => self.wide.push(place),
            Some(key) => match self.exact.get(&key) {
                Some(&held) => {
                    self.elements[held] = element;
                    return;
                }
                None => drop(self.exact.insert(key, place)),
            },
            None => self.wide.push(place),
        }
        self.elements.push(element);
    }

    /// Its elements, in the listing's order.
    #[must_use]
    pub fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// The element that holds `key`: an exact one first, otherwise the narrowest network.
    #[must_use]
    pub fn find(&self, key: &[Value]) -> Option<&Element> {
        let holding = self.wide.iter().map(|&place| &self.elements[place]).filter(|element| element.holds(key));
        let exact = self.exact.get(key).map(|&place| &self.elements[place]);
        match holding.min_by_key(|element| element.width()) {
            Some(wide) if wide.is_excluded && (exact.is_none() || wide.width() == 0) => None,
            wide => exact.or(wide),
        }
    }
}

impl Element {
    fn holds(&self, key: &[Value]) -> bool {
        self.key.len() == key.len() && self.key.iter().zip(key).all(|(part, value)| part.holds(value))
    }

    /// How many addresses its key's parts have, as the number of bits that are free.
    fn width(&self) -> u32 {
        self.key.iter().map(KeyPart::width).sum()
    }
}

impl KeyPart {
    fn holds(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::One(one), value) => one == value,
            (Self::Addresses(span), Value::Address(address)) => span.contains(*address),
            (Self::Numbers(first, last), Value::Number(number)) => (first..=last).contains(&number),
            (Self::Any, _) => true,
            _ => false,
        }
    }

    fn width(&self) -> u32 {
        match self {
            Self::One(_) => 0,
            Self::Addresses(span) => match (span.first, span.last) {
                (IpAddr::V4(first), IpAddr::V4(last)) => {
                    bits((last.to_bits() - first.to_bits().min(last.to_bits())).into())
                }
                (IpAddr::V6(first), IpAddr::V6(last)) => bits(last.to_bits().saturating_sub(first.to_bits())),
                _ => 128,
            },
            Self::Numbers(first, last) => bits(last.saturating_sub(*first).into()),
            Self::Any => 128,
        }
    }
}

fn bits(difference: u128) -> u32 {
    128 - difference.leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(network: &str, is_excluded: bool) -> Element {
        let span = Span::from(network.parse::<ipnet::IpNet>().unwrap());
        Element { key: [KeyPart::Addresses(span)].into(), outcome: None, comment: None, is_excluded }
    }

    #[test]
    fn the_narrowest_network_decides() {
        let mut set = Set::new("hash:net");
        set.add(network("10.0.0.0/8", false));
        set.add(network("10.1.0.0/16", true));
        set.add(network("10.1.2.3/32", false));
        let holds = |address: &str| set.find(&[Value::Address(address.parse().unwrap())]).is_some();
        assert!(holds("10.2.0.1"));
        assert!(!holds("10.1.0.1"));
        assert!(holds("10.1.2.3"));
        assert!(!holds("11.0.0.1"));
    }
}
