//! What `nft list` prints, as text: tables, and in them chains, sets and maps.
//!
//! Nothing in a text makes it stop: a chain that is cut off ends where the next object starts.

use super::cursor::Cursor;
use super::gap::is_gap;
use super::priority::{self, Called};
use super::remark::Remarks;
use super::settle::{self, title};
use super::token::{Lexer, Token, spell};
use super::{rule, set};
use crate::listing::note::quote;
use lab_core::node::{Families, Maker, Rule, Table};

/// The tables of a text whose first line has this number, each with the line where it starts.
pub(super) fn read(first_line: usize, text: &str, remarks: &mut Remarks<'_>) -> Vec<(usize, Table)> {
    let lexer = Lexer::new(text, first_line);
    let mut reader =
        Reader { lexer, tokens: Vec::new(), line: first_line, start: 0, end: 0, remarks, tables: Vec::new() };
    reader.read();
    reader.tables
}

/// The families of a table, by the word of its listing.
pub(super) fn families(word: &str) -> Option<Families> {
    match word {
        "ip" => Some(Families::V4),
        "ip6" => Some(Families::V6),
        "inet" => Some(Families::Both),
        "arp" | "bridge" | "netdev" => Some(Families::Other),
        _ => None,
    }
}

/// What ended a piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// A line's end, or a semicolon.
    Line,
    /// `{`, of a block that is read next.
    Open,
    /// `}` of the block around it.
    Close,
    /// The text's end.
    Text,
}

struct Reader<'a, 'r, 'n> {
    lexer: Lexer<'a>,
    /// The piece that was read last: a line, or the head of a block.
    tokens: Vec<Token<'a>>,
    /// The line where it starts.
    line: usize,
    start: usize,
    end: usize,
    remarks: &'r mut Remarks<'n>,
    tables: Vec<(usize, Table)>,
}

impl Reader<'_, '_, '_> {
    fn read(&mut self) {
        let mut has_commands = false;
        loop {
            self.lexer.skip_space();
            let rest = self.lexer.rest();
            let ends = |byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'{');
            // No longer than the longest word that is looked for.
            let length = rest.bytes().take(12).position(ends).unwrap_or(0);
            let word = &rest[..length];
            match word {
                _ if rest.is_empty() => return,
                "table" => self.table(),
                "add" | "create" | "delete" | "destroy" | "flush" | "insert" | "replace" | "define" | "include"
                | "reset" | "rename" | "undefine" | "redefine" => {
                    self.piece(false);
                    if !has_commands {
                        self.remarks.say(self.line, "commands of an nft script are passed over");
                    }
                    has_commands = true;
                }
                "chain" | "set" | "map" if opens_block(rest) => {
                    let line = self.lexer.line;
                    self.piece(true);
                    self.remarks.say(line, format!("{} is passed over: its table is not known", spell(&self.tokens)));
                    self.skip_block();
                }
                _ if rest.starts_with(['#', '}', ';']) => {
                    self.lexer.place += 1;
                    if rest.starts_with('#') {
                        self.lexer.skip_line();
                    }
                }
                _ => {
                    let line = self.lexer.skip_line();
                    if !is_gap(line) {
                        self.remarks.pass_over(self.lexer.line, line);
                    }
                }
            }
        }
    }

    /// Reads up to the end of a line or a semicolon, but for those between braces; or, where `opens`, to an opening brace.
    fn piece(&mut self, opens: bool) -> End {
        self.tokens.clear();
        let mut depth = 0_usize;
        while let Some(token) = self.lexer.next() {
            if self.tokens.is_empty() {
                if matches!(token, Token::Newline | Token::Semicolon) {
                    continue;
                }
                (self.line, self.start, self.end) = (self.lexer.line, self.lexer.start, self.lexer.start);
            }
            match token {
                Token::Newline | Token::Semicolon if depth == 0 => return End::Line,
                Token::Close if depth == 0 => return End::Close,
                Token::Open if opens => return End::Open,
                Token::Newline => {
                    self.lexer.skip_space();
                    if opens_block(self.lexer.rest()) {
                        return End::Line;
                    }
                    if self.gap().is_some() {
                        self.tokens.extend([Token::Comma, Token::Word("......"), Token::Comma]);
                    }
                    continue;
                }
                Token::Open => depth += 1,
                Token::Close => depth -= 1,
                _ => {}
            }
            self.tokens.push(token);
            self.end = self.lexer.place;
        }
        End::Text
    }

    /// Skips what is left of a block, to its closing brace, or to where another one starts.
    fn skip_block(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.lexer.next() {
            match token {
                Token::Open => depth += 1,
                Token::Close if depth == 0 => return,
                Token::Close => depth -= 1,
                Token::Newline => {
                    self.lexer.skip_space();
                    if opens_block(self.lexer.rest()) {
                        return;
                    }
                }
                _ => {}
            }
        }
    }

    fn table(&mut self) {
        let end = self.piece(true);
        let mut words = self.tokens.iter().filter_map(|token| token.name()).skip(1).peekable();
        let families = words.peek().and_then(|word| families(word));
        let name = if families.is_some() { words.nth(1) } else { words.next() };
        let (Some(name), End::Open) = (name, end) else {
            // `table ip kube-proxy` alone, in a script, makes a table.
            if end == End::Text {
                self.remarks.say(self.line, format!("{} is cut off", spell(&self.tokens)));
            }
            return;
        };
        let families = families.unwrap_or(Families::V4);
        let mut table = Table::new(Maker::Nft, families, name, self.remarks.listing());
        let line = self.line;
        let is_dormant = self.table_body(&mut table);
        if is_dormant {
            self.remarks.say(line, format!("table {} is dormant: the kernel calls none of its chains", title(&table)));
            settle::unhook(&mut table);
        }
        self.tables.push((line, table));
    }

    /// Reads what is in a table, and says whether it is dormant.
    fn table_body(&mut self, table: &mut Table) -> bool {
        let mut is_dormant = false;
        loop {
            self.lexer.skip_space();
            let rest = self.lexer.rest();
            if rest.starts_with("table") && opens_block(rest) {
                self.cut(&format!("table {}", title(table)));
                return is_dormant;
            }
            if let Some(line) = self.gap() {
                self.remarks.say(line, format!("something is left out of table {} here", title(table)));
                continue;
            }
            let end = self.piece(true);
            let words: Vec<&str> = self.tokens.iter().filter_map(|token| token.name()).collect();
            match (end, &words[..]) {
                (End::Open, ["chain", name]) => self.chain(table, name),
                (End::Open, ["set" | "map", name]) => self.set(table, name),
                // Counters, quotas, helpers and flowtables hold no rules.
                (End::Open, _) => self.skip_block(),
                (_, [] | ["comment", ..]) => {}
                (_, ["flags", flags @ ..]) => is_dormant |= flags.contains(&"dormant"),
                _ => self.remarks.pass_over(self.line, &spell(&self.tokens)),
            }
            match end {
                End::Close => return is_dormant,
                End::Text => {
                    self.cut(&format!("table {}", title(table)));
                    return is_dormant;
                }
                End::Line | End::Open => {}
            }
        }
    }

    fn chain(&mut self, table: &mut Table, name: &str) {
        let families = table.families;
        self.lexer.keeps_hashes = matches!(families, Families::V4 | Families::V6)
            && matches!(&*table.name, "nat" | "filter" | "mangle" | "raw" | "security");
        let chain = table.chain_mut(name);
        loop {
            self.lexer.skip_space();
            if opens_block(self.lexer.rest()) {
                self.cut(&format!("chain {name}"));
                break;
            }
            if self.gap().is_some() {
                chain.gaps.push(chain.rules.len());
                continue;
            }
            let end = self.piece(false);
            let is_cut = end == End::Text;
            self.drop_comment();
            match self.tokens.first().and_then(|token| token.word()) {
                None if self.tokens.is_empty() => {}
                Some("type") => match priority::read(&mut Cursor::new(&self.tokens)) {
                    Some(Called::By(hook)) => chain.hook = Some(hook),
                    Some(Called::Elsewhere) if families == Families::Other => {}
                    Some(Called::Elsewhere) => {
                        let says = format!("chain {name} is called where no packet of a walk is: it is passed over");
                        self.remarks.say(self.line, says);
                    }
                    None => {
                        let says = format!("{} is not understood", quote(&spell(&self.tokens)));
                        self.remarks.say(self.line, says);
                    }
                },
                Some("policy") => chain.drops = self.tokens.get(1).and_then(|token| token.word()) == Some("drop"),
                Some("flags" | "devices" | "device") => {}
                Some("comment") if self.tokens.len() == 2 => {}
                // A rule that the text's end cut in the middle would do something else.
                _ if is_cut => chain.gaps.push(chain.rules.len()),
                _ => {
                    let rule = self.rule(families);
                    chain.rules.push(rule);
                }
            }
            match end {
                End::Close => break,
                End::Text => {
                    self.cut(&format!("chain {name}"));
                    if chain.gaps.last() != Some(&chain.rules.len()) {
                        chain.gaps.push(chain.rules.len());
                    }
                    break;
                }
                End::Line | End::Open => {}
            }
        }
        self.lexer.keeps_hashes = false;
    }

    /// Drops what a person wrote behind a `#`: rules of iptables, behind which nft writes something itself, all count.
    fn drop_comment(&mut self) {
        if let Some(place) = self.tokens.iter().position(|token| *token == Token::Hash)
            && !self.tokens.contains(&Token::Word("counter"))
        {
            self.tokens.truncate(place);
            self.end = self.start;
        }
    }

    fn rule(&self, families: Families) -> Rule {
        let text = self.lexer.between(self.start, self.end);
        let rule::Body { statements, comment, counters } = rule::read(&self.tokens, families);
        let is_plain =
            counters.is_none() && !text.is_empty() && !text.contains("  ") && !text.contains(['\n', '\t', '\r']);
        Rule {
            text: if is_plain { text.into() } else { rule::text(&self.tokens).into() },
            line: u32::try_from(self.line).unwrap_or(0),
            comment,
            counters,
            statements: statements.into(),
        }
    }

    fn set(&mut self, table: &mut Table, name: &str) {
        let mut draft = set::Draft::default();
        let line = self.line;
        loop {
            self.lexer.skip_space();
            if opens_block(self.lexer.rest()) {
                self.cut(&format!("set {name}"));
                break;
            }
            if self.gap().is_some() {
                draft.has_gap = true;
                continue;
            }
            let end = self.piece(false);
            if !self.tokens.is_empty() && !draft.take(&self.tokens) {
                self.remarks.pass_over(self.line, &spell(&self.tokens));
            }
            match end {
                End::Close => break,
                End::Text => {
                    self.cut(&format!("set {name}"));
                    break;
                }
                End::Line | End::Open => {}
            }
        }
        draft.remark(name, line, self.remarks);
        table.sets.insert(name.into(), draft.into_set());
    }

    /// Takes a line that stands for others which are left out, and says which line it is.
    fn gap(&mut self) -> Option<usize> {
        if !self.lexer.is_at_line_start() {
            return None;
        }
        let rest = self.lexer.rest();
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        is_gap(line).then(|| {
            self.lexer.skip_line();
            self.lexer.line
        })
    }

    fn cut(&mut self, what: &str) {
        // After the text's last line there is no other one.
        let is_after = self.lexer.rest().is_empty() && self.lexer.is_at_line_start();
        let line = self.lexer.line - usize::from(is_after && self.lexer.line > 1);
        self.remarks.say(line, format!("{what} is cut off here"));
    }
}

/// Whether a text starts with the head of a table, a chain, a set or a map.
fn opens_block(text: &str) -> bool {
    if !text.starts_with(['t', 'c', 's', 'm']) {
        return false;
    }
    let mut words = text.split([' ', '\t']).filter(|word| !word.is_empty());
    match (words.next(), words.next(), words.next()) {
        (Some("chain" | "set" | "map"), Some(_), Some(brace)) => brace.starts_with('{'),
        (Some("table"), Some(_), Some(brace)) if brace.starts_with('{') => true,
        (Some("table"), Some(_), Some(_)) => words.next().is_some_and(|brace| brace.starts_with('{')),
        _ => false,
    }
}
