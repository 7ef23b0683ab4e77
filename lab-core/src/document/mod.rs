//! Reads YAML that people write, and reports every problem with its file and line.

mod trouble;
mod yaml;

pub use trouble::yaml_problem;
pub use yaml::{Entry, Node, Value};

use crate::foreign::{QUOTED, quoted, short, shown_lines};
use crate::units;
use crate::vocabulary::{Unknown, Word};
use std::fmt;
use std::ops::RangeInclusive;

/// So many problems are listed; of the others, how many there are.
const LISTED: usize = 20;
/// A problem has no more characters than this: it may quote a value.
const LONGEST: usize = 2_000;

/// Every problem of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    file: String,
    found: Vec<Problem>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    line: u64,
    what: String,
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.found.iter().take(LISTED).enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            write!(out, "{}:{}: {}", self.file, problem.line, short(&problem.what, LONGEST))?;
        }
        match self.found.len().checked_sub(LISTED) {
            None | Some(0) => Ok(()),
            Some(more) => write!(out, "\n{}: and {}", self.file, units::counted(more as u64, "more problem")),
        }
    }
}

impl std::error::Error for Problems {}

/// Turns nodes into domain values and collects the problems.
pub struct Reader<'t> {
    /// The document.
    text: &'t str,
    problems: Vec<Problem>,
    /// The line of the document's first key: where a missing key is reported.
    pub top: u64,
}

impl<'t> Reader<'t> {
    /// Reads the YAML `text` of `file`, a name for messages, with `read`.
    ///
    /// # Errors
    /// Every problem found, each with its line.
    pub fn read<T>(file: &str, text: &'t str, read: impl FnOnce(&mut Self, &Node) -> Option<T>) -> Result<T, Problems> {
        let mut reader = Self { text, problems: Vec::new(), top: 1 };
        let found = match yaml::read(text) {
            Err((line, what)) => {
                reader.problem(line.unwrap_or(1), format!("not valid YAML: {what}"));
                None
            }
            Ok(node) => read(&mut reader, &node),
        };
        match found {
            Some(found) if reader.problems.is_empty() => Ok(found),
            _ => Err(Problems { file: file.to_owned(), found: reader.problems }),
        }
    }

    /// Adds the problem `what` on `line`.
    pub fn problem(&mut self, line: u64, what: String) {
        self.problems.push(Problem { line, what });
    }

    /// Adds the problem that the value of `entry` is not what is `allowed`.
    pub fn wrong(&mut self, entry: &Entry, allowed: &str) {
        self.wrong_value(&entry.key, &entry.node, allowed);
    }

    /// Adds the problem that `node`, the value of `key`, is not what is `allowed`.
    pub fn wrong_value(&mut self, key: &str, node: &Node, allowed: &str) {
        self.problem(node.line, format!("{key}: found {}; it takes {allowed}", self.found(node)));
    }

    /// What `node` holds, as it was written; and what YAML takes that for, where it is something else.
    #[must_use]
    pub fn found(&self, node: &Node) -> String {
        let read = node.value.describe();
        match self.written(node) {
            Some(written) if written != read => format!("{}, which YAML reads as {read}", short(written, QUOTED)),
            _ => read,
        }
    }

    /// How a value that is no text, list or mapping was written.
    fn written(&self, node: &Node) -> Option<&'t str> {
        let is_plain = matches!(node.value, Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_));
        let written = self.text.get(node.span.clone()).filter(|_| is_plain)?.trim();
        (!written.is_empty() && !written.contains('\n')).then_some(written)
    }

    /// Adds a problem for every key of a mapping that is not among `keys`.
    pub fn known<'a>(&mut self, entries: impl IntoIterator<Item = &'a Entry>, keys: &[&str]) {
        for entry in entries {
            if !keys.contains(&entry.key.as_str()) {
                self.problem(entry.line, Unknown::new("key", &entry.key, keys.iter().copied()).to_string());
            }
        }
    }

    /// Text that is not empty, trimmed.
    pub fn text(&mut self, entry: &Entry) -> Option<String> {
        match &entry.node.value {
            Value::Text(text) if shown_lines(text) != *text => {
                self.wrong(entry, "text without control characters");
                None
            }
            Value::Text(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            _ => {
                let text = match self.written(&entry.node) {
                    Some(written) => format!("text; put it in quotes: {}", quoted(written)),
                    None => "text".to_owned(),
                };
                self.wrong(entry, &text);
                None
            }
        }
    }

    /// A whole number within `range`.
    pub fn count(&mut self, entry: &Entry, range: &RangeInclusive<u32>) -> Option<u32> {
        self.whole(&entry.key, &entry.node, range)
    }

    /// A whole number within `range`, the value of `key`.
    pub fn whole(&mut self, key: &str, node: &Node, range: &RangeInclusive<u32>) -> Option<u32> {
        if let Value::Integer(value) = node.value
            && let Ok(value) = u32::try_from(value)
            && range.contains(&value)
        {
            return Some(value);
        }
        let digits = match node.value {
            Value::Float(_) => ", in digits alone: without a point, an exponent, or a zero before it",
            _ => "",
        };
        self.wrong_value(key, node, &format!("a whole number from {} to {}{digits}", range.start(), range.end()));
        None
    }

    /// A list with at least one item, or a single item without a list; `of` names the items in a message.
    pub fn list<'a>(&mut self, entry: &'a Entry, of: &str) -> Option<&'a [Node]> {
        match &entry.node.value {
            Value::List(items) if !items.is_empty() => Some(items),
            Value::List(_) | Value::Null => {
                self.wrong(entry, &format!("a list of {of}, at least one"));
                None
            }
            _ => Some(std::slice::from_ref(&entry.node)),
        }
    }

    /// A list of words, or a single one.
    pub fn words<W: Word>(&mut self, entry: &Entry) -> Option<Vec<W>> {
        let names: Vec<_> = W::ALL.iter().map(|word| word.name()).collect();
        let items = self.list(entry, &format!("{}s ({})", W::KIND, names.join(", ")))?;
        let mut words = Vec::new();
        for item in items {
            match &item.value {
                Value::Text(name) => match W::find(name) {
                    Ok(word) if words.contains(&word) => {
                        self.problem(item.line, format!("{}: {} stands in it twice", entry.key, quoted(name)));
                    }
                    Ok(word) => words.push(word),
                    Err(unknown) => self.problem(item.line, format!("{}: {unknown}", entry.key)),
                },
                _ => self.wrong_value(&entry.key, item, &format!("the names of {}s: {}", W::KIND, names.join(", "))),
            }
        }
        Some(words)
    }
}
