//! Text that someone else wrote, made fit to be shown: a file, a tool's message or a name may hold anything.
//!
//! What svclab prints passes here: standard error as a whole, and reports as a whole, each in the format's own way.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` with control characters, and those that change the direction of text, as escapes such as `\u{1b}`.
#[must_use]
pub fn shown(text: &str) -> String {
    escaped(text, |_| false).into_owned()
}

/// The same for text of several lines: ends of lines and tabs stay.
#[must_use]
pub fn shown_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |character| matches!(character, '\n' | '\t'))
}

/// The JSON text `json`, in which such characters are JSON's escapes: it stays the same value.
#[must_use]
pub fn shown_in_json(json: &str) -> Cow<'_, str> {
    let is_foreign = |character: char| is_hidden(character) || (character.is_control() && !character.is_ascii());
    if !json.contains(is_foreign) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if is_foreign(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// The same as [`shown`], cut to so many characters.
#[must_use]
pub fn short(text: &str, most: usize) -> String {
    let text = shown(text);
    match text.char_indices().nth(most) {
        None => text,
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}

/// So much is shown of a value or a name that a message quotes.
pub const QUOTED: usize = 80;

/// `text` in quotes, [as a message shows it](shown), cut to [`QUOTED`] characters.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", short(text, QUOTED))
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_foreign = |character: char| (character.is_control() || is_hidden(character)) && !stays(character);
    if !text.contains(is_foreign) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            _ if is_foreign(character) => out.extend(character.escape_unicode()),
            _ => out.push(character),
        }
    }
    Cow::Owned(out)
}

/// Whether a character changes how the text around it is shown, or is not seen.
fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_a_terminal_that_changes_it() {
        assert_eq!(shown("a\u{1b}[31mb\u{7}\u{202e}\u{9b}ü\n"), "a\\u{1b}[31mb\\u{7}\\u{202e}\\u{9b}ü\\u{a}");
        assert_eq!(shown_lines("a\tb\n\r"), "a\tb\n\\u{d}");
        assert_eq!(shown_in_json("{\"a\":\"\u{202e}\u{e0001}\"}\n"), "{\"a\":\"\\u202e\\udb40\\udc01\"}\n");
        assert_eq!(short("abcdef", 3), "abc…");
        assert_eq!(short("abc", 3), "abc");
    }
}
