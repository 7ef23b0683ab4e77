//! YAML written again as JSON: what follows reads one form only.

use lab_core::document::yaml_problem;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The most nodes of a YAML input: some 100,000 Services with their EndpointSlices.
const MOST_NODES: usize = 20_000_000;
/// The most bytes of text in it.
const MOST_BYTES: usize = 1 << 30;

/// The most that aliases may stand for: kubectl writes none.
const MOST_ANCHORED: usize = 50_000;

/// Every document of `text` as JSON; empty ones as `null`.
///
/// # Errors
/// When the text is not YAML: the line, where it is known, and what is wrong.
pub(crate) fn documents(text: &str) -> Result<Vec<String>, (Option<usize>, String)> {
    // The usual limits are those of a configuration file. What aliases may expand to stays limited.
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: MOST_NODES,
            max_events: 2 * MOST_NODES,
            max_documents: MOST_NODES,
            max_total_scalar_bytes: MOST_BYTES,
            max_recorded_anchor_events: MOST_ANCHORED,
        },
        emit_comments: false,
    };
    let read: Result<Vec<Json>, _> = serde_saphyr::from_multiple_with_options(text, options);
    match read {
        Ok(documents) => Ok(documents.into_iter().map(|Json(text)| text).collect()),
        Err(error) => {
            let (line, message) = yaml_problem(&error);
            Err((line.and_then(|line| usize::try_from(line).ok()), message))
        }
    }
}

/// A document as JSON.
struct Json(String);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut json = String::new();
        Value(&mut json).deserialize(deserializer)?;
        Ok(Self(json))
    }
}

/// The value that comes next, to be written.
struct Value<'a>(&'a mut String);

impl Value<'_> {
    fn put<E: Error>(self, value: &impl serde::Serialize) -> Result<(), E> {
        self.0.push_str(&serde_json::to_string(value).map_err(E::custom)?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a YAML value")
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.put(&())
    }
    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.put(&())
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.put(&value)
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.put(&value)
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.put(&value)
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.put(&value)
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.put(&text)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.0.push('[');
        let mut is_first = true;
        loop {
            let before = self.0.len();
            if !std::mem::take(&mut is_first) {
                self.0.push(',');
            }
            if items.next_element_seed(Value(self.0))?.is_none() {
                self.0.truncate(before);
                break;
            }
        }
        self.0.push(']');
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.0.push('{');
        let mut is_first = true;
        while let Some(key) = entries.next_key::<String>()? {
            if !std::mem::take(&mut is_first) {
                self.0.push(',');
            }
            Value(self.0).put(&key)?;
            self.0.push(':');
            entries.next_value_seed(Value(self.0))?;
        }
        self.0.push('}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_is_written_as_json() {
        let text = "a: [1, -2, 1.5, true, ~]\n\"b\\n\": {c: \"10\", d: 10.96.0.1}\n---\n- x\n---\n";
        let read = documents(text).unwrap();
        assert_eq!(read[..2], [r#"{"a":[1,-2,1.5,true,null],"b\n":{"c":"10","d":"10.96.0.1"}}"#, r#"["x"]"#]);
    }

    #[test]
    fn what_is_not_yaml_is_said_with_its_line() {
        let (line, _) = documents("a: 1\nb: [\n").unwrap_err();
        assert!(line.is_some_and(|line| line >= 2));
        let bomb: String =
            (1..9).map(|level| format!("a{level}: &a{level} [{}]\n", format!("*a{}, ", level - 1).repeat(9))).collect();
        assert!(documents(&format!("a0: &a0 [x]\n{bomb}")).is_err());
    }
}
