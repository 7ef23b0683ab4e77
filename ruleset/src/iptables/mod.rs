//! The tables of iptables: what `iptables-save` lists, and what `iptables-restore` and `iptables` do to it.

mod command;
mod option;
mod restore;
mod rule;
mod section;
mod selection;

pub use command::changed;
pub use restore::named;
pub use rule::Rule;
pub use section::{Section, sections};
pub use selection::Selection;

use crate::difference::{Held, Kind, Object};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The address family of a set of tables. Some defaults depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// `iptables`.
    V4,
    /// `ip6tables`.
    V6,
}

/// All tables of a family, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// The family.
    pub family: Family,
    /// The tables.
    pub tables: BTreeMap<String, Table>,
}

/// A table's chains, by name.
pub type Table = BTreeMap<Box<str>, Chain>;

/// A chain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chain {
    /// Its policy, of a built-in chain; `-` otherwise.
    pub policy: Policy,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
}

/// What becomes of a packet at the end of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// It goes back to the chain that called; this is one that someone made.
    #[default]
    Return,
    /// It passes.
    Accept,
    /// It is dropped.
    Drop,
}

/// The chains that the kernel makes.
const BUILT_IN: [&str; 5] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

impl Tables {
    /// No tables.
    #[must_use]
    pub fn new(family: Family) -> Self {
        Self { family, tables: BTreeMap::new() }
    }

    /// The chain of this name in `table`, if there is one.
    #[must_use]
    pub fn chain(&self, table: &str, name: &str) -> Option<&Chain> {
        self.tables.get(table)?.get(name)
    }

    /// How many rules there are, in all tables.
    #[must_use]
    pub fn rules(&self) -> usize {
        self.tables.values().flat_map(Table::values).map(|chain| chain.rules.len()).sum()
    }
}

impl Held for Tables {
    fn objects(&self) -> Vec<Object<'_>> {
        let chains = self.tables.iter().flat_map(|(table, chains)| chains.iter().map(move |chain| (table, chain)));
        let idle = |name: &str, chain: &Chain| {
            BUILT_IN.contains(&name) && chain.rules.is_empty() && chain.policy != Policy::Drop
        };
        let objects = chains.filter(|(_, (name, chain))| !idle(name, chain)).map(|(table, (name, chain))| Object {
            table: Cow::Borrowed(table),
            kind: Kind::Chain,
            name: Cow::Borrowed(name),
            properties: Cow::Borrowed(if chain.policy == Policy::Drop { "policy DROP" } else { "" }),
            lines: chain.rules.iter().map(|rule| (rule.text(), "")).collect(),
        });
        objects.collect()
    }
}

#[cfg(test)]
mod tests;
