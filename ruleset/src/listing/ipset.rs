//! Sets of ipset: what `ipset list` and `ipset save` print.

use super::note::quote;
use super::oddity::{Oddities, Oddity};
use super::value;
use crate::words;
use lab_core::node::{Element, KeyPart, NodeState, Set, Value};
use std::collections::HashSet;

/// The sets of the present listing, and where in it the lines are.
#[derive(Debug, Default)]
pub(super) struct Ipsets {
    /// The set that `ipset list` is at.
    name: Option<Box<str>>,
    /// Whether it is at its members.
    at_members: bool,
    /// Sets of this listing that are left out, as there is one of their name.
    left_out: HashSet<Box<str>>,
}

impl Ipsets {
    /// Ends a listing.
    pub(super) fn end(&mut self) {
        *self = Self::default();
    }

    /// Ends a set's members.
    pub(super) fn end_members(&mut self) {
        self.at_members = false;
    }

    /// Reads a line that says by itself that it is of ipset.
    pub(super) fn line(&mut self, line: &str, number: usize, state: &mut NodeState, oddities: &mut Oddities) -> bool {
        if line.starts_with("create ") || line.starts_with("add ") || line.starts_with("-N ") {
            return self.saved(line, number, state, oddities).is_some();
        }
        let Some((field, value)) = line.split_once(':') else { return false };
        let value = value.trim();
        match (field, self.name.as_deref()) {
            ("Name", _) if !value.is_empty() => {
                (self.name, self.at_members) = (Some(value.into()), false);
            }
            ("Type", Some(name)) if is_kind(value) => {
                let name: Box<str> = name.into();
                self.create(&name, value, number, state, oddities);
            }
            ("Header", Some(name)) => {
                let words: Vec<&str> = value.split_whitespace().collect();
                if let Some(set) = state.ipsets.get_mut(name).filter(|_| !self.left_out.contains(name)) {
                    set.maximum = maximum(&words);
                }
            }
            ("Revision" | "Size in memory" | "References" | "Number of entries", Some(_)) => {}
            ("Members", Some(_)) => self.at_members = true,
            _ => return false,
        }
        true
    }

    /// Reads a member of the set that `ipset list` is at.
    pub(super) fn member(&mut self, line: &str, state: &mut NodeState) -> bool {
        let Some(name) = self.name.as_deref().filter(|_| self.at_members) else { return false };
        if self.left_out.contains(name) {
            return true;
        }
        let Some(set) = state.ipsets.get_mut(name) else { return false };
        element(&set.kind, &words::split(line)).map(|element| set.add(element)).is_some()
    }

    /// `create NAME TYPE …`, `add NAME ELEMENT …`
    fn saved(&mut self, line: &str, number: usize, state: &mut NodeState, oddities: &mut Oddities) -> Option<()> {
        let words = words::split(line);
        let name = words.get(1)?.as_ref();
        if words[0] == "add" {
            if self.left_out.contains(name) {
                return Some(());
            }
            let set = state.ipsets.get_mut(name)?;
            match element(&set.kind, &words[2..]) {
                Some(element) => set.add(element),
                None => oddities.add(Oddity::Element, number, || quote(line)),
            }
            return Some(());
        }
        let kind = words.get(2).filter(|kind| is_kind(kind))?;
        if self.create(name, kind, number, state, oddities) {
            let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
            state.ipsets.get_mut(name)?.maximum = maximum(&words);
        }
        Some(())
    }

    /// Makes a set, unless there is one of its name.
    fn create(
        &mut self,
        name: &str,
        kind: &str,
        number: usize,
        state: &mut NodeState,
        oddities: &mut Oddities,
    ) -> bool {
        if state.ipsets.contains_key(name) {
            self.left_out.insert(name.into());
            oddities.add(Oddity::Set, number, || quote(name));
            return false;
        }
        state.ipsets.insert(name.into(), Set::new(kind));
        true
    }
}

fn is_kind(word: &str) -> bool {
    ["hash:", "bitmap:", "list:"].iter().any(|start| word.starts_with(start))
}

fn maximum(header: &[&str]) -> Option<u64> {
    let place = header.iter().position(|word| *word == "maxelem")?;
    header.get(place + 1)?.parse().ok()
}

/// An element of a set of this type.
///
/// A part of the type becomes a part of the key, but for a port of a hash: ipset holds the transport protocol with it,
/// so it becomes two parts, the protocol's number and the port. `10.96.0.1,tcp:443` in a `hash:ip,port` is the key
/// `10.96.0.1`, 6, 443. What looks a packet up in it (`dst,dst`) has to put the protocol before each port of a hash. A
/// `bitmap:port` holds ports alone.
fn element(kind: &str, words: &[impl AsRef<str>]) -> Option<Element> {
    let (method, fields) = kind.split_once(':')?;
    let (first, options) = words.split_first()?;
    let mut key = Vec::with_capacity(4);
    let mut parts = first.as_ref().split(',');
    for field in fields.split(',') {
        let part = parts.next()?;
        match field {
            "ip" | "net" => key.push(addresses(part)?),
            "port" if method == "bitmap" => key.push(ports(part)?),
            "port" => {
                let (protocol, port) = part.split_once(':').unwrap_or(("tcp", part));
                key.push(KeyPart::One(Value::Number(value::protocol(protocol)?.into())));
                // What stands there for ICMP is a type and a code.
                key.push(ports(port).unwrap_or_else(|| KeyPart::One(Value::Text(port.into()))));
            }
            "mark" => key.push(KeyPart::One(Value::Number(value::number(part)?.into()))),
            _ => key.push(KeyPart::One(Value::Text(part.into()))),
        }
    }
    if parts.next().is_some() {
        return None;
    }
    let mut element = Element { key: key.into(), outcome: None, comment: None, is_excluded: false };
    let mut options = options.iter().map(AsRef::as_ref);
    while let Some(option) = options.next() {
        match option {
            "nomatch" => element.is_excluded = true,
            "comment" => element.comment = options.next().map(Into::into),
            "timeout" | "packets" | "bytes" | "skbmark" | "skbprio" | "skbqueue" => drop(options.next()),
            _ if method == "list" => {}
            _ => return None,
        }
    }
    Some(element)
}

fn addresses(word: &str) -> Option<KeyPart> {
    let span = value::span(word)?;
    Some(if span.is_one() { KeyPart::One(Value::Address(span.first)) } else { KeyPart::Addresses(span) })
}

fn ports(word: &str) -> Option<KeyPart> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let (first, last) = (first.parse::<u16>().ok()?, last.parse::<u16>().ok()?);
    let one = first == last;
    Some(if one { KeyPart::One(Value::Number(first.into())) } else { KeyPart::Numbers(first.into(), last.into()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_of_a_hash_is_two_parts_of_the_key() {
        let key = |kind, text: &str| element(kind, &text.split(' ').collect::<Vec<_>>()).unwrap().key;
        let number = |number| KeyPart::One(Value::Number(number));
        let address = |word: &str| KeyPart::One(Value::Address(word.parse().unwrap()));
        assert_eq!(*key("hash:ip,port", "10.96.0.1,tcp:443"), [address("10.96.0.1"), number(6), number(443)]);
        assert_eq!(*key("hash:ip,port", "fd00::1,udp:53"), [address("fd00::1"), number(17), number(53)]);
        assert_eq!(*key("hash:ip,port", "10.96.0.1,443"), [address("10.96.0.1"), number(6), number(443)]);
        assert_eq!(*key("bitmap:port", "30000-30010"), [KeyPart::Numbers(30000, 30010)]);
        assert_eq!(
            *key("hash:net,iface", "10.0.0.1,eth0"),
            [address("10.0.0.1"), KeyPart::One(Value::Text("eth0".into()))]
        );
        let net = element("hash:net", &["10.0.0.0/8", "timeout", "5", "nomatch", "comment", "not these"]).unwrap();
        assert!(net.is_excluded);
        assert_eq!(net.comment.as_deref(), Some("not these"));
        assert_eq!(element("hash:ip", &["10.0.0.1,tcp:5"]), None);
        assert_eq!(element("hash:ip", &["name"]), None);
    }
}
