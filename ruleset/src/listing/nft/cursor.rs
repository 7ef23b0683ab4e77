//! A place in the tokens of a rule.

use super::token::Token;

/// A place in the tokens of a rule.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'t, 'a> {
    tokens: &'t [Token<'a>],
    /// How many were taken.
    pub(super) place: usize,
}

impl<'t, 'a> Cursor<'t, 'a> {
    /// The start of `tokens`.
    pub(super) fn new(tokens: &'t [Token<'a>]) -> Self {
        Self { tokens, place: 0 }
    }

    /// The token that comes so many after the next one.
    pub(super) fn peek(&self, ahead: usize) -> Option<Token<'a>> {
        self.tokens.get(self.place + ahead).copied()
    }

    /// The word that comes so many after the next token; nothing where there is none.
    pub(super) fn word(&self, ahead: usize) -> &'a str {
        self.peek(ahead).and_then(Token::word).unwrap_or_default()
    }

    /// Takes so many tokens.
    pub(super) fn skip(&mut self, count: usize) {
        self.place = (self.place + count).min(self.tokens.len());
    }

    /// Takes the next token.
    pub(super) fn take(&mut self) -> Option<Token<'a>> {
        let token = self.peek(0)?;
        self.place += 1;
        Some(token)
    }

    /// Takes the next token if it is a word.
    pub(super) fn take_word(&mut self) -> Option<&'a str> {
        let word = self.peek(0)?.word()?;
        self.place += 1;
        Some(word)
    }

    /// Takes the next token if it is a word, in quotes or not.
    pub(super) fn take_name(&mut self) -> Option<&'a str> {
        let word = self.peek(0)?.name()?;
        self.place += 1;
        Some(word)
    }

    /// Takes the next token if it is this word.
    pub(super) fn eat(&mut self, word: &str) -> bool {
        let is_it = self.peek(0).and_then(Token::word) == Some(word);
        self.place += usize::from(is_it);
        is_it
    }

    /// Takes `{ … }`, and gives what is between. What is cut off ends with the tokens.
    pub(super) fn take_group(&mut self) -> Option<&'t [Token<'a>]> {
        if self.peek(0) != Some(Token::Open) {
            return None;
        }
        let inner = &self.tokens[self.place + 1..];
        let mut depth = 0_usize;
        let length = inner.iter().position(|token| {
            let closes = *token == Token::Close && depth == 0;
            match token {
                Token::Open => depth += 1,
                Token::Close => depth = depth.saturating_sub(1),
                _ => {}
            }
            closes
        });
        let length = length.unwrap_or(inner.len());
        self.skip(length + 2);
        Some(&inner[..length])
    }

    /// The tokens from a place up to this one.
    pub(super) fn since(&self, start: usize) -> &'t [Token<'a>] {
        &self.tokens[start..self.place]
    }

    /// Whether all tokens are taken.
    pub(super) fn is_at_end(&self) -> bool {
        self.place >= self.tokens.len()
    }
}
