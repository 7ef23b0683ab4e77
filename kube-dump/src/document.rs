//! The documents of an input, one after the other, whatever form it has.

use crate::input::Input;
use crate::unreadable::{Problem, Unreadable};
use crate::yaml;
use lab_core::json;
use serde_json::value::RawValue;

/// How many characters of an input's first line are shown.
const START: usize = 60;

/// Where a JSON text is in its input.
pub(crate) struct Place<'a> {
    /// The input's name.
    pub(crate) input: &'a str,
    /// The input's text, of which the JSON text is a part; none for YAML, which is written anew.
    whole: Option<&'a str>,
    /// The last place whose line was counted, in bytes, and its line.
    counted: (usize, usize),
}

impl Place<'_> {
    /// The line of `part`, if it is known. Parts are to be asked for in their order, so that each line is counted once.
    pub(crate) fn line(&mut self, part: &str) -> Option<usize> {
        let whole = self.whole?;
        let at = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
        let (before, line) = if at < self.counted.0 { (0, 1) } else { self.counted };
        let passed = whole.as_bytes().get(before..at)?;
        self.counted = (at, line + lines(passed));
        Some(self.counted.1)
    }
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

/// Takes each document of `input` as JSON.
///
/// # Errors
/// If the input is empty, no text, or neither JSON nor YAML. The documents before the error were taken.
pub(crate) fn each(input: &Input, take: &mut dyn FnMut(&str, &mut Place<'_>)) -> Result<(), Unreadable> {
    let text = input.text()?;
    let start = after_separators(&text);
    let wrong = |problem| Unreadable::of(&input.name, problem);
    if start.is_empty() {
        return Err(wrong(Problem::Empty));
    }
    if start.starts_with(['{', '[']) {
        return json(input, &text, take);
    }
    let first = start.lines().next().unwrap_or_default();
    let prose = || Problem::Prose(first.chars().take(START).flat_map(char::escape_debug).collect());
    let is_table = ["NAMESPACE ", "NAME "].iter().any(|title| first.starts_with(title));
    if is_table {
        return Err(wrong(prose()));
    }
    let documents = yaml::documents(&text).map_err(|(line, message)| {
        let problem = Problem::NotYaml(crate::note::shown(&message));
        Unreadable { line, ..wrong(problem) }
    })?;
    for document in documents {
        match document.as_bytes() {
            b"null" => {}
            [b'{' | b'[', ..] => take(&document, &mut Place { input: &input.name, whole: None, counted: (0, 1) }),
            _ => return Err(wrong(prose())),
        }
    }
    Ok(())
}

/// JSON documents, with or without YAML's separators between them.
fn json(input: &Input, text: &str, take: &mut dyn FnMut(&str, &mut Place<'_>)) -> Result<(), Unreadable> {
    let mut place = Place { input: &input.name, whole: Some(text), counted: (0, 1) };
    let mut rest = after_separators(text);
    while !rest.is_empty() {
        let mut documents = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        match documents.next() {
            Some(Ok(document)) => take(document.get(), &mut place),
            Some(Err(error)) => {
                let line = lines(&text.as_bytes()[..text.len() - rest.len()]) + error.line().max(1);
                let problem = if error.is_eof() {
                    Problem::Cut
                } else {
                    Problem::NotJson(crate::note::shown(&json::problem(&error)))
                };
                return Err(Unreadable::at(&input.name, line, problem));
            }
            None => break,
        }
        rest = after_separators(&rest[documents.byte_offset()..]);
    }
    Ok(())
}

/// `text` from its first document on.
fn after_separators(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some(after) = rest.strip_prefix("---").or_else(|| rest.strip_prefix("...")) {
        let after = after.trim_start_matches([' ', '\t', '\r']);
        // A separator stands alone on its line, or before JSON.
        if !after.is_empty() && !after.starts_with(['\n', '{', '[']) {
            break;
        }
        rest = after.trim_start();
    }
    rest
}
