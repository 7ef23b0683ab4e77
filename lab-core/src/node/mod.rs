//! A node on paper: the rules, sets, virtual servers and addresses that a node holds, as values that can be walked.
//!
//! One model for iptables, nftables, ipset and IPVS, so that one walk goes through all of them. `ruleset` reads it from
//! listings; `path` walks a packet through it.

mod address;
mod rule;
mod server;
mod set;
mod statement;
mod table;
mod verdict;

pub use address::{NodeAddress, Span};
pub use rule::Rule;
pub use server::{Forwarding, RealServer, VirtualServer};
pub use set::{Element, KeyPart, Outcome, Set, SetRef, Value};
pub use statement::{AddressKind, Direction, Field, Pick, Side, Statement, States, Test};
pub use table::{Chain, Families, Hook, HookPoint, Maker, NatKind, Table};
pub use verdict::{Rewrite, Verdict, WrittenPort};

use std::collections::BTreeMap;

/// What a node holds, as far as its listings tell.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NodeState {
    /// The tables of iptables, ip6tables and nftables.
    pub tables: Vec<Table>,
    /// The sets of `ipset`, by name.
    pub ipsets: BTreeMap<Box<str>, Set>,
    /// IPVS's virtual servers.
    pub servers: Vec<VirtualServer>,
    /// The node's own addresses, kube-ipvs0's included. Empty where no listing tells.
    pub addresses: Vec<NodeAddress>,
}

impl NodeState {
    /// How many rules there are, in all tables.
    #[must_use]
    pub fn rules(&self) -> usize {
        self.tables.iter().map(Table::rules).sum()
    }

    /// Whether nothing was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.ipsets.is_empty() && self.servers.is_empty() && self.addresses.is_empty()
    }
}
