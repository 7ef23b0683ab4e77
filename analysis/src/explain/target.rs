//! What a packet is sent to: a Service by its name, an address and a port, a node port.

use super::{Client, Entry, Reached};
use lab_core::vocabulary::Access;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// How many names an error lists.
const LISTED: usize = 10;

/// What to explain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A Service, or one of its ports, as rules name it: `default/testsvc`, `default/testsvc:http`.
    Name(String),
    /// An address and a port: `10.96.0.10:53/udp`. Any protocol that an entry has where none is given.
    Address {
        /// The address.
        address: IpAddr,
        /// The port.
        port: Option<u16>,
        /// The protocol's number.
        protocol: Option<u8>,
    },
    /// A port of the node: `:30031`.
    NodePort {
        /// The port.
        port: u16,
        /// The protocol's number.
        protocol: Option<u8>,
    },
}

/// Why a text is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no target; name a Service (default/testsvc, default/testsvc:http), an address and a port \
     (10.96.0.10:53/udp, [fd00::a]:53/udp) or a node port (:30031); protocols are tcp, udp and sctp"
)]
pub struct NoTarget(String);

impl FromStr for Target {
    type Err = NoTarget;

    fn from_str(text: &str) -> Result<Self, NoTarget> {
        let wrong = || NoTarget(text.to_owned());
        let protocol_of = |word: &str| match word.to_ascii_lowercase().as_str() {
            "tcp" => Some(6),
            "udp" => Some(17),
            "sctp" => Some(132),
            _ => None,
        };
        let (place, protocol) = match text.rsplit_once('/') {
            Some((place, word)) if protocol_of(word).is_some() => (place, protocol_of(word)),
            // What begins as an address is none of a Service's names.
            Some((place, _)) if place.starts_with([':', '[']) || place.parse::<SocketAddr>().is_ok() => {
                return Err(wrong());
            }
            _ => (text, None),
        };
        if let Some(port) = place.strip_prefix(':').filter(|port| !port.starts_with(':')) {
            return port.parse().map(|port| Self::NodePort { port, protocol }).map_err(|_| wrong());
        }
        if let Some(address) = place.parse::<SocketAddr>().ok().filter(|address| address.port() != 0) {
            return Ok(Self::Address { address: address.ip(), port: Some(address.port()), protocol });
        }
        if let Ok(address) = place.parse::<IpAddr>() {
            return Ok(Self::Address { address, port: None, protocol });
        }
        match text.split_once('/') {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(Self::Name(text.to_owned()))
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, protocol) = match self {
            Self::Name(name) => return out.write_str(name),
            Self::Address { address, port: None, protocol } => (address.to_string(), protocol),
            Self::Address { address, port: Some(port), protocol } => {
                (SocketAddr::new(*address, *port).to_string(), protocol)
            }
            Self::NodePort { port, protocol } => (format!(":{port}"), protocol),
        };
        out.write_str(&place)?;
        match protocol {
            Some(number) => write!(out, "/{}", protocol_name(*number)),
            None => Ok(()),
        }
    }
}

/// The name of a transport protocol.
#[must_use]
pub fn protocol_name(number: u8) -> String {
    match number {
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        132 => "sctp".to_owned(),
        number => number.to_string(),
    }
}

/// What a target means on a node: the entries to walk to, each with the address that is dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// What is walked to: an entry, and the address that is dialled.
    pub ways: Vec<(Entry, SocketAddr)>,
}

/// Why a target means nothing, or too much.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// No entry has it.
    #[error("{target} is in none of the rules{}", coming_near(.near))]
    Nothing {
        /// The target.
        target: Target,
        /// What comes near.
        near: Vec<String>,
    },
    /// Several ports have it.
    #[error("{target} has several ports; name one of: {}", .ports.join(", "))]
    Several {
        /// The target.
        target: Target,
        /// The ports.
        ports: Vec<String>,
    },
}

fn coming_near(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!("; what comes near: {}", names.join(", ")),
    }
}

/// The entries among `entries` that `target` means; `node` is the node's address of IPv4 (`true`) or IPv6.
///
/// # Errors
/// If there are none, or if they are of several ports of a Service.
pub fn resolve(target: &Target, entries: &[Entry], node: impl Fn(bool) -> IpAddr) -> Result<Resolved, Unresolved> {
    let dialled = |entry: &Entry| entry.dialled(&node);
    let is_node = |entry: &Entry| matches!(entry.at, Reached::AtNode(_)) || entry.access == Some(Access::NodePort);
    let meant = |entry: &&Entry| match target {
        Target::Name(name) => {
            *entry.name == **name || entry.name.strip_prefix(&**name).is_some_and(|rest| rest.starts_with(':'))
        }
        Target::Address { address, port, protocol } => {
            dialled(entry).ip() == *address
                && port.is_none_or(|port| port == entry.port)
                && protocol.is_none_or(|protocol| protocol == entry.protocol)
        }
        Target::NodePort { port, protocol } => {
            is_node(entry) && *port == entry.port && protocol.is_none_or(|protocol| protocol == entry.protocol)
        }
    };
    let found: Vec<&Entry> = entries.iter().filter(meant).collect();
    let mut ports: Vec<String> = match target {
        Target::Name(_) => found.iter().map(|entry| entry.name.to_string()).collect(),
        _ => found.iter().map(|entry| format!("{}/{}", dialled(entry), protocol_name(entry.protocol))).collect(),
    };
    ports.sort_unstable();
    ports.dedup();
    match (&found[..], target) {
        // An address of no Service may be walked to as well, if the port is known.
        ([], Target::Address { address, port: Some(port), protocol }) => {
            let protocol = protocol.unwrap_or(6);
            let entry = Entry { name: "".into(), access: None, protocol, at: Reached::At(*address), port: *port };
            Ok(Resolved { ways: vec![(entry, SocketAddr::new(*address, *port))] })
        }
        ([], Target::NodePort { port, protocol }) => {
            let entry = Entry {
                name: "".into(),
                access: Some(Access::NodePort),
                protocol: protocol.unwrap_or(6),
                at: Reached::AtNode(true),
                port: *port,
            };
            let dialled = dialled(&entry);
            Ok(Resolved { ways: vec![(entry, dialled)] })
        }
        ([], _) => Err(Unresolved::Nothing { target: target.clone(), near: like(target, entries) }),
        _ if ports.len() > 1 && !matches!(target, Target::NodePort { .. }) => {
            Err(Unresolved::Several { target: target.clone(), ports })
        }
        _ => Ok(Resolved { ways: found.into_iter().map(|entry| (entry.clone(), dialled(entry))).collect() }),
    }
}

/// Names and addresses that come near a target.
fn like(target: &Target, entries: &[Entry]) -> Vec<String> {
    let mut near: Vec<(f64, String)> = match target {
        Target::Name(name) => {
            let plain = name.rsplit('/').next().unwrap_or(name);
            let score = |entry: &Entry| {
                let held = entry.name.rsplit('/').next().unwrap_or(&entry.name);
                let is_part = !plain.is_empty() && held.contains(plain);
                strsim::jaro_winkler(&entry.name, name) + f64::from(u8::from(is_part))
            };
            entries
                .iter()
                .map(|entry| (score(entry), entry.name.to_string()))
                .filter(|(score, _)| *score > 0.8)
                .collect()
        }
        Target::Address { address, .. } => {
            let same = |entry: &&Entry| entry.at == Reached::At(*address);
            let held = entries.iter().filter(same);
            held.map(|entry| (1.0, format!("{address}:{}/{}", entry.port, protocol_name(entry.protocol)))).collect()
        }
        Target::NodePort { .. } => Vec::new(),
    };
    near.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    near.dedup_by(|one, other| one.1 == other.1);
    near.into_iter().map(|(_, name)| name).take(LISTED).collect()
}

/// Where an entry is usually reached from: what to explain if nothing is said about the client.
#[must_use]
pub(super) fn usual_clients(access: Option<Access>) -> [Client; 3] {
    use lab_core::vocabulary::Origin::{Node, Outside, Pod};
    match access {
        Some(Access::ClusterIp) => [Client::At(Pod), Client::At(Node), Client::At(Outside)],
        _ => [Client::At(Outside), Client::At(Pod), Client::At(Node)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_and_printed() {
        for text in [
            "default/testsvc",
            "default/testsvc:http",
            "10.96.0.10:53/udp",
            "10.96.0.10:53",
            "10.96.0.10",
            ":30031",
            ":30031/sctp",
            "[fd00::a]:53/udp",
        ] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "testsvc",
            "/",
            "a/",
            "a/b/c",
            ":",
            ":99999",
            "10.96.0.10:x",
            "10.96.0.10:0",
            "10.96.0.10:53/xyz",
            ":80/icmp",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
