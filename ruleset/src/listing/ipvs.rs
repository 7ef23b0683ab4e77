//! Virtual servers: what `ipvsadm -Ln` and `ipvsadm -Sn` print.

use super::note::quote;
use super::oddity::{Oddities, Oddity};
use lab_core::node::{Forwarding, NodeState, RealServer, VirtualServer};
use std::collections::HashMap;
use std::net::SocketAddr;

type Key = (u8, SocketAddr);

/// The servers that are held, and where in a listing the lines are.
#[derive(Debug, Default)]
pub(super) struct Servers {
    /// The places of all servers in the state.
    places: HashMap<Key, usize>,
    /// Those of the present listing: `None` for one that is left out, as it is held already.
    present: HashMap<Key, Option<usize>>,
    /// The place of the server that `ipvsadm -Ln` is at; `Some(None)` if that one is left out.
    at: Option<Option<usize>>,
    /// Whether the listing shows other columns than forwarding and weight, such as counters.
    has_other_columns: bool,
}

impl Servers {
    /// Ends a listing.
    pub(super) fn end(&mut self) {
        self.present.clear();
        (self.at, self.has_other_columns) = (None, false);
    }

    /// Reads a line that is of ipvsadm.
    pub(super) fn line(&mut self, line: &str, number: usize, state: &mut NodeState, oddities: &mut Oddities) -> bool {
        let is_of_it = match line.as_bytes()[0] {
            b'I' => line.starts_with("IP Virtual Server version"),
            b'P' => line.starts_with("Prot LocalAddress:Port"),
            b'T' | b'U' | b'S' | b'F' => self.listed(line, number, state, oddities).is_some(),
            b'-' if line.starts_with("->") => self.real(line, number, state, oddities).is_some(),
            b'-' => self.saved(line, number, state, oddities).is_some(),
            _ => false,
        };
        if line.starts_with("Prot LocalAddress:Port") {
            self.has_other_columns =
                ["Conns", "CPS", "PersistConn", "Uthreshold"].iter().any(|column| line.contains(column));
            if self.has_other_columns {
                oddities.add(Oddity::NoWeights, number, String::new);
            }
        }
        is_of_it
    }

    /// `TCP  10.96.0.1:443 rr persistent 10800 (mh-port)`
    fn listed(&mut self, line: &str, number: usize, state: &mut NodeState, oddities: &mut Oddities) -> Option<()> {
        let mut words = line.split_whitespace();
        let protocol = match words.next()? {
            "TCP" => 6,
            "UDP" => 17,
            "SCTP" => 132,
            "FWM" => {
                words.next()?.parse::<u32>().ok()?;
                oddities.add(Oddity::MarkServer, number, || quote(line));
                self.at = Some(None);
                return Some(());
            }
            _ => return None,
        };
        let word = words.next()?;
        let Ok(address) = word.parse::<SocketAddr>() else {
            // `kubernetes.default:https`, as `ipvsadm -L` prints it without `-n`; a rule of iptables has no colon here.
            words.next().filter(|_| word.contains(':'))?;
            oddities.add(Oddity::ServerAddress, number, || quote(line));
            self.at = Some(None);
            return Some(());
        };
        let line = u32::try_from(number).unwrap_or(u32::MAX);
        let mut server = server(protocol, address, line);
        // With counters there is a count in the scheduler's place.
        if let Some(scheduler) = words.next().filter(|word| word.starts_with(|first: char| first.is_ascii_alphabetic()))
        {
            server.scheduler = scheduler.into();
            while let Some(word) = words.next() {
                match word {
                    "persistent" => server.persistence = words.next().and_then(|seconds| seconds.parse().ok()),
                    "mask" | "pe" => drop(words.next()),
                    flags => flag(&mut server, flags.trim_matches(['(', ')'])),
                }
            }
        }
        self.at = Some(self.add(server, number, state, oddities));
        Some(())
    }

    /// `-> 10.244.0.5:8080 Masq 1 0 0`
    fn real(&mut self, line: &str, number: usize, state: &mut NodeState, oddities: &mut Oddities) -> Option<()> {
        let mut words = line.split_whitespace().skip(1);
        let word = words.next()?;
        if word == "RemoteAddress:Port" {
            return Some(());
        }
        let Some(place) = self.at? else { return Some(()) };
        let Ok(address) = word.parse() else {
            oddities.add(Oddity::ServerAddress, number, || quote(line));
            return Some(());
        };
        let mut real = RealServer { address, forwarding: Forwarding::Masquerade, weight: 1 };
        if !self.has_other_columns {
            real.forwarding = match words.next()? {
                "Masq" => Forwarding::Masquerade,
                // `Local` is a server on the node itself: nothing is rewritten.
                "Route" | "Local" => Forwarding::Route,
                "Tunnel" => Forwarding::Tunnel,
                _ => return None,
            };
            real.weight = words.next()?.parse().ok()?;
        }
        state.servers[place].real.push(real);
        Some(())
    }

    /// `-A -t 10.96.0.1:443 -s rr`, `-a -t 10.96.0.1:443 -r 10.244.0.5:8080 -m -w 1`
    fn saved(&mut self, line: &str, number: usize, state: &mut NodeState, oddities: &mut Oddities) -> Option<()> {
        let mut words = line.split_whitespace();
        let is_real = match words.next()? {
            "-A" | "--add-service" => false,
            "-a" | "--add-server" => true,
            _ => return None,
        };
        let protocol = match words.next()? {
            "-t" | "--tcp-service" => 6,
            "-u" | "--udp-service" => 17,
            "--sctp-service" => 132,
            "-f" | "--fwmark-service" => {
                words.next()?.parse::<u32>().ok()?;
                if !is_real {
                    oddities.add(Oddity::MarkServer, number, || quote(line));
                }
                return Some(());
            }
            _ => return None,
        };
        let Ok(address) = words.next()?.parse::<SocketAddr>() else {
            oddities.add(Oddity::ServerAddress, number, || quote(line));
            return Some(());
        };
        let mut server = server(protocol, address, u32::try_from(number).unwrap_or(u32::MAX));
        server.scheduler = "wlc".into();
        let (mut real, mut forwarding, mut weight) = (None, Forwarding::Route, 1);
        while let Some(word) = words.next() {
            match word {
                "-s" | "--scheduler" => server.scheduler = words.next().unwrap_or_default().into(),
                "-p" | "--persistent" => server.persistence = words.next().and_then(|seconds| seconds.parse().ok()),
                "-b" | "--sched-flags" => flag(&mut server, words.next().unwrap_or_default()),
                "-o" | "--ops" => flag(&mut server, "ops"),
                "-r" | "--real-server" => real = words.next(),
                "-m" | "--masquerading" => forwarding = Forwarding::Masquerade,
                "-g" | "--gatewaying" => forwarding = Forwarding::Route,
                "-i" | "--ipip" => forwarding = Forwarding::Tunnel,
                "-w" | "--weight" => weight = words.next().and_then(|weight| weight.parse().ok()).unwrap_or(1),
                _ => {}
            }
        }
        if !is_real {
            self.add(server, number, state, oddities);
            return Some(());
        }
        let Some(address) = real.and_then(|real| real.parse().ok()) else {
            oddities.add(Oddity::ServerAddress, number, || quote(line));
            return Some(());
        };
        if let Some(place) = *self.present.get(&(protocol, server.address))? {
            state.servers[place].real.push(RealServer { address, forwarding, weight });
        }
        Some(())
    }

    /// Adds a server, unless it is held; its place, if it is not left out.
    fn add(
        &mut self,
        server: VirtualServer,
        number: usize,
        state: &mut NodeState,
        oddities: &mut Oddities,
    ) -> Option<usize> {
        let key = (server.protocol, server.address);
        let place = (!self.places.contains_key(&key)).then_some(state.servers.len());
        match place {
            Some(place) => {
                self.places.insert(key, place);
                state.servers.push(server);
            }
            None => oddities.add(Oddity::Server, number, || key.1.to_string()),
        }
        self.present.insert(key, place);
        place
    }
}

fn server(protocol: u8, address: SocketAddr, line: u32) -> VirtualServer {
    let (scheduler, flags, real) = (Box::default(), Vec::new(), Vec::new());
    VirtualServer { protocol, address, scheduler, persistence: None, flags, real, line }
}

/// Adds flags that are separated by commas.
fn flag(server: &mut VirtualServer, flags: &str) {
    server.flags.extend(flags.split(',').filter(|flag| !flag.is_empty()).map(Box::from));
    server.flags.sort_unstable();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (NodeState, Oddities) {
        let (mut servers, mut state, mut oddities) = (Servers::default(), NodeState::default(), Oddities::default());
        for (number, line) in (1..).zip(text.lines()) {
            assert!(servers.line(line.trim(), number, &mut state, &mut oddities), "{line}");
        }
        (state, oddities)
    }

    #[test]
    fn a_listing_of_counters_shows_the_servers_alone() {
        let (state, oddities) = read(
            "IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
  -> RemoteAddress:Port
TCP  10.96.0.1:443                       1       2K        3        4        5
  -> 10.0.0.10:6443                      1        2        3        4        5",
        );
        assert_eq!(&*state.servers[0].scheduler, "");
        assert_eq!(state.servers[0].real[0].weight, 1);
        assert_eq!(oddities.notes("x").count(), 1);
    }

    #[test]
    fn flags_and_persistence_are_the_same_in_both_forms() {
        let (mut list, _) = read(
            "TCP  10.96.0.1:443 mh persistent 10800 mask 255.255.255.0 (mh-fallback,mh-port)
  -> 10.0.0.10:6443               Route   3      0          0
  -> 10.0.0.11:6443               Tunnel  0      0          0
SCTP [fd00::a]:53 rr ops",
        );
        let (mut save, _) = read(
            "-A -t 10.96.0.1:443 -s mh -p 10800 -M 255.255.255.0 -b mh-port,mh-fallback
-a -t 10.96.0.1:443 -r 10.0.0.10:6443 -g -w 3
-a -t 10.96.0.1:443 -r 10.0.0.11:6443 -i -w 0 --tun-type ipip
-A --sctp-service [fd00::a]:53 -s rr -o",
        );
        list.servers.iter_mut().chain(&mut save.servers).for_each(|server| server.line = 0);
        assert_eq!(list, save);
        assert_eq!(list.servers[0].real.len(), 2);
    }

    #[test]
    fn names_in_place_of_numbers_are_left_out_with_their_real_servers() {
        let (state, oddities) =
            read("TCP  kubernetes:https rr\n  -> node-a:6443 Masq 1 0 0\nFWM  1 rr\n  -> 10.0.0.1:0 Masq 1 0 0");
        assert!(state.is_empty());
        assert_eq!(oddities.notes("x").count(), 2);
    }
}
