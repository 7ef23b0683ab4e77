//! A simulated node: what actions lead to, without a kernel. It refuses what a kernel would refuse.

mod ipvsadm;
mod sets;
mod tables;

use lab_core::cluster::Family;
use lab_core::layout::{Action, Installed, Invocation, Pace, RealServer, Request, ServerKey, Tool, VirtualServer};
use sets::Sets;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use tables::Tables;

/// What a node holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) parameters: BTreeMap<String, String>,
    /// iptables of both families.
    pub(crate) tables: BTreeMap<Family, Tables>,
    pub(crate) sets: Sets,
    /// nfacct counters.
    pub(crate) counters: BTreeSet<String>,
    pub(crate) devices: BTreeSet<String>,
    pub(crate) addresses: BTreeSet<IpAddr>,
    pub(crate) virtual_servers: BTreeMap<ServerKey, (VirtualServer, Vec<RealServer>)>,
    /// Calls that were tried and refused.
    pub(crate) refused: usize,
}

/// Refused, with this status.
type Refusal = u8;

impl Node {
    pub(crate) fn apply(&mut self, actions: &[Action]) {
        for action in actions {
            let refused = match action {
                Action::Call(_, call) => self.call(call).err(),
                Action::Try(_, call) => {
                    let refused = self.call(call).err();
                    self.refused += usize::from(refused == Some(1));
                    refused.filter(|&status| status != 1)
                }
                Action::Ask(pace, requests) => {
                    assert!(*pace == Pace::OneByOne || requests.iter().all(changes), "an answer that nobody reads");
                    requests.iter().for_each(|request| self.ask(request));
                    None
                }
                Action::Set(parameters) => {
                    self.parameters.extend(parameters.iter().cloned());
                    None
                }
            };
            assert_eq!(refused, None, "{action}");
        }
    }

    /// What it holds, without how it came to be.
    pub(crate) fn state(self) -> Self {
        let mut tables = self.tables;
        tables.retain(|_, tables| !tables.chains.is_empty());
        Self { refused: 0, tables, ..self }
    }

    /// Counted as [`Installed`] says.
    pub(crate) fn installed(&self) -> Installed {
        let count = |number: usize| number as u64;
        Installed {
            rules: self.tables.values().map(Tables::rules).sum(),
            chains: self.tables.values().map(Tables::own_chains).sum(),
            set_elements: self.sets.entries(),
            virtual_servers: count(self.virtual_servers.len()),
            real_servers: count(self.virtual_servers.values().map(|(_, servers)| servers.len()).sum()),
            addresses: count(self.addresses.len()),
        }
    }

    fn call(&mut self, call: &Invocation) -> Result<(), Refusal> {
        let args: Vec<&str> = call.args.iter().map(String::as_str).collect();
        let text = std::str::from_utf8(&call.stdin).unwrap();
        match (call.tool, &args[..]) {
            (Tool::Nft | Tool::Iptables | Tool::Ip6tables, ["--version"]) => Ok(()),
            (Tool::Iptables | Tool::Ip6tables, args) if args.contains(&"-S") => Ok(()),
            (Tool::IptablesSave | Tool::Ip6tablesSave, _) => Ok(()),
            // There is nothing to delete.
            (Tool::Nft | Tool::Conntrack, _) => Err(1),
            (Tool::Iptables, args) => self.tables.entry(Family::V4).or_default().call(args),
            (Tool::Ip6tables, args) => self.tables.entry(Family::V6).or_default().call(args),
            (Tool::IptablesRestore, args) => self.restore(Family::V4, args, text),
            (Tool::Ip6tablesRestore, args) => self.restore(Family::V6, args, text),
            (Tool::Ipset, ["destroy", names @ ..]) => {
                if self.sets.names().any(|set| names.is_empty() && self.matches(set)) {
                    return Err(1);
                }
                assert!(!names.iter().any(|name| self.matches(name)), "{names:?} is in use");
                self.sets.destroy(names)
            }
            (Tool::Ipset, ["-exist", "restore"]) => {
                text.lines().try_for_each(|line| self.sets.call(&line.split(' ').collect::<Vec<_>>(), true))
            }
            (Tool::Ipset, [args @ .., "-exist"]) => self.sets.call(args, true),
            (Tool::Ipset, args) => self.sets.call(args, false),
            (Tool::Ipvsadm, ["--restore"]) => {
                // The same servers, from the text that is the other way to say them.
                text.lines().for_each(|line| self.ask(&ipvsadm::request(line)));
                Ok(())
            }
            other => panic!("{other:?}"),
        }
    }

    /// Whether a rule matches a set.
    fn matches(&self, set: &str) -> bool {
        let rules = self.tables.values().flat_map(|tables| tables.chains.values().flatten());
        rules.into_iter().any(|rule| rule.split(' ').any(|word| word == set))
    }

    fn restore(&mut self, family: Family, args: &[&str], text: &str) -> Result<(), Refusal> {
        let tables = self.tables.entry(family).or_default();
        if !args.contains(&"--noflush") {
            tables.flush(text);
        }
        tables.restore(text, &self.sets);
        Ok(())
    }

    fn ask(&mut self, request: &Request) {
        match request {
            Request::AddDevice(device) => _ = self.devices.insert((*device).to_owned()),
            Request::AddCounter(counter) => _ = self.counters.insert((*counter).to_owned()),
            Request::RemoveDevice(device) => {
                assert!(self.devices.remove(*device), "{request}");
                self.addresses.clear();
            }
            Request::Clear => self.virtual_servers.clear(),
            Request::GetDevice(device) | Request::ListAddresses(device) | Request::ListOtherAddresses(device) => {
                assert!(self.devices.contains(*device));
            }
            Request::AddAddress(device, address) => {
                assert!(self.devices.contains(*device));
                self.addresses.insert(*address);
            }
            Request::RemoveAddress(_, address) => assert!(self.addresses.remove(address), "{request}"),
            // Both for a virtual server that is there and for one that is not yet.
            Request::GetVirtualServer(_) | Request::ListVirtualServers | Request::ListLocalRoutes => {}
            Request::AddVirtualServer(server) => {
                assert!(self.virtual_servers.insert(server.key, (*server, Vec::new())).is_none(), "{request}");
            }
            Request::UpdateVirtualServer(server) => self.virtual_servers.get_mut(&server.key).unwrap().0 = *server,
            Request::RemoveVirtualServer(key) => assert!(self.virtual_servers.remove(key).is_some(), "{request}"),
            Request::ListRealServers(key) => assert!(self.virtual_servers.contains_key(key), "{request}"),
            Request::AddRealServer(key, server) => {
                let (_, servers) = self.virtual_servers.get_mut(key).unwrap();
                assert!(servers.iter().all(|other| other.address != server.address), "{request}");
                servers.push(*server);
                // The kernel keeps them in an order of its own.
                servers.sort_unstable();
            }
            Request::UpdateRealServer(key, server) => {
                let (_, servers) = self.virtual_servers.get_mut(key).unwrap();
                *servers.iter_mut().find(|other| other.address == server.address).unwrap() = *server;
            }
            Request::RemoveRealServer(key, address) => {
                let (_, servers) = self.virtual_servers.get_mut(key).unwrap();
                let place = servers.iter().position(|server| server.address == *address);
                servers.remove(place.unwrap_or_else(|| panic!("{request}")));
            }
        }
    }
}

/// Whether a request changes something, rather than asking.
fn changes(request: &Request) -> bool {
    request.part() != lab_core::layout::Part::Reads
}
