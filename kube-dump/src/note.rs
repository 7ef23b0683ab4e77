//! What was left out of a dump, or does not add up in it.

use lab_core::foreign::QUOTED;
use std::fmt;

/// How many characters of a text from a dump are shown.
const SHOWN: usize = 300;

/// One thing about one object. Control characters, and those that turn the direction of a text, are escaped in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Note {
    /// The object: `Service default/testsvc`, or an input's name.
    pub object: String,
    /// What is the matter, and what becomes of it.
    pub what: String,
}

impl Note {
    pub(crate) fn new(object: &str, what: &str) -> Self {
        Self { object: shown(object), what: shown(what) }
    }
}

/// By object: `Service default/testsvc: ...`.
impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.object, self.what)
    }
}

/// `text` as a message may show it: on one line, without escape sequences, and not endless.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(SHOWN));
    for (place, letter) in text.chars().enumerate() {
        match letter {
            _ if place == SHOWN => {
                shown.push('…');
                break;
            }
            '"' | '\'' => shown.push(letter),
            _ => shown.extend(letter.escape_debug()),
        }
    }
    shown
}

/// `text` in quotes, for a note, cut to what a message quotes.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        None => format!("\"{text}\""),
        Some((end, _)) => format!("\"{}…\"", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_dump_reaches_the_terminal_as_a_command() {
        assert_eq!(
            shown("a\u{1b}[2Jb\nc\u{202e}d\u{200b}\u{2028}\u{9b}"),
            "a\\u{1b}[2Jb\\nc\\u{202e}d\\u{200b}\\u{2028}\\u{9b}"
        );
        assert_eq!(shown("it's \"ä\""), "it's \"ä\"");
        assert_eq!(shown(&"x".repeat(1_000)).chars().count(), SHOWN + 1);
    }
}
