//! Whether a test holds for a packet.

use super::cursor::Cursor;
use super::route::IPVS_DEVICE;
use super::walker::Walker;
use crate::node::{AddressKind, Direction, Field, Pick, Set, SetRef, Side, States, Table, Test, Value};
use std::net::IpAddr;

/// TCP's number in the IP header.
const TCP: u8 = 6;
/// The flag of TCP that the first packet of a connection has.
const SYN: u8 = 2;

/// What a test says of a packet.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Judgement<'a> {
    /// It holds, or it does not.
    Decided(bool),
    /// It holds with this probability.
    Chance(f64),
    /// It holds for a client that this list has noted.
    IfSeen(&'a str, Option<u64>),
    /// It holds up to a limit.
    IfWithinLimit,
    /// It cannot be told.
    Unknown,
}

use Judgement::{Chance, Decided, IfSeen, IfWithinLimit, Unknown};

impl Walker<'_> {
    /// What `test`, in a rule of `table`, says of the packet at `cursor`.
    pub(super) fn judge<'a>(&self, test: &'a Test, table: &'a Table, cursor: &Cursor) -> Judgement<'a> {
        let packet = &cursor.packet;
        let port = |side| match side {
            Side::Source => packet.source.port(),
            Side::Destination => packet.destination.port(),
        };
        let within = |port: u16, ranges: &[(u16, u16)]| ranges.iter().any(|&(low, high)| (low..=high).contains(&port));
        match test {
            Test::Address(side, span) => Decided(span.contains(cursor.address(*side))),
            Test::Port(side, low, high) => Decided((*low..=*high).contains(&port(*side))),
            Test::Ports(side, ranges) => Decided(within(port(*side), ranges)),
            Test::EitherPort(ranges) => {
                Decided([Side::Source, Side::Destination].iter().any(|&side| within(port(side), ranges)))
            }
            Test::Protocol(protocol) => Decided(packet.protocol == *protocol),
            Test::IsV4(is_v4) => Decided(packet.is_v4() == *is_v4),
            Test::Mark { value, mask } => Decided(packet.mark & mask == *value),
            Test::State(states) => Decided(states.meets(cursor.states())),
            Test::Kind(side, kind) => Decided(self.kind(cursor.address(*side)) == *kind),
            Test::Device(direction, pattern) => self.device(*direction, pattern, cursor),
            Test::Member(fields, set) => {
                let held = self.set(set, table);
                match (held, self.key(fields, cursor)) {
                    (Some((name, set)), _) if set.is_dynamic => IfSeen(name, None),
                    (Some((_, set)), Some(key)) => Decided(set.find(&key).is_some()),
                    _ => Unknown,
                }
            }
            Test::InIpset(name, sides) => match self.state.ipsets.get(name) {
                Some(set) => {
                    ipset_key(&set.kind, sides, cursor).map_or(Unknown, |key| Decided(set.find(&key).is_some()))
                }
                None => Unknown,
            },
            Test::Pick(Pick::Random(probability)) => Chance(*probability),
            Test::Pick(Pick::Nth(every, _)) => Chance(1.0 / f64::from((*every).max(1))),
            Test::Seen(list, seconds) => IfSeen(list, (*seconds > 0).then_some(*seconds)),
            // The lab's packets, and a pod's on a routed veth pair, come in by no bridge.
            Test::Bridged => Decided(false),
            Test::Virtual(protocol, address) => {
                Decided(packet.protocol == *protocol && cursor.by_ipvs == Some(*address))
            }
            Test::TcpFlags { .. } if packet.protocol != TCP => Decided(false),
            // The first packet of a connection; what others carry is not known.
            Test::TcpFlags { mask, set } if packet.state == States::NEW => Decided(SYN & mask == *set),
            Test::TcpFlags { .. } => Unknown,
            Test::Limited(_) => IfWithinLimit,
            Test::Unknown(_) => Unknown,
        }
    }

    /// What kind of address it is to the node.
    fn kind(&self, address: IpAddr) -> AddressKind {
        match address {
            _ if self.surroundings.is_local(address) => AddressKind::Local,
            _ if address.is_multicast() => AddressKind::Multicast,
            IpAddr::V4(address) if address.is_broadcast() => AddressKind::Broadcast,
            _ => AddressKind::Unicast,
        }
    }

    fn device(&self, direction: Direction, pattern: &str, cursor: &Cursor) -> Judgement<'static> {
        let known = match direction {
            Direction::In if cursor.is_own() => Some("lo"),
            Direction::In => cursor.packet.device.as_deref(),
            Direction::Out if self.surroundings.is_local(cursor.packet.destination.ip()) => Some("lo"),
            Direction::Out => None,
        };
        let prefix = pattern.strip_suffix(['+', '*']);
        match known {
            Some(name) => Decided(prefix.map_or(name == pattern, |prefix| name.starts_with(prefix))),
            None if prefix == Some("") => Decided(true),
            // Whatever it is, it is not this one, nor the one that carries no packet.
            None if matches!(pattern, "lo" | IPVS_DEVICE) => Decided(false),
            None => Unknown,
        }
    }

    /// The set that a rule of `table` means, and its name; `None` where no listing has it.
    pub(super) fn set<'b>(&self, set: &'b SetRef, table: &'b Table) -> Option<(&'b str, &'b Set)> {
        match set {
            SetRef::Written(set) => Some(("", set)),
            SetRef::Named(name) => table.sets.get(name).map(|set| (&**name, set)),
        }
    }

    /// The packet's parts that are looked up; `None` where one is not known here.
    pub(super) fn key(&self, fields: &[Field], cursor: &Cursor) -> Option<Vec<Value>> {
        let packet = &cursor.packet;
        let part = |field: &Field| match field {
            Field::Address(side) => Some(Value::Address(cursor.address(*side))),
            Field::Port(Side::Source) => Some(Value::Number(packet.source.port().into())),
            Field::Port(Side::Destination) => Some(Value::Number(packet.destination.port().into())),
            Field::Protocol => Some(Value::Number(packet.protocol.into())),
            Field::Mark => Some(Value::Number(packet.mark.into())),
            Field::State => Some(Value::Number(cursor.states().0.into())),
            Field::Device(Direction::In) if cursor.is_own() => Some(Value::Text("lo".into())),
            Field::Device(Direction::In) => packet.device.clone().map(Value::Text),
            Field::Device(Direction::Out) | Field::Other(_) => None,
        };
        fields.iter().map(part).collect()
    }
}

/// The key that a set of ipset's type `kind` is asked for. A port counts with its protocol, except in `bitmap:port`.
/// `None` where the type is not known here.
fn ipset_key(kind: &str, sides: &[Side], cursor: &Cursor) -> Option<Vec<Value>> {
    let (method, parts) = kind.split_once(':')?;
    let mut key = Vec::with_capacity(4);
    for (place, part) in parts.split(',').enumerate() {
        let side = *sides.get(place).or(sides.last())?;
        let port = match side {
            Side::Source => cursor.packet.source.port(),
            Side::Destination => cursor.packet.destination.port(),
        };
        match part {
            "ip" | "net" => key.push(Value::Address(cursor.address(side))),
            "port" if method == "bitmap" => key.push(Value::Number(port.into())),
            "port" => key.extend([Value::Number(cursor.packet.protocol.into()), Value::Number(port.into())]),
            "mark" => key.push(Value::Number(cursor.packet.mark.into())),
            _ => return None,
        }
    }
    Some(key)
}

impl Cursor {
    /// The connection's states, as tests see them.
    pub(super) fn states(&self) -> States {
        let rewritten = if self.is_rewritten { States::DNAT } else { States::default() };
        self.packet.state.or(rewritten)
    }
}
