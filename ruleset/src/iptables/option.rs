//! The options of iptables that kube-proxy uses: what they are called, whose they are, and how the kernel keeps them.
//!
//! After `xshared.c`, `libxt_*.c`, `libip_*.c` and `libip6t_*.c` of iptables.

use super::Family;
use crate::address::canonical;
use std::borrow::Cow;

/// An option's shortest name.
pub(super) fn name(word: &str) -> &str {
    match word {
        "--source" | "--src" => "-s",
        "--destination" | "--dst" => "-d",
        "--protocol" | "--proto" => "-p",
        "--in-interface" => "-i",
        "--out-interface" => "-o",
        "--match" => "-m",
        "--jump" => "-j",
        "--goto" => "-g",
        "--set-counters" => "-c",
        "--destination-port" => "--dport",
        "--source-port" => "--sport",
        _ => word,
    }
}

/// How many words an option takes, where that is known: such a word may start with a dash.
pub(super) fn arity(word: &str) -> Option<usize> {
    match name(word) {
        "-s" | "-d" | "-p" | "-i" | "-o" | "-m" | "-j" | "-g" | "--comment" => Some(1),
        "-c" => Some(2),
        "-f" | "-4" | "-6" => Some(0),
        _ => None,
    }
}

/// Whether an option is of the rule itself, not of a match or a target.
pub(super) fn is_basic(name: &str) -> bool {
    matches!(name, "-s" | "-d" | "-p" | "-i" | "-o" | "-f")
}

/// The value of an option of the rule itself.
pub(super) fn basic<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    match name {
        "-s" | "-d" => canonical(value).unwrap_or(Cow::Borrowed(value)),
        "-p" => protocol(value),
        _ => Cow::Borrowed(value),
    }
}

fn protocol(word: &str) -> Cow<'_, str> {
    match word {
        "6" | "TCP" => "tcp".into(),
        "17" | "UDP" => "udp".into(),
        "132" | "SCTP" => "sctp".into(),
        "1" => "icmp".into(),
        "58" | "icmpv6" => "ipv6-icmp".into(),
        "0" => "all".into(),
        _ => Cow::Borrowed(word),
    }
}

/// The matches that an option may belong to; none where it is the target's or is not known.
pub(super) fn owners(option: &str) -> &'static [&'static str] {
    match option {
        "--dport" | "--sport" => &["tcp", "udp", "sctp"],
        "--comment" => &["comment"],
        "--ctstate" => &["conntrack"],
        "--mark" => &["mark"],
        "--dst-type" | "--src-type" => &["addrtype"],
        "--mode" | "--probability" | "--every" | "--packet" => &["statistic"],
        "--match-set" => &["set"],
        "--nfacct-name" => &["nfacct"],
        "--vproto" | "--vaddr" | "--vport" => &["ipvs"],
        "--rcheck" | "--set" | "--update" | "--remove" | "--seconds" | "--hitcount" | "--reap" | "--rttl"
        | "--name" | "--mask" | "--rsource" | "--rdest" => &["recent"],
        _ => &[],
    }
}

/// Where an option stands in a rule's text: as iptables-save prints it, as far as that matters.
pub(super) fn rank(option: &str) -> u8 {
    const ORDER: [&str; 17] = [
        "-s",
        "-d",
        "-i",
        "-o",
        "-p",
        "-f",
        "--set",
        "--rcheck",
        "--update",
        "--remove",
        "--seconds",
        "--reap",
        "--hitcount",
        "--rttl",
        "--name",
        "--mask",
        "--vproto",
    ];
    ORDER.iter().position(|known| *known == option).map_or(u8::MAX, |place| u8::try_from(place).unwrap_or(u8::MAX))
}

/// An option's values in one spelling.
pub(super) fn values<'a>(owner: &str, option: &str, values: Vec<&'a str>, family: Family) -> Vec<Cow<'a, str>> {
    let Some(first) = values.first().copied() else { return Vec::new() };
    let value = match (owner, option) {
        ("mark", "--mark") => match mark(first) {
            Some((value, u32::MAX)) => format!("{value:#x}").into(),
            Some((value, mask)) => format!("{value:#x}/{mask:#x}").into(),
            None => first.into(),
        },
        ("statistic", "--probability") => probability(first),
        ("conntrack", "--ctstate") => states(first),
        ("recent", "--mask") | ("DNAT" | "SNAT", _) | ("ipvs", "--vaddr") => canonical(first).unwrap_or(first.into()),
        ("ipvs", "--vproto") => match first {
            "tcp" => "6".into(),
            "udp" => "17".into(),
            "sctp" => "132".into(),
            _ => first.into(),
        },
        ("REJECT", "--reject-with") => reject(first, family).into(),
        _ => return values.into_iter().map(Cow::Borrowed).collect(),
    };
    vec![value]
}

/// A mark and its mask.
fn mark(word: &str) -> Option<(u32, u32)> {
    let (value, mask) = word.split_once('/').map_or((word, None), |(value, mask)| (value, Some(mask)));
    Some((number(value)?, mask.map_or(Some(u32::MAX), number)?))
}

fn number(word: &str) -> Option<u32> {
    match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

/// A probability as the kernel keeps it: in parts of 2^31.
fn probability(word: &str) -> Cow<'_, str> {
    const WHOLE: f64 = 2_147_483_648.0;
    match word.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => format!("{:.11}", (share * WHOLE).round() / WHOLE).into(),
        _ => word.into(),
    }
}

/// Connection states in the order in which iptables-save lists them.
fn states(word: &str) -> Cow<'_, str> {
    const ORDER: [&str; 7] = ["INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED", "SNAT", "DNAT"];
    if !word.contains(',') {
        return word.into();
    }
    let mut states: Vec<&str> = word.split(',').collect();
    states.sort_by_key(|state| ORDER.iter().position(|known| known == state));
    states.join(",").into()
}

fn reject(with: &str, family: Family) -> &str {
    match (with, family) {
        ("port-unreach", Family::V4) => "icmp-port-unreachable",
        ("icmp6-port-unreach" | "port-unreach", Family::V6) => "icmp6-port-unreachable",
        ("tcp-rst", _) => "tcp-reset",
        _ => with,
    }
}

/// An option that is short for another one, as that one.
pub(super) fn rewritten<'a>(
    owner: &str,
    option: &'a str,
    mut values: Vec<Cow<'a, str>>,
) -> (&'a str, Vec<Cow<'a, str>>) {
    let Some((value, mask)) = values.first().filter(|_| owner == "MARK").and_then(|value| mark(value)) else {
        return (option, values);
    };
    let (value, mask) = match option {
        "--or-mark" => (value, value),
        "--xor-mark" => (value, 0),
        "--and-mark" => (0, !value),
        "--set-mark" => (value, value | mask),
        "--set-xmark" => (value, mask),
        _ => return (option, values),
    };
    values.clear();
    values.push(format!("{value:#x}/{mask:#x}").into());
    ("--set-xmark", values)
}

/// The options that the kernel sets where none of the kind is given.
pub(super) fn defaults(owner: &str, family: Family) -> &'static [(&'static str, &'static str)] {
    match (owner, family) {
        ("REJECT", Family::V4) => &[("--reject-with", "icmp-port-unreachable")],
        ("REJECT", Family::V6) => &[("--reject-with", "icmp6-port-unreachable")],
        ("recent", Family::V4) => &[("--name", "DEFAULT"), ("--mask", "255.255.255.255"), ("--rsource", "")],
        ("recent", Family::V6) => {
            &[("--name", "DEFAULT"), ("--mask", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), ("--rsource", "")]
        }
        _ => &[],
    }
}

/// Whether the default of `option` does not hold where `given` is given.
pub(super) fn excludes(option: &str, given: &str) -> bool {
    given == option || (option == "--rsource" && given == "--rdest")
}

/// Whether an option says what holds without it.
pub(super) fn is_default(owner: &str, option: &str, values: &[Cow<'_, str>]) -> bool {
    owner == "statistic" && option == "--packet" && values.first().is_some_and(|value| value == "0")
}
