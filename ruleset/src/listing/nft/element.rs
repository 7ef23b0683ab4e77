//! Elements of sets and maps: their keys, and what they lead to.

use super::cursor::Cursor;
use super::number::{number, port, protocol, range};
use super::token::{Token, spell};
use super::verdict;
use lab_core::node::{Element, Field, KeyPart, Outcome, Rewrite, Set, SetRef, Span, States, Value, WrittenPort};
use std::net::IpAddr;

/// What one part of a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An address.
    Address,
    /// A transport protocol.
    Protocol,
    /// A port.
    Port,
    /// A mark, or another number.
    Number,
    /// States of a connection.
    State,
    /// A device's name, or something that is compared as text.
    Text,
}

impl Kind {
    /// The kind of the type of this name.
    pub(super) fn of_type(name: &str) -> Self {
        match name {
            "ipv4_addr" | "ipv6_addr" => Self::Address,
            "inet_proto" => Self::Protocol,
            "inet_service" => Self::Port,
            "mark" | "integer" => Self::Number,
            "ct_state" | "ct_status" => Self::State,
            _ => Self::Text,
        }
    }

    /// The kind of what is looked up.
    pub(super) fn of_field(field: &Field) -> Self {
        match field {
            Field::Address(_) => Self::Address,
            Field::Port(_) => Self::Port,
            Field::Protocol => Self::Protocol,
            Field::Mark => Self::Number,
            Field::State => Self::State,
            Field::Device(_) | Field::Other(_) => Self::Text,
        }
    }

    fn part(self, word: &str) -> Option<KeyPart> {
        let numbers = |(first, last): (u64, u64)| match first == last {
            true => KeyPart::One(Value::Number(first)),
            false => KeyPart::Numbers(first, last),
        };
        if word == "*" {
            return Some(KeyPart::Any);
        }
        Some(match self {
            Self::Address => match span(word)? {
                span if span.is_one() => KeyPart::One(Value::Address(span.first)),
                span => KeyPart::Addresses(span),
            },
            Self::Protocol => numbers(range(word, |word| protocol(word).map(u64::from))?),
            Self::Port => numbers(range(word, |word| port(word).map(u64::from))?),
            Self::Number => numbers(range(word, number)?),
            Self::State => KeyPart::One(Value::Number(States::named(word)?.0.into())),
            Self::Text => KeyPart::One(Value::Text(word.into())),
        })
    }
}

/// The addresses of `10.0.0.1`, `10.0.0.0/8`, `10.0.0.1-10.0.0.9`.
pub(super) fn span(word: &str) -> Option<Span> {
    if let Ok(address) = word.parse::<IpAddr>() {
        return Some(Span::one(address));
    }
    if let Some((first, last)) = word.split_once('-') {
        let span = Span { first: first.parse().ok()?, last: last.parse().ok()? };
        return (span.first <= span.last && span.first.is_ipv4() == span.last.is_ipv4()).then_some(span);
    }
    let (low, high, bits) = crate::address::range(word)?;
    Some(Span { first: crate::address::address(low, bits), last: crate::address::address(high, bits) })
}

/// The elements between the braces of a set, and those that are not understood, as they stand.
pub(super) fn elements(tokens: &[Token<'_>], kinds: &[Kind], mut each: impl FnMut(Result<Element, &[Token<'_>]>)) {
    let mut depth = 0_usize;
    let separates = |token: &Token<'_>| {
        match token {
            Token::Open => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        *token == Token::Comma && depth == 0
    };
    for tokens in tokens.split(separates).filter(|tokens| !tokens.is_empty()) {
        // A set looks text up as it stands, and would miss what `eth*` stands for.
        each(element(tokens, kinds).filter(|element| !element.key.iter().any(is_pattern)).ok_or(tokens));
    }
}

/// The set that is written between braces, for these fields; `None` if an element of it is not understood.
pub(super) fn written(tokens: &[Token<'_>], fields: &[Field]) -> Option<Set> {
    let kinds: Vec<Kind> = fields.iter().map(Kind::of_field).collect();
    let mut set = Set::new(fields.iter().map(type_of).collect::<Vec<_>>().join(" . "));
    let mut whole = true;
    elements(tokens, &kinds, |element| match element {
        Ok(element) => set.add(element),
        Err(_) => whole = false,
    });
    whole.then_some(set)
}

/// The same, as what a rule looks up.
pub(super) fn written_ref(tokens: &[Token<'_>], fields: &[Field]) -> Option<SetRef> {
    written(tokens, fields).map(|set| SetRef::Written(Box::new(set)))
}

/// Whether a part of a key stands for texts with any ending.
fn is_pattern(part: &KeyPart) -> bool {
    matches!(part, KeyPart::One(Value::Text(text)) if text.ends_with('*'))
}

fn type_of(field: &Field) -> &str {
    match field {
        Field::Address(_) => "address",
        Field::Port(_) => "inet_service",
        Field::Protocol => "inet_proto",
        Field::Mark => "mark",
        Field::State => "ct_state",
        Field::Device(_) => "ifname",
        Field::Other(words) => words,
    }
}

/// `10.96.0.1 . tcp . 443 comment "x" : goto CHAIN`
fn element(tokens: &[Token<'_>], kinds: &[Kind]) -> Option<Element> {
    let mut cursor = Cursor::new(tokens);
    let key = key(&mut cursor, kinds)?;
    let (mut comment, mut outcome) = (None, None);
    while let Some(token) = cursor.take() {
        match token {
            Token::Word("comment") => comment = cursor.take_name().map(Into::into),
            Token::Word(":") => outcome = Some(self::outcome(&mut cursor)?),
            // `timeout 5m`, `expires 4m`, `counter packets 0 bytes 0`: what they say is not asked for.
            _ => {}
        }
    }
    Some(Element { key, outcome, comment, is_excluded: false })
}

fn key(cursor: &mut Cursor<'_, '_>, kinds: &[Kind]) -> Option<Box<[KeyPart]>> {
    if cursor.word(0) == "*" && cursor.word(1) != "." {
        cursor.skip(1);
        return Some(kinds.iter().map(|_| KeyPart::Any).collect());
    }
    let mut key = Vec::with_capacity(kinds.len());
    for kind in kinds {
        if !key.is_empty() && !cursor.eat(".") {
            return None;
        }
        key.push(kind.part(cursor.take_name()?)?);
    }
    (cursor.word(0) != ".").then(|| key.into())
}

/// What comes after the `:` of an element, up to its comment or its end.
fn outcome(cursor: &mut Cursor<'_, '_>) -> Option<Outcome> {
    if let Some(verdict) = verdict::read(cursor) {
        return Some(Outcome::Verdict(verdict));
    }
    let start = cursor.place;
    while !cursor.is_at_end() && !matches!(cursor.word(0), "comment" | "timeout" | "expires" | "counter") {
        cursor.skip(1);
    }
    match cursor.since(start) {
        [] => None,
        tokens => Some(destination(tokens).map_or_else(|| Outcome::Other(spell(tokens).into()), Outcome::To)),
    }
}

/// `10.0.0.1`, `10.0.0.1 . 8080`
fn destination(tokens: &[Token<'_>]) -> Option<Rewrite> {
    let (address, port) = match *tokens {
        [Token::Word(address)] => (address, WrittenPort::Same),
        [Token::Word(address), Token::Word("."), Token::Word(port)] => (address, written_port(port)?),
        _ => return None,
    };
    Some(Rewrite { addresses: Some(span(address)?), port })
}

/// The port of a rewritten address: `80`, `80-90`.
pub(super) fn written_port(word: &str) -> Option<WrittenPort> {
    range(word, port).map(|(first, last)| match first == last {
        true => WrittenPort::One(first),
        false => WrittenPort::Range(first, last),
    })
}

/// What the numbers of a `numgen` lead to: `{ 0 : goto A, 1-2 : goto B }`, with `offset` taken off.
pub(super) fn numbered(tokens: &[Token<'_>], offset: u32) -> Option<Box<[(u32, u32, Outcome)]>> {
    let mut map = Vec::new();
    let mut whole = true;
    elements(tokens, &[Kind::Number], |element| {
        let read = element.ok().and_then(|Element { key, outcome, .. }| {
            let (first, last) = match &key[..] {
                [KeyPart::One(Value::Number(number))] => (*number, *number),
                [KeyPart::Numbers(first, last)] => (*first, *last),
                _ => return None,
            };
            let less = |number: u64| u32::try_from(number).ok()?.checked_sub(offset);
            Some((less(first)?, less(last)?, outcome?))
        });
        whole &= read.is_some();
        map.extend(read);
    });
    whole.then(|| map.into())
}
