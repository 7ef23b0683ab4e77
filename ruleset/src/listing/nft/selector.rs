//! The parts of a packet that nft's rules test, such as `ip daddr` or `meta l4proto`.

use super::cursor::Cursor;
use super::number::protocol;
use super::token::{Token, spell};
use lab_core::node::{Direction, Field, Side};

/// How many words the name of a part of a packet has at most: `ct original ip daddr`.
const LONGEST: usize = 6;

/// What a part of a packet takes for granted: nft tests it unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Implied {
    /// A packet of IPv4 (`true`) or IPv6.
    IsV4(bool),
    /// A packet of this transport protocol.
    Protocol(u8),
}

/// What the first word of a test takes for granted.
pub(super) fn implied_by(word: &str) -> Option<Implied> {
    match word {
        "ip" | "arp" => Some(Implied::IsV4(true)),
        "ip6" => Some(Implied::IsV4(false)),
        "tcp" | "udp" | "udplite" | "sctp" | "dccp" | "icmp" | "icmpv6" | "igmp" | "esp" | "ah" | "comp" => {
            protocol(word).map(Implied::Protocol)
        }
        _ => None,
    }
}

/// Takes a part of a packet; `None`, with nothing taken, if it is none that a walk knows.
pub(super) fn take(cursor: &mut Cursor<'_, '_>) -> Option<(Field, Option<Implied>)> {
    let first = cursor.word(0);
    if first == "@th" {
        return raw_port(cursor).map(|side| (Field::Port(side), None));
    }
    let (field, length) = match (first, cursor.word(1)) {
        ("ip" | "ip6", "saddr") => (Field::Address(Side::Source), 2),
        ("ip" | "ip6", "daddr") => (Field::Address(Side::Destination), 2),
        ("tcp" | "udp" | "udplite" | "sctp" | "dccp" | "th", "sport") => (Field::Port(Side::Source), 2),
        ("tcp" | "udp" | "udplite" | "sctp" | "dccp" | "th", "dport") => (Field::Port(Side::Destination), 2),
        ("ip", "protocol") | ("ip6", "nexthdr") | ("meta", "l4proto") => (Field::Protocol, 2),
        ("meta", "mark") => (Field::Mark, 2),
        ("mark", _) => (Field::Mark, 1),
        ("ct", "state" | "status") => (Field::State, 2),
        ("meta", "iifname" | "iif") => (Field::Device(Direction::In), 2),
        ("meta", "oifname" | "oif") => (Field::Device(Direction::Out), 2),
        ("iifname" | "iif", _) => (Field::Device(Direction::In), 1),
        ("oifname" | "oif", _) => (Field::Device(Direction::Out), 1),
        _ => return None,
    };
    cursor.skip(length);
    Some((field, implied_by(first)))
}

/// Takes `@th,16,16`, as the first versions of nft list `th dport`.
fn raw_port(cursor: &mut Cursor<'_, '_>) -> Option<Side> {
    let side = match (cursor.peek(1)?, cursor.word(2), cursor.peek(3)?, cursor.word(4)) {
        (Token::Comma, "0", Token::Comma, "16") => Side::Source,
        (Token::Comma, "16", Token::Comma, "16") => Side::Destination,
        _ => return None,
    };
    cursor.skip(5);
    Some(side)
}

/// Takes parts of a packet that are looked up together: `ip daddr . meta l4proto . th dport`. One that a walk does not
/// know stays as it stands.
pub(super) fn take_all(cursor: &mut Cursor<'_, '_>) -> Option<(Vec<Field>, Vec<Implied>)> {
    let (mut fields, mut implied) = (Vec::with_capacity(3), Vec::new());
    loop {
        match take(cursor) {
            Some((field, takes)) => {
                fields.push(field);
                implied.extend(takes);
            }
            None => {
                let start = cursor.place;
                let is_more = |cursor: &Cursor<'_, '_>| !matches!(cursor.word(0), "" | "." | "vmap" | "map");
                while is_more(cursor) && cursor.place - start < LONGEST {
                    cursor.skip(1);
                }
                let words = cursor.since(start);
                // Its end shows only where a sign follows.
                if words.is_empty() || cursor.is_at_end() || (fields.is_empty() && cursor.word(0) != ".") {
                    return None;
                }
                fields.push(Field::Other(spell(words).into()));
            }
        }
        if !cursor.eat(".") {
            return Some((fields, implied));
        }
    }
}
