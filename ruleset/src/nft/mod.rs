//! The tables of nftables: what `nft list` prints, and what `nft -f` does to them.

mod apply;
mod lexer;
mod properties;
mod read;
mod spelling;

pub(crate) use properties::level;

use crate::difference::{Held, Kind, Object};
use crate::unreadable::Unreadable;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// All tables, by family and name, such as `ip kube-proxy`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ruleset {
    /// The tables.
    pub tables: BTreeMap<String, Table>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// Its comment and flags.
    pub properties: String,
    /// Its chains.
    pub chains: BTreeMap<Box<str>, Chain>,
    /// Its sets and maps.
    pub sets: BTreeMap<Box<str>, Set>,
}

/// A chain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chain {
    /// Its hook, with a priority as a number, its policy and its comment.
    pub properties: String,
    /// Its rules in order, each in one spelling.
    pub rules: Vec<Box<str>>,
}

/// A set or a map.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Set {
    /// Whether its elements lead to values.
    pub is_map: bool,
    /// Its type, flags, timeout and comment.
    pub properties: String,
    /// Its elements. What comes after the key is its comment, its timeout and its value, such as `: goto CHAIN`.
    pub elements: BTreeMap<Box<str>, Box<str>>,
}

impl Ruleset {
    /// The tables that `nft list ruleset`, `nft list table` or `nft list chain` prints.
    ///
    /// # Errors
    /// What it does not print.
    pub fn read(listing: &str) -> Result<Self, Unreadable> {
        let mut ruleset = Self::default();
        ruleset.apply(listing)?;
        Ok(ruleset)
    }

    /// Does what `nft -f` does with `script`, which may hold commands and whole tables.
    ///
    /// # Errors
    /// The first command that the kernel would refuse, or that is not known here. What comes before it is done.
    pub fn apply(&mut self, script: &str) -> Result<(), Unreadable> {
        read::Reader::new(script).read(self)
    }

    /// How many rules there are, in all tables.
    #[must_use]
    pub fn rules(&self) -> usize {
        let chains = self.tables.values().flat_map(|table| table.chains.values());
        chains.map(|chain| chain.rules.len()).sum()
    }
}

impl Held for Ruleset {
    fn objects(&self) -> Vec<Object<'_>> {
        self.tables.iter().flat_map(|(name, table)| table.objects(name)).collect()
    }
}

impl Table {
    fn objects<'a>(&'a self, table: &'a str) -> impl Iterator<Item = Object<'a>> {
        let object = move |kind, name: &'a str, properties: &'a str, lines| Object {
            table: Cow::Borrowed(if kind == Kind::Table { "" } else { table }),
            kind,
            name: Cow::Borrowed(name),
            properties: Cow::Borrowed(properties),
            lines,
        };
        let own = object(Kind::Table, table, &self.properties, Vec::new());
        let chains = self.chains.iter().map(move |(name, chain)| {
            let rules = chain.rules.iter().map(|rule| (rule.as_ref(), ""));
            object(Kind::Chain, name, &chain.properties, rules.collect())
        });
        let of_kind = move |kind| self.sets.iter().filter(move |(_, set)| set.is_map == (kind == Kind::Map));
        let sets = move |kind| {
            of_kind(kind).map(move |(name, set)| {
                let elements = set.elements.iter().map(|(key, rest)| (key.as_ref(), rest.as_ref()));
                object(kind, name, &set.properties, elements.collect())
            })
        };
        [own].into_iter().chain(chains).chain(sets(Kind::Set)).chain(sets(Kind::Map))
    }
}

#[cfg(test)]
mod tests;
