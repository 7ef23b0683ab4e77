//! The values in a listing's rules: addresses, ports, marks, states, probabilities.

use crate::address;
use lab_core::node::{Rewrite, Span, Test, WrittenPort};
use std::net::IpAddr;

/// The addresses of an address, of a network, or from one to another (`10.0.0.1-10.0.0.9`).
pub(super) fn span(word: &str) -> Option<Span> {
    if let Some((low, high, bits)) = address::range(word) {
        return Some(Span { first: address::address(low, bits), last: address::address(high, bits) });
    }
    let (first, last) = word.split_once('-')?;
    let span = Span { first: first.parse().ok()?, last: last.parse().ok()? };
    (span.first.is_ipv4() == span.last.is_ipv4()).then_some(span)
}

/// A number, in decimal or after `0x` in hexadecimal digits.
pub(super) fn number(word: &str) -> Option<u32> {
    match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

/// A mark and its mask.
pub(super) fn mark(word: &str) -> Option<(u32, u32)> {
    let (value, mask) = word.split_once('/').map_or((word, None), |(value, mask)| (value, Some(mask)));
    Some((number(value)?, mask.map_or(Some(u32::MAX), number)?))
}

/// The bits that stay and those that are turned, of an operation on the mark: `or`, `xor`, `and`, `set`, `xset`.
pub(super) fn mark_change(operation: &str, word: &str) -> Option<(u32, u32)> {
    let (value, mask) = mark(word)?;
    Some(match operation {
        "or" => (!value, value),
        "xor" => (u32::MAX, value),
        "and" => (value, 0),
        "set" => (!(value | mask), value),
        "xset" => (!mask, value),
        _ => return None,
    })
}

/// A probability as the kernel keeps it: in parts of 2^31.
pub(super) fn probability(word: &str) -> Option<f64> {
    const WHOLE: f64 = 2_147_483_648.0;
    let share: f64 = word.parse().ok()?;
    (0.0..=1.0).contains(&share).then(|| (share * WHOLE).round() / WHOLE)
}

/// A port by its number, or by a name that `iptables -L` prints where `-n` is not given.
pub(super) fn port(word: &str) -> Option<u16> {
    const NAMES: [(&str, u16); 24] = [
        ("ssh", 22),
        ("domain", 53),
        ("bootps", 67),
        ("bootpc", 68),
        ("http", 80),
        ("kerberos", 88),
        ("pop3", 110),
        ("sunrpc", 111),
        ("ntp", 123),
        ("imap2", 143),
        ("snmp", 161),
        ("bgp", 179),
        ("ldap", 389),
        ("https", 443),
        ("ldaps", 636),
        ("imaps", 993),
        ("nfs", 2049),
        ("mysql", 3306),
        ("postgresql", 5432),
        ("redis", 6379),
        ("http-alt", 8080),
        ("webcache", 8080),
        ("amqp", 5672),
        ("smtp", 25),
    ];
    let named = || NAMES.iter().find(|(name, _)| *name == word).map(|(_, port)| *port);
    word.parse().ok().or_else(named)
}

/// Ports from a first to a last one: `80`, `80:90`, `:90`, `80:`.
pub(super) fn ports(word: &str) -> Option<(u16, u16)> {
    match word.split_once(':') {
        None => port(word).map(|port| (port, port)),
        Some((first, last)) => {
            let first = if first.is_empty() { Some(0) } else { port(first) };
            let last = if last.is_empty() { Some(u16::MAX) } else { port(last) };
            Some((first?, last?))
        }
    }
}

/// The port of a rewritten address: `80`, `80-90`.
pub(super) fn written_port(word: &str) -> Option<WrittenPort> {
    // `80-90/85` shifts a range; which port it becomes is one of the range all the same.
    let word = word.split_once('/').map_or(word, |(range, _)| range);
    match word.split_once('-') {
        None => Some(WrittenPort::One(port(word)?)),
        Some((first, last)) => Some(WrittenPort::Range(port(first)?, port(last)?)),
    }
}

/// What an address and a port become: `10.0.0.1:80`, `10.0.0.1-10.0.0.5:80-90`, `:80`, `[fd00::1]:80`, `fd00::1`.
pub(super) fn rewrite(word: &str) -> Option<Rewrite> {
    if let Some(inner) = word.strip_prefix('[') {
        let (addresses, port) = inner.split_once(']')?;
        let port = port.strip_prefix(':').map_or(Some(WrittenPort::Same), written_port)?;
        return Some(Rewrite { addresses: Some(span(addresses)?), port });
    }
    if let Some(addresses) = span(word) {
        return Some(Rewrite { addresses: Some(addresses), port: WrittenPort::Same });
    }
    let (addresses, port) = word.rsplit_once(':')?;
    let addresses = if addresses.is_empty() { None } else { Some(span(addresses)?) };
    let port = written_port(port)?;
    // Port 0 alone is what iptables-nft prints of a target that it does not understand.
    (addresses.is_some() || port != WrittenPort::One(0)).then_some(Rewrite { addresses, port })
}

/// The number of a transport protocol; 0 stands for all.
pub(super) fn protocol(word: &str) -> Option<u8> {
    let number = match word {
        "tcp" | "TCP" => 6,
        "udp" | "UDP" => 17,
        "sctp" | "SCTP" => 132,
        "all" | "ip" => 0,
        "icmp" => 1,
        "igmp" => 2,
        "ipencap" | "ipip" => 4,
        "dccp" => 33,
        "ipv6" => 41,
        "gre" => 47,
        "esp" => 50,
        "ah" => 51,
        "ipv6-icmp" | "icmpv6" => 58,
        "ospf" => 89,
        "vrrp" => 112,
        "ipv6-mh" | "mh" => 135,
        "udplite" => 136,
        _ => return word.parse().ok(),
    };
    Some(number)
}

/// Whether an address is of IPv4, if there is one in a rewritten address.
pub(super) fn family(rewrite: &Rewrite) -> Option<bool> {
    rewrite.addresses.map(|span| IpAddr::is_ipv4(&span.first))
}

/// Which flags of TCP are looked at, and which of them are set: `0x17/0x02`.
pub(super) fn tcp_flag_bits(word: &str) -> Option<Test> {
    let (mask, set) = word.split_once('/')?;
    Some(Test::TcpFlags { mask: u8::try_from(number(mask)?).ok()?, set: u8::try_from(number(set)?).ok()? })
}

/// Which flags of TCP are looked at, and which of them are set: `FIN,SYN,RST,ACK` and `SYN`.
pub(super) fn tcp_flags(mask: &str, set: &str) -> Option<Test> {
    let flags = |words: &str| {
        words.split(',').try_fold(0, |flags, word| {
            let flag = match word {
                "FIN" => 1,
                "SYN" => 2,
                "RST" => 4,
                "PSH" => 8,
                "ACK" => 16,
                "URG" => 32,
                "ALL" => 63,
                "NONE" => 0,
                _ => return None,
            };
            Some(flags | flag)
        })
    };
    Some(Test::TcpFlags { mask: flags(mask)?, set: flags(set)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_address_becomes_is_read_in_every_spelling() {
        let one = |address: &str, port| Rewrite::to(address.parse().unwrap(), port);
        assert_eq!(rewrite("10.0.0.1:80"), Some(one("10.0.0.1", Some(80))));
        assert_eq!(rewrite("10.0.0.1"), Some(one("10.0.0.1", None)));
        assert_eq!(rewrite("[fd00::1]:80"), Some(one("fd00::1", Some(80))));
        assert_eq!(rewrite("fd00::1"), Some(one("fd00::1", None)));
        assert_eq!(rewrite(":8080"), Some(Rewrite { addresses: None, port: WrittenPort::One(8080) }));
        let range = rewrite("10.0.0.1-10.0.0.5:80-90").unwrap();
        assert_eq!(range.addresses.unwrap().to_string(), "10.0.0.1-10.0.0.5");
        assert_eq!(range.port, WrittenPort::Range(80, 90));
        for word in ["", ":", ":0", "[", "[]:80", "host:80", "10.0.0.1:", "10.0.0.1-fd00::1"] {
            assert_eq!(rewrite(word), None, "{word}");
        }
    }

    #[test]
    fn a_change_of_the_mark_is_what_the_kernel_does() {
        let after = |operation, word, mark: u32| {
            let (keep, flip) = mark_change(operation, word).unwrap();
            (mark & keep) ^ flip
        };
        assert_eq!(after("or", "0x4000", 0x5001), 0x5001);
        assert_eq!(after("or", "0x4000", 0x1), 0x4001);
        assert_eq!(after("xor", "0x4000", 0x4001), 0x1);
        assert_eq!(after("and", "0xff", 0x4001), 0x1);
        assert_eq!(after("set", "0x4000", 0x1), 0x4000);
        assert_eq!(after("xset", "0x4000/0x4000", 0x4001), 0x4001);
        assert_eq!(after("xset", "0x4000/0x0", 0x4001), 0x1);
    }
}
