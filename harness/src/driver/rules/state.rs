//! What a node must hold: the actions that were done to it, applied to rules as values.

use lab_core::layout::{Action, Invocation, Part, RealServer, Request, ServerKey, Tool, VirtualServer};
use lab_core::vocabulary::{Forwarding, Word};
use ruleset::ipset::Sets;
use ruleset::iptables::{Family, Tables};
use ruleset::ipvs::{self, Servers};
use ruleset::nft::Ruleset;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What a node holds, or must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) v4: Tables,
    pub(super) v6: Tables,
    pub(super) nft: Ruleset,
    pub(super) sets: Sets,
    pub(super) servers: Servers,
    /// Those of the device with the Services' addresses.
    pub(super) addresses: BTreeSet<IpAddr>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            v4: Tables::new(Family::V4),
            v6: Tables::new(Family::V6),
            nft: Ruleset::default(),
            sets: Sets::default(),
            servers: Servers::default(),
            addresses: BTreeSet::new(),
        }
    }
}

impl State {
    /// Does what the tools and the kernel do with `action`.
    ///
    /// # Errors
    /// Why they would refuse.
    pub(super) fn apply(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::Call(Part::Reads | Part::Conntrack, _) | Action::Set(_) => Ok(()),
            Action::Call(_, call) => self.call(call),
            // It may be refused: the chain exists, or the rule does not.
            Action::Try(_, call) => self.call(call).or(Ok(())),
            Action::Ask(_, requests) => requests.iter().try_for_each(|request| self.ask(request)),
        }
    }

    fn call(&mut self, call: &Invocation) -> Result<(), String> {
        let text = || str::from_utf8(&call.stdin).map_err(|_| "its input is no text".to_owned());
        let refused = |error: ruleset::Unreadable| error.to_string();
        let tables = match call.tool {
            Tool::Ip6tables | Tool::Ip6tablesRestore | Tool::Ip6tablesSave => &mut self.v6,
            _ => &mut self.v4,
        };
        if lists(call) {
            return Ok(());
        }
        match call.tool {
            Tool::Iptables | Tool::Ip6tables => tables.call(&call.args),
            Tool::IptablesRestore | Tool::Ip6tablesRestore => {
                let text = text()?;
                if !call.args.iter().any(|word| word == "--noflush" || word == "-n") {
                    let named = text.lines().filter_map(|line| line.strip_prefix('*'));
                    named.for_each(|table| drop(tables.tables.remove(table.trim())));
                }
                tables.apply(text).map_err(refused)
            }
            Tool::Nft if call.args.iter().any(|word| word == "-f") => self.nft.apply(text()?).map_err(refused),
            Tool::Nft => self.nft.apply(&call.args.join(" ")).map_err(refused),
            Tool::Ipset if call.args.iter().any(|word| word == "restore") => self.sets.apply(text()?).map_err(refused),
            Tool::Ipset => self.sets.call(&call.args),
            Tool::Ipvsadm if call.args == ["--restore"] => self.servers.apply(text()?).map_err(refused),
            Tool::Ipvsadm => self.servers.call(&call.args),
            Tool::IptablesSave | Tool::Ip6tablesSave | Tool::Conntrack => Ok(()),
        }
    }

    fn ask(&mut self, request: &Request) -> Result<(), String> {
        let server = |servers: &mut Servers, key: &ServerKey| -> Result<(), String> {
            servers.servers.contains_key(&name(key)).then_some(()).ok_or_else(|| format!("no server {}", name(key)))
        };
        match request {
            Request::RemoveDevice(_) => self.addresses.clear(),
            Request::AddAddress(_, address) => drop(self.addresses.insert(*address)),
            Request::RemoveAddress(_, address) => drop(self.addresses.remove(address)),
            Request::Clear => self.servers.servers.clear(),
            Request::AddVirtualServer(server) => {
                drop(self.servers.servers.insert(name(&server.key), virtual_server(server)))
            }
            Request::UpdateVirtualServer(server) => {
                let real = self.servers.servers.remove(&name(&server.key)).unwrap_or_default().real;
                let changed = ipvs::VirtualServer { real, ..virtual_server(server) };
                self.servers.servers.insert(name(&server.key), changed);
            }
            Request::RemoveVirtualServer(key) => drop(self.servers.servers.remove(&name(key))),
            Request::AddRealServer(key, real) | Request::UpdateRealServer(key, real) => {
                server(&mut self.servers, key)?;
                let (address, rest) = real_server(real);
                self.servers.servers.entry(name(key)).or_default().real.insert(address, rest);
            }
            Request::RemoveRealServer(key, address) => {
                server(&mut self.servers, key)?;
                self.servers.servers.entry(name(key)).or_default().real.remove(&address.to_string());
            }
            Request::AddCounter(_)
            | Request::AddDevice(_)
            | Request::GetDevice(_)
            | Request::ListAddresses(_)
            | Request::ListOtherAddresses(_)
            | Request::ListLocalRoutes
            | Request::GetVirtualServer(_)
            | Request::ListVirtualServers
            | Request::ListRealServers(_) => {}
        }
        Ok(())
    }
}

/// Whether `call` changes nothing.
pub(super) fn lists(call: &Invocation) -> bool {
    let mut words = call.args.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            // A comment may be any word, even one of these.
            "--comment" => drop(words.next()),
            "--version" | "-S" | "-L" | "list" | "--check" => return true,
            _ => {}
        }
    }
    false
}

/// Servers as the kernel lists them.
pub(super) fn servers(listed: Vec<(VirtualServer, Vec<RealServer>)>) -> Servers {
    let servers = listed.iter().map(|(server, real)| {
        let real = real.iter().map(real_server).collect();
        (name(&server.key), ipvs::VirtualServer { real, ..virtual_server(server) })
    });
    Servers { servers: servers.collect() }
}

/// A virtual server as the listing names it.
pub(super) fn name(key: &ServerKey) -> String {
    format!("{} {}", key.protocol.name().to_uppercase(), key.address)
}

fn virtual_server(server: &VirtualServer) -> ipvs::VirtualServer {
    ipvs::VirtualServer {
        scheduler: server.scheduler.name().to_owned(),
        persistence: server.persistence.and_then(|time| u32::try_from(time.as_secs()).ok()),
        flags: if server.hashes_ports() { vec!["mh-port".to_owned()] } else { Vec::new() },
        ..ipvs::VirtualServer::default()
    }
}

fn real_server(real: &RealServer) -> (String, String) {
    let forwarding = match real.forwarding {
        Forwarding::Masquerading => "Masq",
        Forwarding::DirectRouting => "Route",
        Forwarding::Tunnel => "Tunnel",
    };
    (real.address.to_string(), format!("{forwarding} {}", real.weight))
}
