//! What nft's rules do to addresses: `dnat`, `snat`, `masquerade`, `redirect`.

use super::condition::{numgen, set};
use super::cursor::Cursor;
use super::element::{span, written_port};
use super::selector;
use super::verdict::skip_list;
use lab_core::node::{Outcome, Rewrite, Statement, WrittenPort};

/// Takes a rewriting of addresses, and says whether it is for packets of IPv4 alone, or of IPv6; `None` if it is none
/// that a walk can do.
pub(super) fn read(cursor: &mut Cursor<'_, '_>) -> Option<(Statement, Option<bool>)> {
    let verb = cursor.take_word()?;
    let is_v4 = match cursor.word(0) {
        "ip" if cursor.word(1) != "daddr" => Some(true),
        "ip6" if cursor.word(1) != "daddr" => Some(false),
        _ => None,
    };
    cursor.skip(usize::from(is_v4.is_some()));
    if (cursor.word(0), cursor.word(1), cursor.word(2)) == ("addr", ".", "port") {
        cursor.skip(3);
    }
    let has_target = cursor.eat("to");
    let statement = match (verb, has_target) {
        ("masquerade", true) => destination(cursor).map(|_| Statement::Masquerade)?,
        ("masquerade", false) => Statement::Masquerade,
        ("redirect", true) => Statement::Redirect(destination(cursor)?.port),
        ("redirect", false) => Statement::Redirect(WrittenPort::Same),
        ("snat", true) => Statement::Snat(destination(cursor)?),
        ("dnat", true) if cursor.word(0) == "numgen" => with_port(numgen(cursor, "map")?, cursor)?,
        ("dnat", true) => match cursor.clone().take_word().and_then(|word| target(word, cursor)) {
            Some(rewrite) => Statement::Dnat(rewrite),
            None => {
                let (fields, _) = selector::take_all(cursor)?;
                if !cursor.eat("map") {
                    return None;
                }
                let map = set(cursor, &fields)?;
                if cursor.word(0).starts_with(':') {
                    return None;
                }
                Statement::DnatBy(fields.into(), map)
            }
        },
        _ => return None,
    };
    while matches!(cursor.word(0), "random" | "fully-random" | "persistent" | "prefix") {
        cursor.skip(1);
        skip_list(cursor);
    }
    Some((statement, is_v4))
}

fn destination(cursor: &mut Cursor<'_, '_>) -> Option<Rewrite> {
    let word = cursor.clone().take_word()?;
    target(word, cursor)
}

/// The next word as what an address and a port become, with what follows it: `10.0.0.1`, `10.0.0.1:80`,
/// `10.0.0.1-10.0.0.9:80-90`, `[fd00::1]:80`, `:80`, `10.0.0.1 : 80`, `10.0.0.1 . 80`. Nothing is taken if it is none.
fn target(word: &str, cursor: &mut Cursor<'_, '_>) -> Option<Rewrite> {
    let (addresses, port) = split(word)?;
    let mut after = cursor.clone();
    after.skip(1);
    let port = match port {
        Some(port) => written_port(port)?,
        None if matches!(after.word(0), ":" | ".") => {
            after.skip(1);
            written_port(after.take_word()?)?
        }
        None => WrittenPort::Same,
    };
    let addresses = match addresses {
        "" => None,
        addresses => Some(span(addresses)?),
    };
    *cursor = after;
    Some(Rewrite { addresses, port })
}

/// The addresses and the port of `10.0.0.1:80`, `[fd00::1]:80`, `fd00::1`.
fn split(word: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = word.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        // `[fd00::1]-[fd00::9]:80` is not told apart.
        return match rest.strip_prefix(':') {
            Some(port) => Some((address, Some(port))),
            None => rest.is_empty().then_some((address, None)),
        };
    }
    match word.split_once(':') {
        Some((addresses, port)) if !port.contains(':') && !addresses.contains(':') => Some((addresses, Some(port))),
        _ => Some((word, None)),
    }
}

/// `dnat to numgen random mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.2 }:80`: the port after the braces is for all of them.
fn with_port(spread: Statement, cursor: &mut Cursor<'_, '_>) -> Option<Statement> {
    let Statement::Spread { modulus, is_random, mut map } = spread else { return None };
    if map.iter().any(|(_, _, outcome)| !matches!(outcome, Outcome::To(_))) {
        return None;
    }
    if let Some(port) = cursor.word(0).strip_prefix(':') {
        let port = match port {
            "" => cursor.peek(1)?.word().and_then(written_port)?,
            port => written_port(port)?,
        };
        cursor.skip(if cursor.word(0) == ":" { 2 } else { 1 });
        for (_, _, outcome) in &mut map {
            if let Outcome::To(rewrite) = outcome {
                rewrite.port = port;
            }
        }
    }
    Some(Statement::Spread { modulus, is_random, map })
}
