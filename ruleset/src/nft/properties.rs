//! What tables, chains, sets and maps are told when they are made, in one spelling.

use super::lexer::Token;
use super::spelling::{seconds, spell};

/// The properties of a chain, a set, a map or a table, as they come in.
#[derive(Debug, Default)]
pub(super) struct Properties {
    /// A chain's hook, or a set's type.
    kind: String,
    policy: Option<String>,
    flags: Vec<String>,
    timeout: Option<String>,
    size: Option<String>,
    comment: Option<String>,
    others: Vec<String>,
}

impl Properties {
    /// Takes a line that is a property, and says whether it was one.
    pub(super) fn take(&mut self, line: &[Token<'_>]) -> bool {
        let Some((Token::Word(word), rest)) = line.split_first() else { return false };
        let words = || rest.iter().filter_map(|token| token.word()).map(str::to_owned);
        match (*word, rest) {
            ("type", _) => self.kind = kind(rest),
            ("typeof", _) => self.kind = format!("typeof {}", spell(rest)),
            ("comment", [Token::Quoted(text)]) => self.comment = Some((*text).to_owned()),
            ("comment", [Token::Word(text)]) => self.comment = Some((*text).to_owned()),
            ("policy", [Token::Word(policy)]) => self.policy = Some((*policy).to_owned()),
            ("flags", _) => self.flags.extend(words()),
            ("timeout", [Token::Word(time)]) => self.timeout = Some(seconds(time).unwrap_or((*time).to_owned())),
            ("size", [Token::Word(size)]) => self.size = Some((*size).to_owned()),
            ("gc-interval" | "auto-merge", _) => self.others.push(spell(line)),
            _ => return false,
        }
        true
    }

    /// Takes properties between braces, each with a semicolon after it.
    pub(super) fn take_all(&mut self, tokens: &[Token<'_>]) -> Result<(), String> {
        for line in tokens.split(|token| matches!(token, Token::Semicolon | Token::Newline)) {
            if !line.is_empty() && !self.take(line) {
                return Err(format!("unknown property: {}", spell(line)));
            }
        }
        Ok(())
    }

    /// Whether nothing was said.
    pub(super) fn is_empty(&self) -> bool {
        self.text().is_empty()
    }

    /// All of it in one spelling.
    pub(super) fn text(&self) -> String {
        let dynamic = self.flags.iter().any(|flag| flag == "dynamic");
        let mut flags = self.flags.clone();
        flags.sort_unstable();
        let policy = self.policy.as_deref().or(self.kind.contains(" hook ").then_some("accept"));
        // nft itself gives this size to a set that packets add to.
        let size = self.size.as_deref().filter(|size| !dynamic || *size != "65535");
        let mut parts: Vec<String> = Vec::with_capacity(4);
        parts.extend((!self.kind.is_empty()).then(|| format!("type {}", self.kind)));
        parts.extend(policy.map(|policy| format!("policy {policy}")));
        parts.extend((!flags.is_empty()).then(|| format!("flags {}", flags.join(","))));
        parts.extend(self.timeout.as_ref().map(|timeout| format!("timeout {timeout}")));
        parts.extend(size.map(|size| format!("size {size}")));
        parts.extend(self.others.iter().cloned());
        parts.extend(self.comment.as_ref().map(|comment| format!("comment \"{comment}\"")));
        parts.join("; ")
    }
}

/// A type, or a hook with its priority as a number.
fn kind(tokens: &[Token<'_>]) -> String {
    let Some(place) = tokens.iter().position(|token| token.word() == Some("priority")) else { return spell(tokens) };
    let (hook, priority) = tokens.split_at(place);
    let mut words = priority[1..].iter().filter_map(|token| token.word());
    let mut total = words.next().and_then(level);
    let mut sign = 1;
    for word in words {
        match word {
            "+" => sign = 1,
            "-" => sign = -1,
            _ => total = total.zip(word.parse::<i32>().ok()).and_then(|(sum, step)| sum.checked_add(sign * step)),
        }
    }
    match total {
        Some(priority) => format!("{} priority {priority}", spell(hook)),
        None => spell(tokens),
    }
}

/// A priority, by its number or by its name in the families ip, ip6 and inet.
pub(crate) fn level(word: &str) -> Option<i32> {
    match word {
        "raw" => Some(-300),
        "mangle" => Some(-150),
        "dstnat" => Some(-100),
        "filter" => Some(0),
        "security" => Some(50),
        "srcnat" => Some(100),
        _ => word.parse().ok(),
    }
}
