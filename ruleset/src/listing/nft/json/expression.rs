//! Expressions of nft's JSON, written as its text has them.
//!
//! After `src/json.c` of nftables and its manual page `libnftables-json`.

use serde_json::{Map, Value};
use std::fmt::Write;

/// How deep expressions may lie in each other. What is deeper is left out.
const DEEPEST: usize = 16;

/// Writes expressions after what is already there.
pub(super) struct Writer {
    /// What is written.
    pub(super) out: String,
    /// Whether numbers are marks, which nft's text writes in hexadecimal.
    pub(super) marks: bool,
    depth: usize,
}

impl Writer {
    /// One that wrote nothing yet.
    pub(super) fn new() -> Self {
        Self { out: String::with_capacity(96), marks: false, depth: 0 }
    }

    /// A word, with a blank before it.
    pub(super) fn word(&mut self, word: &str) {
        if !self.out.is_empty() && !self.out.ends_with(' ') {
            self.out.push(' ');
        }
        self.out.push_str(word);
    }

    /// A text in quotes, with a blank before it.
    pub(super) fn quoted(&mut self, text: &str) {
        self.word("\"");
        // nft knows no escapes: a quote cannot be in a text.
        self.out.extend(text.chars().map(|character| if matches!(character, '"' | '\n') { '\'' } else { character }));
        self.out.push('"');
    }

    /// A number.
    pub(super) fn number(&mut self, number: &serde_json::Number) {
        match number.as_u64() {
            Some(number) if self.marks => self.word(&format!("{number:#010x}")),
            _ => self.word(&number.to_string()),
        }
    }

    /// An expression.
    pub(super) fn expression(&mut self, value: &Value) {
        if self.depth == DEEPEST {
            return self.word("…");
        }
        self.depth += 1;
        match value {
            Value::Null => {}
            Value::Bool(true) => self.word("exists"),
            Value::Bool(false) => self.word("missing"),
            Value::Number(number) => self.number(number),
            Value::String(text) => self.name(text),
            // Flags, such as the states of a connection.
            Value::Array(values) => self.list(values),
            Value::Object(object) => self.object(object),
        }
        self.depth -= 1;
    }

    /// A name that stands without quotes unless it could not be told from signs.
    fn name(&mut self, text: &str) {
        match text.is_empty() || text.contains([' ', '\t', '\n', '{', '}', ',', ';', '"', '#']) {
            true => self.quoted(text),
            false => self.word(text),
        }
    }

    /// `established,related`
    fn list(&mut self, values: &[Value]) {
        self.joined(values, ",");
    }

    /// Expressions with a sign between them, and no blanks.
    fn joined(&mut self, values: &[Value], sign: &str) {
        for (place, value) in values.iter().enumerate() {
            if place == 0 {
                self.expression(value);
            } else {
                let mut next = Self { out: String::new(), marks: self.marks, depth: self.depth };
                next.expression(value);
                self.out.push_str(sign);
                self.out.push_str(&next.out);
            }
        }
    }

    /// Expressions with a word between them.
    fn between(&mut self, values: &[Value], word: &str) {
        for (place, value) in values.iter().enumerate() {
            if place > 0 {
                self.word(word);
            }
            self.expression(value);
        }
    }

    fn object(&mut self, object: &Map<String, Value>) {
        let Some((kind, value)) = object.iter().next() else { return };
        let text = |key: &str| value[key].as_str().unwrap_or_default();
        match (kind.as_str(), value) {
            ("prefix", _) => {
                self.expression(&value["addr"]);
                let _ = write!(self.out, "/{}", value["len"]);
            }
            ("range", Value::Array(ends)) => self.joined(ends, "-"),
            ("concat", Value::Array(parts)) => self.between(parts, "."),
            ("set", Value::Array(elements)) => self.set(elements),
            ("set", value) => self.expression(value),
            ("elem", _) => self.element(value, None),
            ("payload", _) if value["protocol"].is_string() => {
                self.word(text("protocol"));
                self.word(text("field"));
            }
            ("payload", _) => {
                let base = match text("base") {
                    "transport" => "th",
                    "network" => "nh",
                    "link" => "ll",
                    base => base,
                };
                self.word(&format!("@{base},{},{}", value["offset"], value["len"]));
            }
            ("meta", _) => match text("key") {
                key @ ("iif" | "iifname" | "oif" | "oifname" | "iifgroup" | "oifgroup") => self.word(key),
                key => {
                    self.word("meta");
                    self.word(key);
                }
            },
            ("ct", _) => {
                self.word("ct");
                ["dir", "family", "key"].iter().map(|key| text(key)).filter(|word| !word.is_empty()).for_each(|word| {
                    self.word(word);
                });
            }
            ("fib", _) => {
                self.word("fib");
                match &value["flags"] {
                    Value::Array(flags) => self.between(flags, "."),
                    flag => self.expression(flag),
                }
                self.word(text("result"));
            }
            ("numgen", _) => {
                self.word(&format!("numgen {} mod {}", text("mode"), value["mod"]));
                self.offset(value);
            }
            ("jhash" | "symhash", _) => {
                self.word(kind);
                self.expression(&value["expr"]);
                self.word(&format!("mod {}", value["mod"]));
                self.offset(value);
            }
            ("&" | "|" | "^" | "<<" | ">>", Value::Array(sides)) => self.between(sides, kind),
            ("map", _) => {
                self.expression(&value["key"]);
                self.word("map");
                self.expression(&value["data"]);
            }
            ("jump" | "goto", _) => {
                self.word(kind);
                self.name(text("target"));
            }
            ("accept" | "drop" | "continue" | "return", _) => self.word(kind),
            ("rt", _) => {
                self.word("rt");
                ["family", "key"].iter().map(|key| text(key)).filter(|word| !word.is_empty()).for_each(|word| {
                    self.word(word);
                });
            }
            ("exthdr" | "tcp option" | "ip option" | "sctp chunk" | "dccp option", _) => {
                self.word(kind);
                ["name", "field"].iter().map(|key| text(key)).filter(|word| !word.is_empty()).for_each(|word| {
                    self.word(word);
                });
            }
            ("socket" | "osf" | "ipsec", _) => {
                self.word(kind);
                self.word(text("key"));
            }
            // What is not known here stays in one word.
            _ => {
                let plain =
                    |sign| if matches!(sign, '{' | '}' | ',' | ';' | '"' | ' ' | '#' | '\n') { '_' } else { sign };
                let words: String = format!("{kind}:{value}").chars().take(200).map(plain).collect();
                self.word(&words);
            }
        }
    }

    fn offset(&mut self, value: &Value) {
        if let Some(offset @ 1..) = value["offset"].as_u64() {
            self.word(&format!("offset {offset}"));
        }
    }

    /// `{ 80, 443 }`, `{ 0 : goto A, 1 : goto B }`
    pub(super) fn set(&mut self, elements: &[Value]) {
        self.word("{");
        for (place, element) in elements.iter().enumerate() {
            if place > 0 {
                self.out.push(',');
            }
            match element {
                // A list of two is a key and what it leads to. A list of states is not told from it: nft lists them in a
                // set one by one.
                Value::Array(pair) if pair.len() == 2 => self.element(&pair[0], Some(&pair[1])),
                element => self.element(element, None),
            }
        }
        self.word("}");
    }

    /// An element, with what it leads to in a map.
    pub(super) fn element(&mut self, key: &Value, leads_to: Option<&Value>) {
        let inner = key.get("elem").unwrap_or(key);
        match inner.get("val") {
            Some(value) => {
                self.expression(value);
                ["timeout", "expires"].iter().for_each(|word| {
                    if let Some(seconds) = inner[*word].as_u64() {
                        self.word(&format!("{word} {seconds}s"));
                    }
                });
                if let Some(comment) = inner["comment"].as_str() {
                    self.word("comment");
                    self.quoted(comment);
                }
            }
            None => self.expression(inner),
        }
        if let Some(value) = leads_to {
            self.word(":");
            self.expression(value.get("elem").and_then(|inner| inner.get("val")).unwrap_or(value));
        }
    }
}
