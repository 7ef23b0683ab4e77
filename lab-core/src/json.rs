//! What the JSON library objects to, in words for whoever has the file.

use crate::foreign::{quoted, short};
use serde_json::Error;
use serde_json::error::Category;

/// So much is shown of a problem.
const SHOWN: usize = 200;

/// What is wrong with a JSON text, without the place in it.
#[must_use]
pub fn problem(error: &Error) -> String {
    let said = error.to_string();
    let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
    match error.classify() {
        Category::Eof => "it ends in the middle of a JSON text".to_owned(),
        Category::Syntax => format!("it is no JSON{}", syntax(said)),
        Category::Io | Category::Data => data(said),
    }
}

/// What is wrong with a JSON text of one line, with the place in it.
#[must_use]
pub fn problem_in_line(error: &Error) -> String {
    match error.column() {
        0 => problem(error),
        column => format!("{}, at its byte {column}", problem(error)),
    }
}

/// What the parser stumbled on, where that says more than the place does.
fn syntax(said: &str) -> &'static str {
    const PLAIN: [(&str, &str); 8] = [
        ("trailing comma", ": a comma too many"),
        ("trailing characters", ": something stands behind its end"),
        ("number out of range", ": a number that is too large"),
        ("invalid number", ": a number that is none"),
        ("recursion limit", ": its lists and objects stand too deep in each other"),
        ("control character", ": a control character in a text"),
        ("escape", ": an escape (\\) that is none"),
        ("unicode code point", ": bytes that are not in UTF-8"),
    ];
    PLAIN.iter().find(|(theirs, _)| said.contains(theirs)).map_or("", |(_, plain)| plain)
}

/// What serde says of a value that is not what was looked for.
fn data(said: &str) -> String {
    let named = |before: &str| said.strip_prefix(before)?.strip_suffix('`');
    if let Some(field) = named("missing field `") {
        return format!("it lacks {}", quoted(field));
    }
    if let Some(field) = named("duplicate field `") {
        return format!("{} stands in it twice", quoted(field));
    }
    if let Some((field, _)) = said.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
        return format!("unknown key {}", quoted(field));
    }
    let is = said.strip_prefix("invalid type: ").or_else(|| said.strip_prefix("invalid value: "));
    match is.and_then(|rest| rest.rsplit_once(", expected ")) {
        Some((found, expected)) => format!("found {}, where there has to be {}", kind(found), wanted(expected)),
        None => short(said, SHOWN),
    }
}

/// `text "80"` for serde's `string "80"`.
fn kind(found: &str) -> String {
    const WORDS: [(&str, &str); 7] = [
        ("null", "nothing (null)"),
        ("map", "an object"),
        ("sequence", "a list"),
        ("integer `", "the number "),
        ("floating point `", "the number "),
        ("boolean `", ""),
        ("string \"", "text "),
    ];
    match WORDS.iter().find_map(|(theirs, own)| Some((own, found.strip_prefix(theirs)?))) {
        Some((own, "")) => (*own).to_owned(),
        Some((own, rest)) if rest.ends_with('"') => format!("{own}{}", quoted(&rest[..rest.len() - 1])),
        Some((own, rest)) => format!("{own}{}", short(rest.trim_end_matches('`'), SHOWN)),
        None => short(found, SHOWN),
    }
}

fn wanted(expected: &str) -> String {
    let own = match expected {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number from 0 that is not too large",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number that is not too large",
        "f32" | "f64" => "a number",
        "a boolean" | "bool" => "true or false",
        "a string" | "a borrowed string" | "str" => "text",
        "a sequence" => "a list",
        "a map" => "an object",
        other if other.starts_with("struct ") || !other.contains(' ') => "an object",
        other => return short(other, SHOWN),
    };
    own.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only what is wrong with it is looked at")]
    struct Read {
        count: u32,
        name: String,
    }

    fn said(json: &str) -> String {
        problem_in_line(&serde_json::from_str::<Read>(json).unwrap_err())
    }

    #[test]
    fn what_is_wrong_is_said_without_rusts_words() {
        assert_eq!(said("{\"count\":1}"), "it lacks \"name\", at its byte 11");
        assert_eq!(
            said("{\"count\":\"1\"}"),
            "found text \"1\", where there has to be a whole number from 0 that is not too large, at its byte 12"
        );
        assert!(said("{\"count\":1.5}").starts_with("found the number 1.5, where there has to be a whole number"));
        assert!(said("[{}]").starts_with("found an object, where there has to be a whole number"));
        assert!(said("7").starts_with("found the number 7, where there has to be an object"));
        assert!(said("{\"count\":1,\"name\":null}").starts_with("found nothing (null), where there has to be text"));
        assert_eq!(said("{\"x\":1}"), "unknown key \"x\", at its byte 4");
        assert_eq!(said("{\"count\":1,}"), "it is no JSON: a comma too many, at its byte 12");
        assert_eq!(said("{\"count"), "it ends in the middle of a JSON text, at its byte 7");
        assert_eq!(said("x"), "it is no JSON, at its byte 1");
    }
}
