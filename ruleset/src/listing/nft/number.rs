//! Names that nft writes for numbers.

/// The number of a transport protocol, by its name or as it stands.
pub(super) fn protocol(word: &str) -> Option<u8> {
    Some(match word {
        "icmp" => 1,
        "igmp" => 2,
        "ipencap" | "ipip" => 4,
        "tcp" => 6,
        "udp" => 17,
        "dccp" => 33,
        "ipv6" => 41,
        "gre" => 47,
        "esp" => 50,
        "ah" => 51,
        "icmpv6" | "ipv6-icmp" => 58,
        "ospf" => 89,
        "comp" | "ipcomp" => 108,
        "vrrp" => 112,
        "sctp" => 132,
        "udplite" => 136,
        _ => return word.parse().ok(),
    })
}

/// The number of a port, by its name, as `nft -S` writes it, or as it stands.
pub(super) fn port(word: &str) -> Option<u16> {
    Some(match word {
        "ftp-data" => 20,
        "ftp" => 21,
        "ssh" => 22,
        "telnet" => 23,
        "smtp" => 25,
        "domain" => 53,
        "bootps" => 67,
        "bootpc" => 68,
        "tftp" => 69,
        "http" => 80,
        "kerberos" => 88,
        "pop3" => 110,
        "sunrpc" => 111,
        "ntp" => 123,
        "imap2" => 143,
        "snmp" => 161,
        "bgp" => 179,
        "ldap" => 389,
        "https" => 443,
        "submission" => 587,
        "ldaps" => 636,
        "imaps" => 993,
        "openvpn" => 1194,
        "nfs" => 2049,
        "etcd-client" => 2379,
        "etcd-server" => 2380,
        "mysql" => 3306,
        "postgresql" => 5432,
        "amqp" => 5672,
        "redis" => 6379,
        "http-alt" => 8080,
        _ => return word.parse().ok(),
    })
}

/// A number, in hexadecimal after `0x`.
pub(super) fn number(word: &str) -> Option<u64> {
    match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

/// A mark.
pub(super) fn mark(word: &str) -> Option<u32> {
    number(word).and_then(|number| number.try_into().ok())
}

/// The two ends of a range such as `80-90`, each read by `one`. A single value is both.
pub(super) fn range<T: Copy + PartialOrd>(word: &str, one: impl Fn(&str) -> Option<T>) -> Option<(T, T)> {
    if let Some(value) = one(word) {
        return Some((value, value));
    }
    let (first, last) = word.split_once('-')?;
    let ends = (one(first)?, one(last)?);
    (ends.0 <= ends.1).then_some(ends)
}
