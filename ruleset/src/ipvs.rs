//! IPVS's virtual and real servers: what `ipvsadm -Sn` and `ipvsadm -Ln` print, and what `ipvsadm -R` does.

use crate::difference::{Held, Kind, Object};
use crate::unreadable::Unreadable;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;

/// All virtual servers, by protocol and address, such as `TCP 10.96.0.1:443`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Servers {
    /// The virtual servers.
    pub servers: BTreeMap<String, VirtualServer>,
}

/// A virtual server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VirtualServer {
    /// Its scheduler.
    pub scheduler: String,
    /// How long a client stays with its real server, in seconds.
    pub persistence: Option<u32>,
    /// The scheduler's flags, such as `mh-port`, sorted.
    pub flags: Vec<String>,
    /// Its real servers, by address: how packets go there, and the weight, such as `Masq 1`.
    pub real: BTreeMap<String, String>,
}

impl Servers {
    /// The servers that `ipvsadm -Sn` prints.
    ///
    /// # Errors
    /// A line that it does not print.
    pub fn read_save(save: &str) -> Result<Self, Unreadable> {
        let mut servers = Self::default();
        servers.apply(save)?;
        Ok(servers)
    }

    /// The servers that `ipvsadm -Ln` prints.
    ///
    /// # Errors
    /// A real server that belongs to no virtual one.
    pub fn read_list(list: &str) -> Result<Self, Unreadable> {
        let mut servers = Self::default();
        let mut last: Option<&mut VirtualServer> = None;
        for (number, line) in (1..).zip(list.lines()) {
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["->", "RemoteAddress:Port", ..] => {}
                ["->", address, forwarding, weight, ..] => {
                    let server =
                        last.as_mut().ok_or_else(|| Unreadable::new(number, "no virtual server comes before"))?;
                    server.real.insert(spell(address), format!("{forwarding} {weight}"));
                }
                [protocol @ ("TCP" | "UDP" | "SCTP" | "FWM"), address, scheduler, ref rest @ ..] => {
                    let mut server = VirtualServer { scheduler: scheduler.to_owned(), ..VirtualServer::default() };
                    let mut rest = rest.iter();
                    while let Some(&word) = rest.next() {
                        match word {
                            "persistent" => server.persistence = rest.next().and_then(|time| time.parse().ok()),
                            flags => server.flag(flags.trim_matches(['(', ')'])),
                        }
                    }
                    last = Some(servers.servers.entry(key(protocol, address)).or_insert(server));
                }
                _ => {}
            }
        }
        Ok(servers)
    }

    /// Does what `ipvsadm -R` does with `input`, a command a line.
    ///
    /// # Errors
    /// The first line that the kernel would refuse, or that is none of `ipvsadm`'s. What comes before it is done.
    pub fn apply(&mut self, input: &str) -> Result<(), Unreadable> {
        for (number, line) in (1..).zip(input.lines()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            if !words.is_empty() {
                self.call(&words).map_err(|reason| Unreadable::new(number, reason))?;
            }
        }
        Ok(())
    }

    /// Does what `ipvsadm` does with these arguments.
    ///
    /// # Errors
    /// Why it would refuse.
    pub fn call(&mut self, args: &[impl AsRef<str>]) -> Result<(), String> {
        let mut args = args.iter().map(AsRef::as_ref);
        let verb = args.next().ok_or("there is no command")?;
        let mut given = Given::default();
        while let Some(word) = args.next() {
            given.take(word, &mut args)?;
        }
        if matches!(verb, "-C" | "--clear") {
            self.servers.clear();
            return Ok(());
        }
        let Given { key, server, real, forwarding, weight } = given;
        let key = key.ok_or("there is no virtual server")?;
        let missing = || format!("there is no virtual server {key}");
        match verb {
            "-A" | "--add-service" => {
                if self.servers.insert(key.clone(), server).is_some() {
                    return Err(format!("virtual server {key} exists"));
                }
            }
            "-E" | "--edit-service" => {
                let held = self.servers.get_mut(&key).ok_or_else(missing)?;
                *held = VirtualServer { real: std::mem::take(&mut held.real), ..server };
            }
            "-D" | "--delete-service" => drop(self.servers.remove(&key).ok_or_else(missing)?),
            "-a" | "--add-server" | "-e" | "--edit-server" => {
                let held = self.servers.get_mut(&key).ok_or_else(missing)?;
                let real = real.ok_or("there is no real server")?;
                held.real.insert(real, format!("{forwarding} {weight}"));
            }
            "-d" | "--delete-server" => {
                let held = self.servers.get_mut(&key).ok_or_else(missing)?;
                let real = real.ok_or("there is no real server")?;
                held.real.remove(&real).ok_or_else(|| format!("there is no real server {real}"))?;
            }
            other => return Err(format!("unknown command {other}")),
        }
        Ok(())
    }
}

impl VirtualServer {
    /// Takes flags that are separated by commas.
    fn flag(&mut self, flags: &str) {
        self.flags.extend(flags.split(',').map(str::to_owned));
        self.flags.sort_unstable();
    }

    /// What it is told when it is made.
    fn properties(&self) -> String {
        let mut text = self.scheduler.clone();
        if let Some(seconds) = self.persistence {
            let _ = write!(text, " persistent {seconds}");
        }
        if !self.flags.is_empty() {
            let _ = write!(text, " ({})", self.flags.join(","));
        }
        text
    }
}

impl Held for Servers {
    fn objects(&self) -> Vec<Object<'_>> {
        let objects = self.servers.iter().map(|(key, server)| Object {
            table: Cow::Borrowed(""),
            kind: Kind::VirtualServer,
            name: Cow::Borrowed(key),
            properties: Cow::Owned(server.properties()),
            lines: server.real.iter().map(|(address, rest)| (address.as_str(), rest.as_str())).collect(),
        });
        objects.collect()
    }
}

/// The arguments of a call.
#[derive(Debug)]
struct Given {
    key: Option<String>,
    server: VirtualServer,
    real: Option<String>,
    forwarding: &'static str,
    weight: String,
}

impl Default for Given {
    fn default() -> Self {
        let server = VirtualServer { scheduler: "wlc".to_owned(), ..VirtualServer::default() };
        Self { key: None, server, real: None, forwarding: "Route", weight: "1".to_owned() }
    }
}

impl Given {
    fn take<'a>(&mut self, word: &str, rest: &mut impl Iterator<Item = &'a str>) -> Result<(), String> {
        let mut next = || rest.next().ok_or_else(|| format!("{word} needs a value"));
        match word {
            "-t" | "--tcp-service" => self.key = Some(key("TCP", next()?)),
            "-u" | "--udp-service" => self.key = Some(key("UDP", next()?)),
            "--sctp-service" => self.key = Some(key("SCTP", next()?)),
            "-f" | "--fwmark-service" => self.key = Some(key("FWM", next()?)),
            "-s" | "--scheduler" => self.server.scheduler = next()?.to_owned(),
            "-b" | "--sched-flags" => self.server.flag(next()?),
            "-p" | "--persistent" => {
                self.server.persistence = Some(next()?.parse().map_err(|_| "a time is no number")?)
            }
            "-r" | "--real-server" => self.real = Some(spell(next()?)),
            "-w" | "--weight" => self.weight = next()?.to_owned(),
            "-m" | "--masquerading" => self.forwarding = "Masq",
            "-g" | "--gatewaying" => self.forwarding = "Route",
            "-i" | "--ipip" => self.forwarding = "Tunnel",
            "-n" | "--numeric" => {}
            other => return Err(format!("unknown option {other}")),
        }
        Ok(())
    }
}

fn key(protocol: &str, address: &str) -> String {
    format!("{protocol} {}", spell(address))
}

fn spell(address: &str) -> String {
    address.parse::<SocketAddr>().map_or_else(|_| address.to_owned(), |address| address.to_string())
}
