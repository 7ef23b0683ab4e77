//! What nft prints of matches and targets of iptables that it has no words for.
//!
//! After `src/xt.c` of nftables and the `print` functions of iptables' extensions.

use super::number::mark;
use super::token::{Token, spell};
use lab_core::node::{AddressKind, Pick, Side, Statement, States, Test, Verdict};

/// What is printed after a `#`.
pub(super) enum Printed {
    /// The rule's comment.
    Comment(Box<str>),
    /// Something that it tests or does.
    Statement(Statement),
}

/// `xt match statistic`, `xt target "MARK"`: the name alone, without what it was told.
pub(super) fn unprinted(is_match: bool, name: &str) -> Statement {
    let text = || format!("xt {} {name}", if is_match { "match" } else { "target" }).into();
    match name {
        "comment" if is_match => Statement::Aside(text()),
        "limit" | "hashlimit" if is_match => Statement::If(true, Test::Limited(text())),
        _ if is_match => Statement::If(true, Test::Unknown(text())),
        "MASQUERADE" => Statement::Masquerade,
        "NOTRACK" => Statement::NoTrack,
        "REJECT" => Statement::Go(Verdict::Reject("".into())),
        "LOG" | "NFLOG" | "TRACE" | "TCPMSS" | "CHECKSUM" | "CLASSIFY" | "DSCP" | "AUDIT" => Statement::Aside(text()),
        _ => Statement::Unknown(text()),
    }
}

/// What comes after a `#`, such as `mode random probability 0.50000000000`.
pub(super) fn printed(tokens: &[Token<'_>]) -> Printed {
    let words: Vec<&str> = tokens.iter().filter_map(|token| token.name()).collect();
    if let [first, .., last] = &words[..]
        && let (true, Some(comment)) = (*last == "*/", first.strip_prefix("/*"))
    {
        let inner = [comment].into_iter().chain(words[1..words.len() - 1].iter().copied());
        return Printed::Comment(inner.collect::<Vec<_>>().join(" ").trim().into());
    }
    let text = || spell(tokens).into();
    Printed::Statement(match words.first() {
        Some(first) if first.starts_with("xt_") => {
            unprinted(first[3..].bytes().all(|b| !b.is_ascii_uppercase()), &first[3..])
        }
        _ => known(&words).unwrap_or_else(|| match words.first() {
            Some(first) if first.bytes().all(|byte| byte.is_ascii_uppercase()) => Statement::Unknown(text()),
            _ => Statement::If(true, Test::Unknown(text())),
        }),
    })
}

fn known(words: &[&str]) -> Option<Statement> {
    Some(match words {
        ["statistic", rest @ ..] => return known(rest),
        ["mode", "random", "probability", share] => Statement::If(true, Test::Pick(Pick::Random(share.parse().ok()?))),
        ["mode", "random", "!", "probability", share] => {
            Statement::If(false, Test::Pick(Pick::Random(share.parse().ok()?)))
        }
        ["mode", "nth", "every", every] => Statement::If(true, Test::Pick(Pick::Nth(every.parse().ok()?, 0))),
        ["mode", "nth", "every", every, "packet", packet] => {
            Statement::If(true, Test::Pick(Pick::Nth(every.parse().ok()?, packet.parse().ok()?)))
        }
        ["match-set", name, sides @ ..] => Statement::If(true, in_ipset(name, sides)?),
        ["!", "match-set", name, sides @ ..] => Statement::If(false, in_ipset(name, sides)?),
        ["ADDRTYPE", "match", "dst-type", "LOCAL"] => {
            Statement::If(true, Test::Kind(Side::Destination, AddressKind::Local))
        }
        ["ADDRTYPE", "match", "src-type", "LOCAL"] => Statement::If(true, Test::Kind(Side::Source, AddressKind::Local)),
        ["ctstate", states @ ..] => {
            let states = states.iter().map(|state| States::named(state)).collect::<Option<Vec<_>>>()?;
            Statement::If(true, Test::State(states.into_iter().fold(States::default(), States::or)))
        }
        ["MARK", "or", bits] => Statement::Mark { keep: !mark(bits)?, flip: mark(bits)? },
        ["MARK", "xor", bits] => Statement::Mark { keep: u32::MAX, flip: mark(bits)? },
        ["MARK", "and", bits] => Statement::Mark { keep: mark(bits)?, flip: 0 },
        ["MARK", "set", value] => Statement::Mark { keep: 0, flip: mark(value)? },
        _ => return None,
    })
}

fn in_ipset(name: &str, sides: &[&str]) -> Option<Test> {
    let side = |side: &&str| match *side {
        "src" => Some(Side::Source),
        "dst" => Some(Side::Destination),
        _ => None,
    };
    Some(Test::InIpset(name.into(), sides.iter().map(side).collect::<Option<_>>()?))
}
