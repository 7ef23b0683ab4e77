//! Rules and elements in one spelling: the one that `nft list` prints, but for numbers, which are short.
//!
//! After `src/statement.c`, `src/expression.c` and `src/meta.c` of nftables.

use super::lexer::Token;
use crate::address::{self, canonical, range};

/// How deep braces may lie in each other. nft needs two; deeper ones are left out.
const DEEPEST: usize = 8;

/// `tokens` in one spelling.
pub(super) fn spell(tokens: &[Token<'_>]) -> String {
    let mut out = String::with_capacity(96);
    write(tokens, &mut out, 0);
    out
}

fn write(tokens: &[Token<'_>], out: &mut String, depth: usize) {
    let mut marks = false;
    let mut before = "";
    let mut place = 0;
    while let Some(&token) = tokens.get(place) {
        let rest = &tokens[place + 1..];
        let skip = match token {
            Token::Word(word) => {
                let skip = redundant(before, word, rest);
                if skip == 0 {
                    marks = word == "mark" || (marks && is_of_mark(word));
                    write_word(before, word, marks, out);
                }
                before = word;
                skip.saturating_sub(1)
            }
            Token::Quoted(text) => {
                push(out, "\"");
                out.push_str(text);
                out.push('"');
                before = "";
                0
            }
            Token::Open => {
                let length = group(rest);
                if depth < DEEPEST {
                    write_group(before, &rest[..length], out, depth);
                }
                before = "";
                length + 1
            }
            Token::Comma => {
                out.push(',');
                0
            }
            Token::Close | Token::Semicolon | Token::Newline => 0,
        };
        place += 1 + skip;
    }
}

/// How many of the tokens from `word` on say nothing: 0 if `word` says something.
fn redundant(before: &str, word: &str, rest: &[Token<'_>]) -> usize {
    let next = |place: usize| rest.get(place).and_then(|token| token.word()).unwrap_or_default();
    match (before, word) {
        // `dnat ip addr . port to` is listed as `dnat ip to`.
        ("ip" | "ip6", "addr") if (next(0), next(1), next(2)) == (".", "port", "to") => 3,
        ("reject", "with") if next(0).starts_with("icmp") => {
            let typed = usize::from(next(1) == "type");
            if next(1 + typed) == "port-unreachable" { 3 + typed } else { 0 }
        }
        ("counter", "packets") if next(1) == "bytes" => 4,
        (_, "offset") if next(0) == "0" => 2,
        (_, "expires") => 2,
        _ => 0,
    }
}

/// Whether a word after `mark` is still about the mark.
fn is_of_mark(word: &str) -> bool {
    matches!(word, "and" | "or" | "xor" | "&" | "|" | "^" | "==" | "!=" | "set" | "meta")
        || word.starts_with(|first: char| first.is_ascii_digit())
}

fn write_word(before: &str, word: &str, marks: bool, out: &mut String) {
    match word {
        "mark" if !matches!(before, "meta" | "ct" | "socket") => push(out, "meta mark"),
        "and" => push(out, "&"),
        "or" => push(out, "|"),
        "xor" => push(out, "^"),
        _ => match number(word, marks) {
            Some(number) => push(out, &format!("{number:#x}")),
            None if before == "timeout" => push(out, &seconds(word).unwrap_or(word.to_owned())),
            None => push(out, &canonical(word).unwrap_or(word.into())),
        },
    }
}

/// The number that a word is, if it is hexadecimal or a mark.
fn number(word: &str, marks: bool) -> Option<u32> {
    match word.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None if marks => word.parse().ok(),
        None => None,
    }
}

/// A time such as `3h` in seconds.
pub(super) fn seconds(word: &str) -> Option<String> {
    let (mut total, mut rest) = (0_u64, word);
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = rest[..digits].parse().ok()?;
        let after = &rest[digits..];
        let (unit, length) = match after.as_bytes().first() {
            Some(b'd') => (86_400, 1),
            Some(b'h') => (3_600, 1),
            Some(b'm') if !after.starts_with("ms") => (60, 1),
            Some(b's') => (1, 1),
            None => (1, 0),
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = &after[length..];
    }
    Some(format!("{total}s"))
}

/// How many tokens come before the brace that closes a group.
pub(super) fn group(tokens: &[Token<'_>]) -> usize {
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate() {
        match token {
            Token::Open => depth += 1,
            Token::Close if depth == 0 => return place,
            Token::Close => depth -= 1,
            _ => {}
        }
    }
    tokens.len()
}

/// What stands between braces: an anonymous set or map, sorted, since its elements have no order.
fn write_group(before: &str, tokens: &[Token<'_>], out: &mut String, depth: usize) {
    let mut elements: Vec<String> = Vec::new();
    let (mut start, mut inner) = (0, 0_usize);
    for place in 0..=tokens.len() {
        match tokens.get(place) {
            Some(Token::Open) => inner += 1,
            Some(Token::Close) => inner = inner.saturating_sub(1),
            Some(Token::Comma) | None if inner == 0 || place == tokens.len() => {
                let mut element = String::with_capacity(place - start);
                write(&tokens[start..place], &mut element, depth + 1);
                if !element.is_empty() {
                    elements.push(element);
                }
                start = place + 1;
            }
            _ => {}
        }
    }
    let elements = merged(&elements).unwrap_or(elements);
    let named = before.starts_with('@');
    if let ([only], false) = (&elements[..], named || elements.iter().any(|element| element.contains(" : "))) {
        // nft lists a set of one element without braces.
        return push(out, only);
    }
    let mut elements = elements;
    elements.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
    push(out, "{ ");
    out.push_str(&elements.join(", "));
    out.push_str(" }");
}

/// The addresses and networks of a set, with those that touch merged, as the kernel keeps them. `None` where something
/// else is among them.
fn merged(elements: &[String]) -> Option<Vec<String>> {
    let mut ranges: Vec<_> = elements.iter().map(|element| range(element)).collect::<Option<_>>()?;
    ranges.sort_unstable();
    let mut joined: Vec<address::Range> = Vec::with_capacity(ranges.len());
    for (low, high, bits) in ranges {
        match joined.last_mut() {
            Some(last) if last.2 == bits && low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
            _ => joined.push((low, high, bits)),
        }
    }
    Some(joined.into_iter().map(name).collect())
}

/// A range as an address, a network, or its two ends.
fn name((low, high, bits): address::Range) -> String {
    let first = address::address(low, bits);
    let hosts = (high - low).trailing_ones();
    let whole = match hosts {
        128 => true,
        _ => high - low == (1 << hosts) - 1 && low.trailing_zeros() >= hosts,
    };
    match (hosts, whole) {
        (0, true) => first.to_string(),
        (_, true) => format!("{first}/{}", bits - hosts),
        _ => format!("{first}-{}", address::address(high, bits)),
    }
}

fn push(out: &mut String, word: &str) {
    if !out.is_empty() && !out.ends_with(',') && !out.ends_with("{ ") {
        out.push(' ');
    }
    out.push_str(word);
}
