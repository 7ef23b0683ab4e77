//! A set or a map of a table, as its properties come in.

use super::cursor::Cursor;
use super::element::{Kind, elements};
use super::gap::is_gap;
use super::remark::Remarks;
use super::selector;
use super::token::{Token, spell};
use crate::listing::note::quote;
use lab_core::node::Set;

/// A set that is being read.
#[derive(Debug, Default)]
pub(super) struct Draft {
    set: Set,
    kinds: Vec<Kind>,
    /// How many elements were not understood, and the first of them.
    strange: Option<(usize, String)>,
    /// Whether elements are left out, as by `......`.
    pub(super) has_gap: bool,
}

impl Draft {
    /// Takes a line of a set's listing, and says whether it was known.
    pub(super) fn take(&mut self, tokens: &[Token<'_>]) -> bool {
        let words = || tokens.iter().filter_map(|token| token.word());
        match words().next() {
            Some("type") => self.kind(&tokens[1..], Self::of_types),
            Some("typeof") => self.kind(tokens, |tokens| Self::of_fields(&tokens[1..])),
            Some("flags") => self.set.is_dynamic |= words().any(|word| word == "dynamic"),
            Some("size") => self.set.maximum = words().nth(1).and_then(|size| size.parse().ok()),
            Some("elements") => self.elements(tokens),
            Some("timeout" | "gc-interval" | "auto-merge" | "comment" | "policy" | "counter" | "quota" | "limit") => {}
            Some("last" | "ct" | "handle") => {}
            _ => return false,
        }
        true
    }

    /// Remarks on what was not understood of the set of this name, which starts at this line.
    pub(super) fn remark(&self, name: &str, line: usize, remarks: &mut Remarks<'_>) {
        if self.has_gap {
            remarks.say(line, format!("elements of {name} are left out"));
        }
        if let Some((count, first)) = &self.strange {
            let elements = if *count == 1 { "an element".to_owned() } else { format!("{count} elements") };
            let are = if *count == 1 { "is" } else { "are" };
            remarks.say(line, format!("{elements} of {name} {are} not understood and left out: {}", quote(first)));
        }
    }

    /// The set.
    pub(super) fn into_set(self) -> Set {
        self.set
    }

    fn kind(&mut self, tokens: &[Token<'_>], kinds: impl Fn(&[Token<'_>]) -> Vec<Kind>) {
        self.set.kind = spell(tokens).into();
        let key = tokens.iter().position(|token| *token == Token::Word(":")).unwrap_or(tokens.len());
        self.kinds = kinds(&tokens[..key]);
    }

    fn of_types(tokens: &[Token<'_>]) -> Vec<Kind> {
        tokens.iter().filter_map(|token| token.word()).filter(|word| *word != ".").map(Kind::of_type).collect()
    }

    fn of_fields(tokens: &[Token<'_>]) -> Vec<Kind> {
        // A sign after the last field, so that its end shows.
        let closed: Vec<Token<'_>> = tokens.iter().copied().chain([Token::Word("map")]).collect();
        match selector::take_all(&mut Cursor::new(&closed)) {
            Some((fields, _)) => fields.iter().map(Kind::of_field).collect(),
            None => tokens.split(|token| *token == Token::Word(".")).map(|_| Kind::Text).collect(),
        }
    }

    fn elements(&mut self, tokens: &[Token<'_>]) {
        let mut cursor = Cursor::new(tokens);
        cursor.skip(2);
        let Some(group) = cursor.take_group() else { return };
        let kinds = std::mem::take(&mut self.kinds);
        elements(group, &kinds, |element| match element {
            Ok(element) => self.set.add(element),
            Err([Token::Word(word)]) if is_gap(word) => self.has_gap = true,
            Err(tokens) => self.strange.get_or_insert_with(|| (0, spell(tokens))).0 += 1,
        });
        self.kinds = kinds;
    }
}
