//! A YAML document as a tree with line numbers, so that a problem can be reported with its line.

use super::trouble::yaml_problem;
use crate::foreign::quoted;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use std::fmt;
use std::ops::Range;

/// A value and its line, from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its line, from 1.
    pub line: u64,
    /// What it holds.
    pub value: Value,
    /// Which bytes of the document it is.
    pub(super) span: Range<usize>,
}

/// A YAML value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of its lines.
    Map(Vec<Entry>),
}

/// A key of a mapping, with its own line, and what it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The line of its key, from 1.
    pub line: u64,
    /// Its key.
    pub key: String,
    /// Its value.
    pub node: Node,
}

impl Value {
    /// What it is, for a message.
    pub fn describe(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => format!("{value}"),
            Self::Integer(value) => format!("{value}"),
            Self::Float(value) if value.is_finite() => format!("{value:?}"),
            Self::Float(_) => "a number that is too large".to_owned(),
            Self::Text(text) => quoted(text),
            Self::List(items) if items.is_empty() => "an empty list".to_owned(),
            Self::List(items) => format!("a list of {}", items.len()),
            Self::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// Reads a document.
///
/// # Errors
/// When the text is not YAML: the line, where it is known, and what is wrong.
pub(super) fn read(text: &str) -> Result<Node, (Option<u64>, String)> {
    serde_saphyr::from_str::<Node>(text).map_err(|error| yaml_problem(&error))
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        let span = spanned.referenced.span();
        let start = span.byte_offset().and_then(|start| usize::try_from(start).ok()).unwrap_or(0);
        let length = span.byte_len().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        Ok(Self { line: spanned.referenced.line(), value: spanned.value, span: start..start.saturating_add(length) })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a YAML value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }
    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }
    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        Ok(i128::try_from(value).map_or(Value::Float(f64::INFINITY), Value::Integer))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }
    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some((key, node)) = entries.next_entry::<Spanned<String>, Node>()? {
            map.push(Entry { line: key.referenced.line(), key: key.value, node });
        }
        Ok(Value::Map(map))
    }
}
