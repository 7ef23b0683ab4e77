//! A simulated node: what actions lead to, without a kernel. It refuses what a kernel would refuse.

use lab_core::layout::{Action, Installed, Invocation, Pace, RealServer, Request, ServerKey, Tool, VirtualServer};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A table and a chain of it.
type ChainName = (String, String);

/// What a node holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) counters: BTreeSet<String>,
    /// Rules by their chains, in order; built-in chains once they have a rule.
    pub(crate) chains: BTreeMap<ChainName, Vec<String>>,
    /// By their names: type and options, and entries.
    pub(crate) sets: BTreeMap<String, (String, BTreeSet<String>)>,
    pub(crate) devices: BTreeSet<String>,
    pub(crate) addresses: BTreeSet<IpAddr>,
    pub(crate) virtual_servers: BTreeMap<ServerKey, (VirtualServer, Vec<RealServer>)>,
}

/// Refused, with this status.
type Refusal = u8;

impl Node {
    pub(crate) fn apply(&mut self, actions: &[Action]) {
        for action in actions {
            let refused = match action {
                Action::Call(_, call) => self.call(call).err(),
                Action::Try(_, call) => self.call(call).err().filter(|&status| status != 1),
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

    /// Counted as [`Installed`] says.
    pub(crate) fn installed(&self) -> Installed {
        let count = |number: usize| number as u64;
        Installed {
            rules: count(self.chains.values().map(Vec::len).sum()),
            chains: count(self.chains.keys().filter(|(_, chain)| !is_built_in(chain)).count()),
            set_elements: count(self.sets.values().map(|(_, entries)| entries.len()).sum()),
            virtual_servers: count(self.virtual_servers.len()),
            real_servers: count(self.virtual_servers.values().map(|(_, servers)| servers.len()).sum()),
            addresses: count(self.addresses.len()),
        }
    }

    fn call(&mut self, call: &Invocation) -> Result<(), Refusal> {
        let args: Vec<&str> = call.args.iter().map(String::as_str).collect();
        let text = std::str::from_utf8(&call.stdin).unwrap();
        // The tables of IPv6 have names of their own here.
        let family = if call.tool.name().starts_with("ip6") { "6" } else { "" };
        let waits = args.iter().take_while(|word| ["-w", "5", "-W", "100000"].contains(word)).count();
        match (call.tool, &args[waits..]) {
            (Tool::Nft | Tool::Iptables | Tool::Ip6tables, ["--version"]) => Ok(()),
            (Tool::Iptables | Tool::Ip6tables, ["-S", ..]) | (Tool::IptablesSave | Tool::Ip6tablesSave, _) => Ok(()),
            // There is nothing to delete.
            (Tool::Nft | Tool::Conntrack, _) => Err(1),
            (Tool::Iptables | Tool::Ip6tables, [operation, chain, "-t", table, rule @ ..]) => {
                self.iptables(operation, &format!("{family}{table}"), chain, &rule.join(" "))
            }
            (Tool::IptablesRestore | Tool::Ip6tablesRestore, args) => {
                let text = text.replace('*', &format!("*{family}"));
                if !args.contains(&"--noflush") {
                    self.flush(&text);
                }
                self.iptables_restore(&text);
                Ok(())
            }
            (Tool::Ipset, ["destroy"]) => {
                let used = |set: &String| self.chains.values().flatten().any(|rule| rule.contains(set.as_str()));
                if self.sets.keys().any(used) {
                    return Err(1);
                }
                self.sets.clear();
                Ok(())
            }
            (Tool::Ipset, ["-exist", "restore"]) => {
                text.lines().try_for_each(|line| self.ipset(&line.split(' ').collect::<Vec<_>>(), true))
            }
            (Tool::Ipset, [args @ .., "-exist"]) => self.ipset(args, true),
            (Tool::Ipset, args) => self.ipset(args, false),
            (Tool::Ipvsadm, ["--restore"]) => {
                // The same servers, from the text that is the other way to say them.
                text.lines().for_each(|line| self.ask(&ipvsadm(line)));
                Ok(())
            }
            other => panic!("{other:?}"),
        }
    }

    fn iptables(&mut self, operation: &str, table: &str, chain: &str, rule: &str) -> Result<(), Refusal> {
        let name = (table.to_owned(), chain.to_owned());
        let jumps_to = rule.rsplit(' ').next().filter(|target| target.starts_with("KUBE-"));
        match operation {
            "-N" if self.chains.contains_key(&name) => Err(1),
            "-N" => {
                self.chains.insert(name, Vec::new());
                Ok(())
            }
            _ if jumps_to.is_some_and(|to| !self.chains.contains_key(&(table.to_owned(), to.to_owned()))) => Err(2),
            "-C" if self.chains.get(&name).is_some_and(|rules| rules.iter().any(|other| other == rule)) => Ok(()),
            "-C" => Err(1),
            "-I" => {
                assert!(is_built_in(chain) || self.chains.contains_key(&name));
                self.chains.entry(name).or_default().insert(0, rule.to_owned());
                Ok(())
            }
            other => panic!("{other}"),
        }
    }

    /// Without `--noflush`: empties each table that is named.
    fn flush(&mut self, text: &str) {
        let named: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix('*')).collect();
        self.chains.retain(|(table, _), _| !named.contains(table.as_str()));
    }

    /// With `--noflush`: empties each chain that is named, and keeps the others.
    fn iptables_restore(&mut self, text: &str) {
        let mut table = "";
        for line in text.lines() {
            if let Some(name) = line.strip_prefix('*') {
                table = name;
            } else if let Some(chain) = line.strip_prefix(':') {
                let chain = chain.split(' ').next().unwrap();
                self.chains.insert((table.to_owned(), chain.to_owned()), Vec::new());
            } else if let Some((chain, rule)) = line.strip_prefix("-A ").and_then(|rule| rule.split_once(' ')) {
                let mut words = rule.split(' ').skip_while(|&word| word != "--match-set").skip(1);
                assert!(words.next().is_none_or(|set| self.sets.contains_key(set)), "no such set: {rule}");
                let name = (table.to_owned(), chain.to_owned());
                self.chains.get_mut(&name).unwrap().push(rule.replace('"', ""));
            } else if let Some(chain) = line.strip_prefix("-X ") {
                let emptied = self.chains.remove(&(table.to_owned(), chain.to_owned()));
                assert_eq!(emptied, Some(Vec::new()), "{line}");
            } else {
                assert_eq!(line, "COMMIT");
            }
        }
    }

    fn ipset(&mut self, args: &[&str], exist: bool) -> Result<(), Refusal> {
        let refusal = if exist { Ok(()) } else { Err(1) };
        match args {
            ["create", name, _, ..] if self.sets.contains_key(*name) => refusal,
            ["create", name, options @ ..] => {
                self.sets.insert((*name).to_owned(), (options.join(" "), BTreeSet::new()));
                Ok(())
            }
            [_, name, ..] if !self.sets.contains_key(*name) => Err(1),
            ["list", _] => Ok(()),
            ["add", name, entry] => {
                let new = self.sets.get_mut(*name).unwrap().1.insert((*entry).to_owned());
                if new { Ok(()) } else { refusal }
            }
            ["del", name, entry] => {
                let gone = self.sets.get_mut(*name).unwrap().1.remove(*entry);
                if gone { Ok(()) } else { refusal }
            }
            other => panic!("{other:?}"),
        }
    }

    fn ask(&mut self, request: &Request) {
        match request {
            Request::AddCounter(counter) => _ = self.counters.insert((*counter).to_owned()),
            Request::AddDevice(device) => _ = self.devices.insert((*device).to_owned()),
            Request::RemoveDevice(device) => {
                assert!(self.devices.remove(*device), "{request}");
                self.addresses.clear();
            }
            Request::Clear => self.virtual_servers.clear(),
            Request::GetDevice(device) | Request::ListAddresses(device) => assert!(self.devices.contains(*device)),
            Request::AddAddress(device, address) => {
                assert!(self.devices.contains(*device));
                self.addresses.insert(*address);
            }
            Request::RemoveAddress(_, address) => assert!(self.addresses.remove(address), "{request}"),
            // Both for a virtual server that is there and for one that is not yet.
            Request::GetVirtualServer(_) | Request::ListVirtualServers => {}
            Request::AddVirtualServer(server) => {
                assert!(self.virtual_servers.insert(server.key, (*server, Vec::new())).is_none(), "{request}");
            }
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

fn is_built_in(chain: &str) -> bool {
    !chain.starts_with("KUBE-")
}

/// Whether a request changes something, rather than asking.
fn changes(request: &Request) -> bool {
    !matches!(
        request,
        Request::GetDevice(_)
            | Request::ListAddresses(_)
            | Request::GetVirtualServer(_)
            | Request::ListVirtualServers
            | Request::ListRealServers(_)
    )
}

/// A line of what `ipvsadm --restore` reads.
fn ipvsadm(line: &str) -> Request {
    use lab_core::cluster::Protocol;
    use lab_core::vocabulary::{Forwarding, Scheduler};

    let words: Vec<&str> = line.split(' ').collect();
    let protocol = match words[1] {
        "-t" => Protocol::Tcp,
        "-u" => Protocol::Udp,
        "--sctp-service" => Protocol::Sctp,
        other => panic!("{other}"),
    };
    let key = ServerKey { protocol, address: words[2].parse().unwrap() };
    match (words[0], &words[3..]) {
        ("-A", ["-s", scheduler]) => Request::AddVirtualServer(VirtualServer {
            key,
            scheduler: scheduler.parse::<Scheduler>().unwrap(),
            persistence: None,
        }),
        ("-D", []) => Request::RemoveVirtualServer(key),
        ("-a", ["-r", address, "-m", "-w", weight]) => Request::AddRealServer(
            key,
            RealServer {
                address: address.parse().unwrap(),
                forwarding: Forwarding::Masquerading,
                weight: weight.parse().unwrap(),
            },
        ),
        ("-d", ["-r", address]) => Request::RemoveRealServer(key, address.parse().unwrap()),
        other => panic!("{other:?}"),
    }
}
