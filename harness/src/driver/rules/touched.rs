//! Which parts of a node actions changed: only these are read back after a change.

use super::state::lists;
use lab_core::layout::{Action, Invocation, Part, Request, ServerKey, Tool};
use ruleset::iptables;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Chains of iptables, by table.
pub(super) type Chains = BTreeMap<String, BTreeSet<String>>;

/// What was changed since the last look at a node.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// In IPv4 and IPv6.
    pub(super) chains: [Chains; 2],
    pub(super) nft: bool,
    pub(super) sets: bool,
    /// Virtual servers, each with its real servers.
    pub(super) servers: HashSet<ServerKey>,
    pub(super) addresses: bool,
    /// Nothing is known of the node, or of what was changed: all of it is read.
    pub(super) all: bool,
}

impl Touched {
    /// All of a node.
    pub(super) fn all() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// Adds what `action` changes.
    pub(super) fn add(&mut self, action: &Action) {
        match action {
            Action::Call(Part::Reads | Part::Conntrack, _) | Action::Set(_) => {}
            Action::Call(_, call) | Action::Try(_, call) => self.call(call),
            Action::Ask(_, requests) => requests.iter().for_each(|request| self.ask(request)),
        }
    }

    fn call(&mut self, call: &Invocation) {
        if lists(call) {
            return;
        }
        let family = usize::from(matches!(call.tool, Tool::Ip6tables | Tool::Ip6tablesRestore));
        match call.tool {
            Tool::Iptables | Tool::Ip6tables => match iptables::changed(&call.args) {
                Some((table, chain)) => self.chain(family, &table, &chain),
                None => self.all = true,
            },
            Tool::IptablesRestore | Tool::Ip6tablesRestore => match str::from_utf8(&call.stdin) {
                Ok(input) => iptables::named(input).for_each(|(table, chain)| self.chain(family, table, chain)),
                Err(_) => self.all = true,
            },
            Tool::Nft => self.nft = true,
            Tool::Ipset => self.sets = true,
            Tool::Ipvsadm => self.all = true,
            Tool::IptablesSave | Tool::Ip6tablesSave | Tool::Conntrack => {}
        }
    }

    fn chain(&mut self, family: usize, table: &str, chain: &str) {
        self.chains[family].entry(table.to_owned()).or_default().insert(chain.to_owned());
    }

    fn ask(&mut self, request: &Request) {
        match request {
            Request::AddDevice(_) | Request::RemoveDevice(_) | Request::AddAddress(..) | Request::RemoveAddress(..) => {
                self.addresses = true
            }
            Request::Clear => self.all = true,
            Request::AddVirtualServer(server) | Request::UpdateVirtualServer(server) => {
                self.servers.insert(server.key);
            }
            Request::RemoveVirtualServer(key)
            | Request::AddRealServer(key, _)
            | Request::UpdateRealServer(key, _)
            | Request::RemoveRealServer(key, _) => {
                self.servers.insert(*key);
            }
            Request::AddCounter(_)
            | Request::GetDevice(_)
            | Request::ListAddresses(_)
            | Request::ListOtherAddresses(_)
            | Request::ListLocalRoutes
            | Request::GetVirtualServer(_)
            | Request::ListVirtualServers
            | Request::ListRealServers(_) => {}
        }
    }
}
