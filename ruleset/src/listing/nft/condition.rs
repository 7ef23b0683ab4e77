//! What nft's rules test packets for.

use super::cursor::Cursor;
use super::element::{span, written, written_ref};
use super::number::{mark, number, port, protocol, range};
use super::selector::{self, Implied};
use super::token::Token;
use lab_core::node::{
    AddressKind, Element, Field, KeyPart, Pick, Set, SetRef, Side, Span, Statement, States, Test, Value,
};

/// How a part of a packet is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// What a rule tests, and what is tested before that, unasked.
pub(super) struct Condition {
    /// What the tested parts of the packet take for granted.
    pub(super) implied: Vec<Implied>,
    /// The tests, all of which must hold.
    pub(super) statements: Vec<Statement>,
}

/// Takes a test, or a look into a map of verdicts; `None` if it is none that a walk can do.
pub(super) fn read(cursor: &mut Cursor<'_, '_>) -> Option<Condition> {
    let without = |statements| Condition { implied: Vec::new(), statements };
    match (cursor.word(0), cursor.word(1)) {
        ("fib", side) => {
            let side = match (side, cursor.word(2)) {
                ("daddr", "type") => Side::Destination,
                ("saddr", "type") => Side::Source,
                _ => return None,
            };
            cursor.skip(3);
            return kind(cursor, side).map(without);
        }
        ("meta", "nfproto" | "protocol") => {
            cursor.skip(2);
            let (holds, word) = (equality(cursor)?, cursor.take_word()?);
            let is_v4 = match word {
                "ipv4" | "ip" => true,
                "ipv6" | "ip6" => false,
                _ => return None,
            };
            return Some(without(vec![Statement::If(holds, Test::IsV4(is_v4))]));
        }
        ("meta", "random") => return share(cursor).map(|test| without(vec![test])),
        _ => {}
    }
    // Unlike a state, a status has several bits: a set of them matches all bits at once.
    let is_status = (cursor.word(0), cursor.word(1)) == ("ct", "status");
    let (fields, implied) = selector::take_all(cursor)?;
    let statements = match cursor.eat("vmap") {
        true => vec![Statement::Look(fields.clone().into(), set(cursor, &fields)?)],
        false => compared(cursor, fields, is_status)?,
    };
    Some(Condition { implied, statements })
}

/// Takes `@NAME` or `{ … }`.
pub(super) fn set(cursor: &mut Cursor<'_, '_>, fields: &[Field]) -> Option<SetRef> {
    match cursor.peek(0)? {
        Token::Word(word) => {
            let name = word.strip_prefix('@')?;
            cursor.skip(1);
            Some(SetRef::Named(name.into()))
        }
        Token::Open => written_ref(cursor.take_group()?, fields),
        _ => None,
    }
}

fn sign(cursor: &mut Cursor<'_, '_>) -> Sign {
    let sign = match cursor.word(0) {
        "==" | "eq" => Sign::Equal,
        "!=" | "ne" | "!" => Sign::Unequal,
        "<" | "lt" => Sign::Less,
        "<=" | "le" => Sign::AtMost,
        ">" | "gt" => Sign::More,
        ">=" | "ge" => Sign::AtLeast,
        _ => return Sign::Equal,
    };
    cursor.skip(1);
    sign
}

/// Whether it is compared for being equal or unequal.
fn equality(cursor: &mut Cursor<'_, '_>) -> Option<bool> {
    match sign(cursor) {
        Sign::Equal => Some(true),
        Sign::Unequal => Some(false),
        _ => None,
    }
}

fn compared(cursor: &mut Cursor<'_, '_>, fields: Vec<Field>, is_status: bool) -> Option<Vec<Statement>> {
    let mask = match (&fields[..], cursor.word(0)) {
        ([Field::Mark], "&" | "and") => {
            cursor.skip(1);
            mark(cursor.take_word()?)?
        }
        _ => u32::MAX,
    };
    let sign = sign(cursor);
    let is_named = cursor.word(0).starts_with('@');
    let (sign, test) = match (&fields[..], sign) {
        (_, Sign::Equal | Sign::Unequal) if is_named && mask == u32::MAX => {
            let set = set(cursor, &fields)?;
            (sign, Test::Member(fields.into(), set))
        }
        ([Field::State], _) if is_status && cursor.peek(0) == Some(Token::Open) => return None,
        ([_], _) => {
            let (is_not, test) = single(cursor, fields, sign, mask)?;
            (if is_not { Sign::Unequal } else { Sign::Equal }, test)
        }
        _ if cursor.peek(0) == Some(Token::Open) => {
            let set = set(cursor, &fields)?;
            (sign, Test::Member(fields.into(), set))
        }
        // `ip saddr . tcp dport 10.0.0.1 . 80`
        _ => {
            let start = cursor.place;
            for place in 0..fields.len() {
                if place > 0 && !cursor.eat(".") {
                    return None;
                }
                cursor.take_name()?;
            }
            let set = written_ref(cursor.since(start), &fields)?;
            (sign, Test::Member(fields.into(), set))
        }
    };
    match sign {
        Sign::Equal => Some(vec![Statement::If(true, test)]),
        Sign::Unequal => Some(vec![Statement::If(false, test)]),
        _ => None,
    }
}

/// The test of one part of a packet, and whether it must not hold.
fn single(cursor: &mut Cursor<'_, '_>, mut fields: Vec<Field>, sign: Sign, mask: u32) -> Option<(bool, Test)> {
    let is_not = sign == Sign::Unequal;
    let is_equality = matches!(sign, Sign::Equal | Sign::Unequal);
    if let Some(group) = cursor.take_group() {
        return (is_equality && mask == u32::MAX).then(|| within(fields, group)).flatten().map(|test| (is_not, test));
    }
    let test = match fields.pop()? {
        Field::Address(side) if is_equality => Test::Address(side, span(cursor.take_word()?)?),
        Field::Port(side) => {
            let (first, last) = numbers(cursor, sign, |word| port(word).map(u64::from), u16::MAX.into())?;
            Test::Port(side, first.try_into().ok()?, last.try_into().ok()?)
        }
        Field::Protocol if is_equality => Test::Protocol(protocol(cursor.take_word()?)?),
        Field::Mark if is_equality && range(cursor.word(0), mark).is_none_or(|(first, last)| first == last) => {
            Test::Mark { value: mark(cursor.take_word()?)?, mask }
        }
        Field::Mark if mask == u32::MAX => {
            let (first, last) = numbers(cursor, sign, number, u32::MAX.into())?;
            let mut set = Set::new("mark");
            set.add(Element {
                key: [KeyPart::Numbers(first, last)].into(),
                outcome: None,
                comment: None,
                is_excluded: false,
            });
            Test::Member([Field::Mark].into(), SetRef::Written(Box::new(set)))
        }
        Field::State if is_equality => Test::State(states(cursor)?),
        Field::Device(direction) if is_equality => Test::Device(direction, cursor.take_name()?.into()),
        _ => return None,
    };
    Some((is_not, test))
}

/// The test for being in a set that is written in the rule. A set of one is no set.
fn within(fields: Vec<Field>, group: &[Token<'_>]) -> Option<Test> {
    let set = written(group, &fields)?;
    let keys = || set.elements().iter().filter_map(|element| element.key.first());
    let ports = |part: &KeyPart| match part {
        KeyPart::One(Value::Number(port)) => Some((u16::try_from(*port).ok()?, u16::try_from(*port).ok()?)),
        KeyPart::Numbers(first, last) => Some((u16::try_from(*first).ok()?, u16::try_from(*last).ok()?)),
        _ => None,
    };
    Some(match (&fields[..], set.elements()) {
        ([Field::Port(side)], [only]) => {
            let (first, last) = ports(only.key.first()?)?;
            Test::Port(*side, first, last)
        }
        ([Field::Port(side)], _) => Test::Ports(*side, keys().map(ports).collect::<Option<_>>()?),
        ([Field::State], _) => Test::State(keys().try_fold(States::default(), |states, part| match part {
            KeyPart::One(Value::Number(bits)) => Some(states.or(States((*bits).try_into().ok()?))),
            _ => None,
        })?),
        (&[Field::Address(side)], [only]) => match only.key.first()? {
            KeyPart::One(Value::Address(address)) => Test::Address(side, Span::one(*address)),
            KeyPart::Addresses(span) => Test::Address(side, *span),
            _ => return None,
        },
        ([Field::Protocol], [only]) => match only.key.first()? {
            KeyPart::One(Value::Number(number)) => Test::Protocol((*number).try_into().ok()?),
            _ => return None,
        },
        _ => Test::Member(fields.into(), SetRef::Written(Box::new(set))),
    })
}

/// The numbers for which a comparison with `80` or `80-90` holds, or, for `!=`, does not.
fn numbers(
    cursor: &mut Cursor<'_, '_>,
    sign: Sign,
    one: impl Fn(&str) -> Option<u64>,
    most: u64,
) -> Option<(u64, u64)> {
    let (first, last) = range(cursor.take_word()?, one)?;
    match sign {
        Sign::Equal | Sign::Unequal => Some((first, last)),
        Sign::Less => Some((0, first.checked_sub(1)?)),
        Sign::AtMost => Some((0, last)),
        Sign::More => Some((last + 1, most)).filter(|(first, last)| first <= last),
        Sign::AtLeast => Some((first, most)),
    }
}

/// `established,related`
fn states(cursor: &mut Cursor<'_, '_>) -> Option<States> {
    let mut states = States::named(cursor.take_word()?)?;
    while cursor.peek(0) == Some(Token::Comma) {
        cursor.skip(1);
        states = states.or(States::named(cursor.take_word()?)?);
    }
    Some(states)
}

/// `fib daddr type local`, after its `type`.
fn kind(cursor: &mut Cursor<'_, '_>, side: Side) -> Option<Vec<Statement>> {
    let named = |word: &str| match word {
        "local" => AddressKind::Local,
        "unicast" => AddressKind::Unicast,
        "broadcast" => AddressKind::Broadcast,
        "multicast" => AddressKind::Multicast,
        _ => AddressKind::Other,
    };
    if cursor.eat("vmap") {
        return None;
    }
    let holds = equality(cursor)?;
    let Some(group) = cursor.take_group() else {
        return Some(vec![Statement::If(holds, Test::Kind(side, named(cursor.take_word()?)))]);
    };
    let words: Vec<&str> = group.iter().filter_map(|token| token.word()).collect();
    // One of several kinds is no test of its own; none of several is one test for each.
    (!holds || words.len() == 1)
        .then(|| words.into_iter().map(|word| Statement::If(holds, Test::Kind(side, named(word)))).collect())
}

/// `meta random & 2147483647 < 1073741824`: how nft lists the `statistic` match of iptables.
fn share(cursor: &mut Cursor<'_, '_>) -> Option<Statement> {
    cursor.skip(2);
    let mask = match cursor.eat("&") || cursor.eat("and") {
        true => number(cursor.take_word()?)?,
        false => u32::MAX.into(),
    };
    let sign = sign(cursor);
    let limit = number(cursor.take_word()?)?;
    let whole = mask.checked_add(1).filter(|whole| whole.is_power_of_two() && limit <= *whole)?;
    // Both are below 2^33, so that a double holds them exactly.
    #[allow(clippy::cast_precision_loss)]
    let probability = limit as f64 / whole as f64;
    match sign {
        Sign::Less => Some(Statement::If(true, Test::Pick(Pick::Random(probability)))),
        Sign::AtLeast => Some(Statement::If(false, Test::Pick(Pick::Random(probability)))),
        _ => None,
    }
}

/// What comes of a number that is made for each packet: `numgen random mod 2 vmap { … }`, `numgen inc mod 2 0`.
pub(super) fn numgen(cursor: &mut Cursor<'_, '_>, joint: &str) -> Option<Statement> {
    let is_random = match (cursor.word(0), cursor.word(1), cursor.word(2)) {
        ("numgen", "random", "mod") => true,
        ("numgen", "inc", "mod") => false,
        _ => return None,
    };
    cursor.skip(3);
    let modulus = mark(cursor.take_word()?)?;
    let offset = match cursor.eat("offset") {
        true => mark(cursor.take_word()?)?,
        false => 0,
    };
    if cursor.eat(joint) {
        let map = super::element::numbered(cursor.take_group()?, offset)?;
        return Some(Statement::Spread { modulus, is_random, map });
    }
    let (sign, limit) = (sign(cursor), mark(cursor.take_word()?)?.checked_sub(offset)?);
    let random = |limit: u32| Test::Pick(Pick::Random(f64::from(limit) / f64::from(modulus.max(1))));
    match (is_random, sign) {
        (false, Sign::Equal) => Some(Statement::If(true, Test::Pick(Pick::Nth(modulus, limit)))),
        (false, Sign::Unequal) => Some(Statement::If(false, Test::Pick(Pick::Nth(modulus, limit)))),
        (true, Sign::Less) => Some(Statement::If(true, random(limit))),
        (true, Sign::AtLeast) => Some(Statement::If(false, random(limit))),
        (true, Sign::Equal) => Some(Statement::If(true, random(1))),
        _ => None,
    }
}
