//! A rule of nft, statement by statement.

use super::condition::{self, Condition};
use super::cursor::Cursor;
use super::number::mark;
use super::selector::{Implied, implied_by};
use super::token::{Token, spell};
use super::verdict::{self, skip_list};
use super::{extent, foreign, translation};
use lab_core::node::{Families, Statement, Test};

/// What a rule's tokens say.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// What it tests and does.
    pub(super) statements: Vec<Statement>,
    /// Its comment.
    pub(super) comment: Option<Box<str>>,
    /// Packets and bytes that it counted.
    pub(super) counters: Option<(u64, u64)>,
}

/// Reads the tokens of a rule in a table of these families.
pub(super) fn read(tokens: &[Token<'_>], families: Families) -> Body {
    let is_v4 = match families {
        Families::V4 => Some(true),
        Families::V6 => Some(false),
        Families::Both | Families::Other => None,
    };
    let mut reader =
        Reader { cursor: Cursor::new(tokens), body: Body::default(), known: Known { is_v4, protocol: None } };
    while !reader.cursor.is_at_end() {
        let (start, length, known) = (reader.cursor.place, reader.body.statements.len(), reader.known);
        if reader.statement().is_none() || reader.cursor.place == start {
            reader.cursor.place = start;
            reader.body.statements.truncate(length);
            reader.known = known;
            reader.unknown();
        }
    }
    reader.body
}

/// What earlier tests of the rule settled.
#[derive(Debug, Clone, Copy)]
struct Known {
    is_v4: Option<bool>,
    protocol: Option<u8>,
}

struct Reader<'t, 'a> {
    cursor: Cursor<'t, 'a>,
    body: Body,
    known: Known,
}

/// The tokens of a rule as one line, without its counters.
pub(super) fn text(tokens: &[Token<'_>]) -> String {
    let mut depth = 0_usize;
    let counters = tokens.iter().position(|token| {
        match token {
            Token::Open => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        *token == Token::Word("counter") && depth == 0
    });
    match counters.map(|place| tokens.split_at(place)) {
        Some((before, [_, Token::Word("packets"), _, Token::Word("bytes"), _, after @ ..])) => {
            spell(&[before, after].concat())
        }
        _ => spell(tokens),
    }
}

impl Reader<'_, '_> {
    fn push(&mut self, statement: Statement) {
        match &statement {
            Statement::If(true, Test::IsV4(is_v4)) => self.known.is_v4 = Some(*is_v4),
            Statement::If(true, Test::Protocol(protocol)) => self.known.protocol = Some(*protocol),
            _ => {}
        }
        self.body.statements.push(statement);
    }

    /// Tests what a part of a packet takes for granted, if it is not settled yet.
    fn imply(&mut self, implied: Implied) {
        match implied {
            Implied::IsV4(is_v4) if self.known.is_v4 != Some(is_v4) => {
                self.push(Statement::If(true, Test::IsV4(is_v4)));
            }
            Implied::Protocol(protocol) if self.known.protocol != Some(protocol) => {
                self.push(Statement::If(true, Test::Protocol(protocol)));
            }
            _ => {}
        }
    }

    /// Takes a statement that is known; `None` if it is none.
    fn statement(&mut self) -> Option<()> {
        let start = self.cursor.place;
        let statement = match (self.cursor.word(0), self.cursor.word(1)) {
            ("", _) if self.cursor.peek(0) == Some(Token::Hash) => return self.hash(),
            ("", _) => return None,
            ("counter", "name") => self.aside(3),
            ("counter", "packets") => {
                let number = |ahead| self.cursor.word(ahead).parse().ok();
                self.body.counters = Some((number(2)?, number(4)?));
                self.cursor.skip(5);
                return Some(());
            }
            ("counter", _) => {
                self.cursor.skip(1);
                return Some(());
            }
            ("comment", _) => {
                self.cursor.skip(1);
                self.body.comment = Some(self.cursor.take_name()?.into());
                return Some(());
            }
            ("log", _) => {
                self.log();
                Statement::Aside(spell(self.cursor.since(start)).into())
            }
            ("last", _) | ("flow", "add" | "offload") => {
                extent::span(&mut self.cursor, 2);
                Statement::Aside(spell(self.cursor.since(start)).into())
            }
            ("limit" | "quota", _) | ("ct", "count") => {
                extent::span(&mut self.cursor, 2);
                Statement::If(true, Test::Limited(spell(self.cursor.since(start)).into()))
            }
            ("notrack", _) => {
                self.cursor.skip(1);
                Statement::NoTrack
            }
            ("numgen", _) => condition::numgen(&mut self.cursor, "vmap")?,
            ("masquerade" | "redirect" | "snat" | "dnat", _) => {
                let (statement, is_v4) = translation::read(&mut self.cursor)?;
                is_v4.into_iter().for_each(|is_v4| self.imply(Implied::IsV4(is_v4)));
                statement
            }
            ("add" | "update" | "delete", _) => return self.set_update(),
            ("set", "add" | "update") => return self.old_set_update(),
            ("xt", "match" | "target") => {
                self.cursor.skip(2);
                let is_match = self.cursor.since(start).last() == Some(&Token::Word("match"));
                foreign::unprinted(is_match, self.cursor.take_name()?)
            }
            ("mark", "set") => self.mark(2)?,
            ("meta", "mark") if self.cursor.word(2) == "set" => self.mark(3)?,
            _ => match verdict::read(&mut self.cursor) {
                Some(verdict) => Statement::Go(verdict),
                None => {
                    let Condition { implied, statements } = condition::read(&mut self.cursor)?;
                    implied.into_iter().for_each(|implied| self.imply(implied));
                    statements.into_iter().for_each(|statement| self.push(statement));
                    return Some(());
                }
            },
        };
        self.push(statement);
        Some(())
    }

    fn aside(&mut self, length: usize) -> Statement {
        let start = self.cursor.place;
        self.cursor.skip(length);
        Statement::Aside(spell(self.cursor.since(start)).into())
    }

    /// `log prefix "x" group 1 flags tcp sequence,options`
    fn log(&mut self) {
        self.cursor.skip(1);
        loop {
            match (self.cursor.word(0), self.cursor.word(1)) {
                ("prefix" | "group" | "snaplen" | "queue-threshold" | "level", _) => self.cursor.skip(2),
                ("flags", "tcp" | "ip") => {
                    self.cursor.skip(3);
                    skip_list(&mut self.cursor);
                }
                ("flags", _) => self.cursor.skip(2),
                _ => return,
            }
        }
    }

    /// `meta mark set meta mark | 0x4000`, `mark set mark or 0x4000`, `meta mark set 0x4000`, after so many words.
    fn mark(&mut self, words: usize) -> Option<Statement> {
        self.cursor.skip(words);
        let (mut keep, mut flip) = (u32::MAX, 0);
        let by_mark = self.cursor.eat("meta");
        if !self.cursor.eat("mark") {
            if by_mark {
                return None;
            }
            (keep, flip) = (0, mark(self.cursor.take_word()?)?);
        }
        let mut may_mask = true;
        loop {
            let sign = self.cursor.word(0);
            if !matches!(sign, "&" | "and" | "|" | "or" | "^" | "xor" | "<<" | ">>" | "lshift" | "rshift") {
                return Some(Statement::Mark { keep, flip });
            }
            self.cursor.skip(1);
            let bits = mark(self.cursor.take_word()?)?;
            match sign {
                "&" | "and" if may_mask => (keep, flip) = (keep & bits, flip & bits),
                "|" | "or" => (keep, flip) = (keep & !bits, (flip & !bits) ^ bits),
                "^" | "xor" => flip ^= bits,
                _ => return None,
            }
            may_mask = matches!(sign, "&" | "and");
        }
    }

    /// `update @affinity-… { ip saddr timeout 3h }`
    fn set_update(&mut self) -> Option<()> {
        let verb = self.cursor.take_word()?;
        let name = self.cursor.take_word()?.strip_prefix('@')?;
        let group = self.cursor.take_group()?;
        if let Some(place) = group.iter().position(|token| *token == Token::Word("limit")) {
            self.push(Statement::If(true, Test::Limited(spell(&group[place..]).into())));
        }
        match verb {
            "delete" => self.push(Statement::Aside(format!("delete @{name} {{ {} }}", spell(group)).into())),
            _ => self.push(Statement::Note(name.into())),
        }
        Some(())
    }

    /// `set update ip saddr timeout 3h @affinity-…`: how nft 0.8 lists it.
    fn old_set_update(&mut self) -> Option<()> {
        self.cursor.skip(2);
        // `ip saddr . tcp dport timeout 3h` is among the longest.
        for _ in 0..16 {
            if let Some(name) = self.cursor.take_word()?.strip_prefix('@') {
                self.push(Statement::Note(name.into()));
                return Some(());
            }
        }
        None
    }

    /// What follows a `#`: what nft prints of a match or a target of iptables.
    fn hash(&mut self) -> Option<()> {
        self.cursor.skip(1);
        let start = self.cursor.place;
        if self.cursor.word(0).starts_with("/*") {
            while self.cursor.take().is_some_and(|token| token != Token::Word("*/")) {}
        } else {
            extent::span(&mut self.cursor, 1);
        }
        match foreign::printed(self.cursor.since(start)) {
            foreign::Printed::Comment(comment) => self.body.comment = Some(comment),
            foreign::Printed::Statement(statement) => self.push(statement),
        }
        Some(())
    }

    /// Takes what is not known, up to where the next statement starts.
    fn unknown(&mut self) {
        let start = self.cursor.place;
        let (first, second, third) = (self.cursor.word(0), self.cursor.word(1), self.cursor.word(2));
        implied_by(first).into_iter().for_each(|implied| self.imply(implied));
        let sets_mark = matches!((first, second, third), ("meta", "mark", "set") | ("mark", "set", _));
        if sets_mark || matches!(first, "dnat" | "snat" | "masquerade" | "redirect") {
            extent::value(&mut self.cursor);
            let text = spell(self.cursor.since(start)).into();
            return self.push(Statement::Unknown(text));
        }
        extent::statement(&mut self.cursor);
        let tokens = self.cursor.since(start);
        let text: Box<str> = spell(tokens).into();
        let sets = tokens.contains(&Token::Word("set"));
        self.push(match first {
            _ if sets && extent::is_harmless(first, second) => Statement::Aside(text),
            "dup" | "fwd" | "tproxy" | "synproxy" | "" => Statement::Unknown(text),
            _ if sets || tokens.contains(&Token::Word("vmap")) => Statement::Unknown(text),
            _ => Statement::If(true, Test::Unknown(text)),
        });
    }
}
