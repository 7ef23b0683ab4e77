//! Reads nft's language: commands, and whole tables as `nft list` prints them.

use super::lexer::{Lexer, Token};
use super::properties::Properties;
use super::{Chain, Ruleset, Set, Table, apply};
use crate::unreadable::Unreadable;
use std::mem;

/// Reads a text from its start to its end.
pub(super) struct Reader<'a> {
    lexer: Lexer<'a>,
    /// The statement that is being read.
    tokens: Vec<Token<'a>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { lexer: Lexer::new(text), tokens: Vec::new() }
    }

    /// Does all that the text says.
    pub(super) fn read(mut self, ruleset: &mut Ruleset) -> Result<(), Unreadable> {
        while let Some(token) = self.lexer.next() {
            let line = self.lexer.line;
            match token {
                Token::Newline | Token::Semicolon => {}
                Token::Word("table") => self.table(ruleset)?,
                Token::Word(verb) => {
                    self.statement();
                    let done = apply::command(ruleset, verb, &self.tokens);
                    done.map_err(|reason| Unreadable::new(line, reason))?;
                }
                other => return Err(self.unexpected(other)),
            }
        }
        Ok(())
    }

    /// Reads up to the end of a line or a semicolon, but for those between braces. Says what ended it.
    fn statement(&mut self) -> Option<Token<'a>> {
        self.tokens.clear();
        self.more(0)
    }

    /// As [`statement`](Self::statement), after what is already there, where so many braces are open.
    fn more(&mut self, mut depth: usize) -> Option<Token<'a>> {
        for token in self.lexer.by_ref() {
            match token {
                Token::Newline | Token::Semicolon if depth == 0 => return Some(token),
                Token::Close if depth == 0 => return Some(token),
                Token::Newline => continue,
                Token::Open => depth += 1,
                Token::Close => depth -= 1,
                _ => {}
            }
            self.tokens.push(token);
        }
        None
    }

    /// `table ip kube-proxy { … }`, after its first word.
    fn table(&mut self, ruleset: &mut Ruleset) -> Result<(), Unreadable> {
        let header = self.header()?;
        let (name, rest) = apply::table_name(&header);
        let name = name.filter(|_| rest.is_empty()).ok_or_else(|| self.wrong("a table needs a name"))?;
        let mut table = ruleset.tables.remove(&name).unwrap_or_default();
        let read = self.table_body(&mut table);
        ruleset.tables.insert(name, table);
        read
    }

    fn table_body(&mut self, table: &mut Table) -> Result<(), Unreadable> {
        let mut properties = Properties::default();
        loop {
            match self.lexer.next() {
                Some(Token::Newline | Token::Semicolon) => {}
                Some(Token::Close) => break,
                Some(Token::Word("chain")) => self.chain(table)?,
                Some(Token::Word(kind @ ("set" | "map"))) => self.set(table, kind == "map")?,
                Some(word @ Token::Word(_)) => {
                    self.tokens.clear();
                    self.tokens.push(word);
                    let end = self.more(0);
                    // Other objects of a table, such as counters, hold no rules.
                    properties.take(&self.tokens);
                    if matches!(end, Some(Token::Close)) {
                        break;
                    }
                }
                Some(other) => return Err(self.unexpected(other)),
                None => return Err(self.wrong("the text ends within a table")),
            }
        }
        if !properties.is_empty() {
            table.properties = properties.text();
        }
        Ok(())
    }

    fn chain(&mut self, table: &mut Table) -> Result<(), Unreadable> {
        let name = self.name()?;
        let mut chain: Chain = table.chains.remove(name).unwrap_or_default();
        let mut properties = Properties::default();
        loop {
            let end = self.statement();
            let is_property = chain.rules.is_empty() && properties.take(&self.tokens);
            if !is_property && !self.tokens.is_empty() {
                chain.rules.push(super::spelling::spell(&self.tokens).into());
            }
            match end {
                Some(Token::Close) => break,
                Some(_) => {}
                None => return Err(self.wrong("the text ends within a chain")),
            }
        }
        if !properties.is_empty() {
            chain.properties = properties.text();
        }
        table.chains.insert(name.into(), chain);
        Ok(())
    }

    fn set(&mut self, table: &mut Table, is_map: bool) -> Result<(), Unreadable> {
        let name = self.name()?;
        let mut set: Set = table.sets.remove(name).unwrap_or_default();
        set.is_map = is_map;
        let mut properties = Properties::default();
        loop {
            match self.lexer.next() {
                Some(Token::Newline | Token::Semicolon) => {}
                Some(Token::Close) => break,
                Some(Token::Word("elements")) => self.elements(&mut set)?,
                Some(word @ Token::Word(_)) => {
                    self.tokens.clear();
                    self.tokens.push(word);
                    let end = self.more(0);
                    if !properties.take(&self.tokens) {
                        let tokens = mem::take(&mut self.tokens);
                        return Err(self.wrong(&format!("unknown property: {}", super::spelling::spell(&tokens))));
                    }
                    if matches!(end, Some(Token::Close)) {
                        break;
                    }
                }
                Some(other) => return Err(self.unexpected(other)),
                None => return Err(self.wrong("the text ends within a set")),
            }
        }
        if !properties.is_empty() {
            set.properties = properties.text();
        }
        table.sets.insert(name.into(), set);
        Ok(())
    }

    /// `= { … }`, an element at a time: a listing may have very many.
    fn elements(&mut self, set: &mut Set) -> Result<(), Unreadable> {
        if self.lexer.next() != Some(Token::Word("=")) || self.lexer.next() != Some(Token::Open) {
            return Err(self.wrong("elements need braces"));
        }
        self.tokens.clear();
        let mut depth = 0_usize;
        loop {
            let token = self.lexer.next().ok_or_else(|| self.wrong("the text ends within elements"))?;
            match token {
                Token::Newline => {}
                Token::Comma | Token::Close if depth == 0 => {
                    apply::add_element(set, &self.tokens).map_err(|reason| self.wrong(&reason))?;
                    self.tokens.clear();
                    if token == Token::Close {
                        return Ok(());
                    }
                }
                _ => {
                    depth = match token {
                        Token::Open => depth + 1,
                        Token::Close => depth - 1,
                        _ => depth,
                    };
                    self.tokens.push(token);
                }
            }
        }
    }

    /// The words before an opening brace.
    fn header(&mut self) -> Result<Vec<Token<'a>>, Unreadable> {
        let mut words = Vec::with_capacity(2);
        loop {
            match self.lexer.next() {
                Some(Token::Open) => return Ok(words),
                Some(word @ Token::Word(_)) => words.push(word),
                Some(other) => return Err(self.unexpected(other)),
                None => return Err(self.wrong("the text ends before a brace")),
            }
        }
    }

    /// The one word before an opening brace.
    fn name(&mut self) -> Result<&'a str, Unreadable> {
        match self.header()?[..] {
            [Token::Word(name)] => Ok(name),
            _ => Err(self.wrong("this needs one name")),
        }
    }

    fn unexpected(&self, token: Token<'_>) -> Unreadable {
        self.wrong(&format!("unexpected {token:?}"))
    }

    fn wrong(&self, reason: &str) -> Unreadable {
        Unreadable::new(self.lexer.line, reason)
    }
}
