//! What `iptables -L` prints after a rule's columns: each match and the target in words of its own.
//!
//! After the `print` functions of `libxt_*.c` and `libipt_*.c` of iptables.

use super::parts::{self, Parts, Target};
use super::value;
use super::word::Words;
use lab_core::node::{Side, Statement, Test};

/// Reads the rest of a rule's line. What is not known becomes a test that is not known, in its place.
pub(super) fn read<'a>(parts: &mut Parts, target: &mut Target<'a>, rest: &'a str) {
    let mut words = Words { rest };
    // Where what is not known starts.
    let mut unknown: Option<&str> = None;
    loop {
        words.rest = words.rest.trim_start();
        let start = words.rest;
        if start.is_empty() || belongs_to_target(target.name, start) {
            flush(parts, unknown, start);
            if !start.is_empty() {
                target.options = start.trim_end().to_owned();
                if let Some(options) = target.options.strip_prefix(target.name) {
                    target.options = options.trim_start().to_owned();
                }
            }
            return;
        }
        // A match adds to the parts only once it is read whole.
        let held = unknown.map(|unknown| &unknown[..unknown.len() - start.len()]);
        let before = parts.len();
        match one(parts, target, &mut words) {
            Some(()) => {
                if let Some(held) = held {
                    parts.unknown_at(before, held.trim());
                }
                unknown = None;
            }
            None => {
                unknown = unknown.or(Some(start));
                words.rest = start;
                words.next();
            }
        }
    }
}

fn flush(parts: &mut Parts, unknown: Option<&str>, end: &str) {
    if let Some(unknown) = unknown {
        parts.unknown(unknown[..unknown.len() - end.len()].trim());
    }
}

/// Whether the rest of the line is what a target says whose effect is not read.
fn belongs_to_target(target: &str, rest: &str) -> bool {
    if !(parts::is_aside(target) || parts::is_extension(target) || matches!(target, "NFQUEUE" | "QUEUE")) {
        return false;
    }
    let word = Words { rest }.next().unwrap_or_default();
    match target {
        "CT" => word == "CT" && !rest.starts_with("CT notrack"),
        "NETMAP" => word.starts_with("to:"),
        "NFLOG" => word.starts_with("nflog-"),
        target => word == target,
    }
}

/// Reads one match, or a word of the target; `None` if it is not known.
fn one<'a>(parts: &mut Parts, target: &mut Target<'a>, words: &mut Words<'a>) -> Option<()> {
    let word = words.next()?;
    match (word, target.name) {
        ("/*", _) => {
            let (comment, rest) = comment(words.rest);
            parts.comment(comment);
            words.rest = rest;
        }
        ("!", _) => match words.next()? {
            "ctstate" | "state" => parts.states(false, words.next()?)?,
            "match-set" => parts.ipset(false, words.next()?, words.next()?)?,
            "recent:" => recent(parts, false, words)?,
            _ => return None,
        },
        ("tcp" | "udp" | "sctp" | "dccp" | "udplite", _) => transport(parts, words, word)?,
        ("multiport", _) => {
            let side = match words.next()? {
                "dports" => Some(Side::Destination),
                "sports" => Some(Side::Source),
                "ports" => None,
                _ => return None,
            };
            let (holds, list) = words.negated()?;
            parts.ports(holds, side, list)?;
        }
        ("statistic", _) => statistic(parts, words)?,
        ("mark", _) if words.next()? == "match" => {
            let (holds, mark) = words.negated()?;
            parts.mark(holds, mark)?;
        }
        ("ADDRTYPE", _) if words.next()? == "match" => kinds(parts, words)?,
        ("ctstate" | "state", _) => parts.states(true, words.next()?)?,
        ("match-set", _) => parts.ipset(true, words.next()?, words.next()?)?,
        ("recent:", _) => recent(parts, true, words)?,
        ("PHYSDEV", _) if words.next()? == "match" => {
            let (holds, option) = words.negated()?;
            if option != "--physdev-is-in" || words.peek().is_some_and(|next| next.starts_with("--physdev")) {
                return None;
            }
            parts.test(holds, Test::Bridged);
        }
        ("source" | "destination", _) if words.next()? == "IP" && words.next()? == "range" => {
            let side = if word == "source" { Side::Source } else { Side::Destination };
            let (holds, range) = words.negated()?;
            parts.test(holds, Test::Address(side, value::span(range)?));
        }
        ("limit:", _) => limit(parts, words)?,
        ("nfacct-name", _) => parts.then(Statement::Aside(format!("nfacct {}", words.next()?).into())),
        ("MARK", "MARK") => target.mark = Some(value::mark_change(words.next()?, words.next()?)?),
        ("reject-with", "REJECT") => target.reject = Some(words.next()?),
        ("redir", "REDIRECT") if words.next()? == "ports" => target.ports = Some(words.next()?),
        ("masq", "MASQUERADE") if words.next()? == "ports:" => drop(words.next()?),
        ("random" | "random-fully" | "persistent", "MASQUERADE" | "DNAT" | "SNAT" | "REDIRECT") => {}
        ("CT", "CT") if words.next()? == "notrack" => target.is_notrack = true,
        ("NOTRACK", "CT" | "NOTRACK") => target.is_notrack = true,
        ("[unsupported", _) if words.peek() == Some("revision]") => {
            words.next();
            target.options = "[unsupported revision]".to_owned();
        }
        (word, "DNAT" | "SNAT") => target.to = Some(word.strip_prefix("to:")?),
        _ => return None,
    }
    Some(())
}

/// What a comment says that was opened, and what follows it.
///
/// A comment may have `/*` and `*/` in it; where these match each other they are read as part of it.
fn comment(text: &str) -> (&str, &str) {
    /// iptables keeps 255 bytes of a comment.
    const LONGEST: usize = 600;
    let (mut depth, mut first, mut offset) = (1, None, 0);
    for word in text.split_inclusive(char::is_whitespace) {
        let (start, end) = (offset, offset + word.len());
        offset = end;
        match word.trim_end() {
            "/*" => depth += 1,
            "*/" => {
                depth -= 1;
                first.get_or_insert((start, end));
                if depth == 0 {
                    return (text[..start].trim(), &text[end..]);
                }
            }
            _ => {}
        }
        if start > LONGEST && first.is_some() {
            break;
        }
    }
    first.map_or((text.trim(), ""), |(start, end)| (text[..start].trim(), &text[end..]))
}

/// `tcp dpt:443`, `udp spts:1:1023 dpt:!53`.
fn transport(parts: &mut Parts, words: &mut Words<'_>, protocol: &str) -> Option<()> {
    while let Some((kind, word)) = words.peek().and_then(|word| word.split_once(':')) {
        let side = match kind {
            "dpt" | "dpts" => Side::Destination,
            "spt" | "spts" => Side::Source,
            "flags" => {
                let (holds, flags) = word.strip_prefix('!').map_or((true, word), |flags| (false, flags));
                match value::tcp_flag_bits(flags) {
                    Some(test) => parts.test(holds, test),
                    None => parts.unknown(format!("{protocol} {kind}:{word}")),
                }
                words.next();
                continue;
            }
            _ => break,
        };
        let (holds, ports) = word.strip_prefix('!').map_or((true, word), |ports| (false, ports));
        if parts.port(holds, side, ports).is_none() {
            parts.unknown(format!("{protocol} {kind}:{word}"));
        }
        words.next();
    }
    Some(())
}

/// `statistic mode random probability 0.5`, `statistic mode nth every 3 packet 1`.
fn statistic(parts: &mut Parts, words: &mut Words<'_>) -> Option<()> {
    if words.next()? != "mode" {
        return None;
    }
    match words.next()? {
        "random" => {
            let (holds, name) = words.negated()?;
            if name != "probability" {
                return None;
            }
            parts.random(holds, words.next()?)
        }
        "nth" => {
            let (holds, name) = words.negated()?;
            if name != "every" {
                return None;
            }
            let every = words.next()?;
            let packet = if words.peek() == Some("packet") {
                words.next();
                words.next()?
            } else {
                "0"
            };
            parts.nth(holds, every, packet)
        }
        _ => None,
    }
}

/// `ADDRTYPE match src-type LOCAL dst-type !LOCAL`.
fn kinds(parts: &mut Parts, words: &mut Words<'_>) -> Option<()> {
    let mut kinds = Vec::new();
    while let Some(side) = match words.peek() {
        Some("src-type") => Some(Side::Source),
        Some("dst-type") => Some(Side::Destination),
        Some("limit-in" | "limit-out") => return None,
        _ => None,
    } {
        words.next();
        let (holds, list) = words.negated()?;
        if holds && list.contains(',') {
            return None;
        }
        kinds.push((holds, side, list));
    }
    kinds.into_iter().try_for_each(|(holds, side, list)| parts.kind(holds, side, list))
}

/// `recent: CHECK seconds: 10800 reap name: LIST side: source mask: 255.255.255.255`.
fn recent(parts: &mut Parts, holds: bool, words: &mut Words<'_>) -> Option<()> {
    let does = words.next()?;
    let (mut list, mut seconds, mut is_simple) = ("DEFAULT", 0, true);
    while let Some(word) = words.peek() {
        let mut value = Words { rest: words.rest };
        value.next();
        match word {
            "seconds:" => seconds = value.next()?.parse().ok()?,
            "name:" => list = value.next()?,
            "side:" => is_simple &= value.next()? == "source",
            "mask:" => drop(value.next()?),
            "hit_count:" => {
                value.next()?;
                is_simple = false;
            }
            "TTL-Match" => is_simple = false,
            "reap" => {}
            _ => break,
        }
        words.rest = value.rest;
    }
    match (does, holds) {
        ("CHECK", _) if is_simple => parts.test(holds, Test::Seen(list.into(), seconds)),
        ("UPDATE", true) if is_simple => {
            parts.test(true, Test::Seen(list.into(), seconds));
            parts.then(Statement::Note(list.into()));
        }
        ("SET", true) if is_simple => parts.then(Statement::Note(list.into())),
        _ => parts.unknown(format!("{}recent: {does} name: {list}", parts::negation(holds))),
    }
    Some(())
}

/// `limit: avg 3/min burst 7`, and hashlimit's `limit: up to 3/sec burst 5 mode srcip`.
fn limit(parts: &mut Parts, words: &mut Words<'_>) -> Option<()> {
    let mut text = String::new();
    match words.next()? {
        "avg" => text.push_str(words.next()?),
        "up" if words.next()? == "to" => text = format!("upto {}", words.next()?),
        "above" => text = format!("above {}", words.next()?),
        _ => return None,
    }
    while let Some(word) = words.peek() {
        let takes_value = matches!(word, "burst" | "mode" | "srcmask" | "dstmask" | "htable-size" | "htable-max");
        if !takes_value && !matches!(word, "htable-gcinterval" | "htable-expire") {
            break;
        }
        words.next();
        text.push(' ');
        text.push_str(word);
        text.push(' ');
        text.push_str(words.next()?);
    }
    parts.test(true, Test::Limited(text.into()));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_ends_where_it_was_opened() {
        assert_eq!(comment(" a */ tcp dpt:80"), ("a", "tcp dpt:80"));
        assert_eq!(comment(" it's /* odd */ \"x\" tcp dpt:80 */ y"), ("it's /* odd */ \"x\" tcp dpt:80", "y"));
        assert_eq!(comment(" cali:x */ /* Policy */"), ("cali:x", "/* Policy */"));
        assert_eq!(comment(" /* a */ b"), ("/* a", "b"));
        assert_eq!(comment(" cut off"), ("cut off", ""));
    }
}
