//! How far a statement goes that is not known.

use super::cursor::Cursor;
use super::selector::implied_by;
use super::token::Token;
use super::verdict::skip_list;

/// What starts a test of a packet.
const TESTS: &[&str] = &[
    "ah", "arp", "comp", "ct", "dccp", "esp", "ether", "exthdr", "fib", "frag", "icmp", "icmpv6", "igmp", "iif",
    "iifname", "ip", "ip6", "ipsec", "jhash", "mark", "meta", "numgen", "oif", "oifname", "osf", "rt", "sctp",
    "socket", "symhash", "tcp", "th", "udp", "udplite", "vlan",
];

/// What starts something that is done with a packet.
const ACTIONS: &[&str] = &[
    "accept",
    "add",
    "comment",
    "continue",
    "counter",
    "delete",
    "dnat",
    "drop",
    "dup",
    "flow",
    "fwd",
    "goto",
    "jump",
    "last",
    "limit",
    "log",
    "masquerade",
    "meter",
    "notrack",
    "queue",
    "quota",
    "redirect",
    "reject",
    "return",
    "snat",
    "synproxy",
    "tproxy",
    "update",
    "xt",
];

/// What cannot end a statement: something of it must follow.
const JOINTS: &[&str] = &[
    "==", "!=", "<", ">", "<=", ">=", "&", "|", "^", ".", "/", "and", "or", "xor", "!", "set", "map", "vmap", "to",
    "prefix", "mod",
];

/// Takes at least so many tokens, and then up to where the next statement starts.
pub(super) fn span(cursor: &mut Cursor<'_, '_>, least: usize) {
    (0..least).for_each(|_| step(cursor));
    while cursor.peek(0).is_some_and(|token| !starts(token)) {
        step(cursor);
    }
}

/// Takes a statement that is not known, up to where the next one starts.
pub(super) fn statement(cursor: &mut Cursor<'_, '_>) {
    let (first, second) = (cursor.word(0), cursor.word(1));
    if first == "fib" {
        while !cursor.is_at_end() && !matches!(cursor.word(0), "type" | "oif" | "oifname") {
            step(cursor);
        }
    }
    let least = match (first, second) {
        // `ct original ip daddr 10.0.0.1`
        ("ct", "original" | "reply") => 5,
        ("fib", _) => 2,
        _ if has_key(first) => 3,
        _ => 2,
    };
    span(cursor, least);
}

/// Takes a statement whose new value has no end that shows: up to a verdict, a counter or a comment.
pub(super) fn value(cursor: &mut Cursor<'_, '_>) {
    cursor.skip(1);
    let ends = ["comment", "counter", "accept", "drop", "return", "continue", "jump", "goto"];
    while !cursor.is_at_end() && !ends.contains(&cursor.word(0)) {
        cursor.skip(1);
    }
}

/// Whether setting it changes nothing on a packet's way.
pub(super) fn is_harmless(first: &str, second: &str) -> bool {
    match first {
        "meta" => matches!(second, "priority" | "nftrace" | "secmark"),
        "ct" => matches!(second, "mark" | "helper" | "timeout" | "label" | "secmark" | "event" | "expectation"),
        "ip" => matches!(second, "dscp" | "ecn" | "ttl"),
        "ip6" => matches!(second, "dscp" | "ecn" | "hoplimit" | "flowlabel"),
        "tcp" => second == "option",
        _ => false,
    }
}

/// Takes a token, or a group, with what must follow it.
fn step(cursor: &mut Cursor<'_, '_>) {
    if cursor.take_group().is_some() {
        return;
    }
    let is_joint = cursor.take().and_then(Token::word).is_some_and(|word| JOINTS.contains(&word));
    if is_joint && cursor.take_group().is_none() {
        cursor.skip(if has_key(cursor.word(0)) { 2 } else { 1 });
    }
    skip_list(cursor);
}

/// Whether a word is the first of two that name a part of a packet.
fn has_key(word: &str) -> bool {
    matches!(word, "meta" | "ct" | "fib" | "rt" | "socket" | "osf" | "exthdr" | "ether" | "vlan")
        || implied_by(word).is_some()
}

fn starts(token: Token<'_>) -> bool {
    match token.word() {
        Some(word) => TESTS.contains(&word) || ACTIONS.contains(&word),
        None => token == Token::Hash,
    }
}
