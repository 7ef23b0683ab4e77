//! What was passed over in a listing.

use std::fmt;

/// Something in a listing that was passed over, or that does not add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The listing's name.
    pub listing: Box<str>,
    /// The line, from 1; 0 where it is about the whole listing.
    pub line: usize,
    /// What was seen and what was done about it, as a fragment of a sentence.
    pub says: String,
}

impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { listing, line, says } = self;
        match line {
            0 => write!(out, "{listing}: {says}"),
            line => write!(out, "{listing}:{line}: {says}"),
        }
    }
}

/// `text` in quotes for a message: cut to 60 characters, and with what a terminal may take for a command escaped.
pub(super) fn quote(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut out = String::from("\"");
    for character in text.chars().take(LONGEST) {
        match character {
            ' ' => out.push(' '),
            '"' | '\\' => out.extend(character.escape_default()),
            plain if plain.is_ascii_graphic() => out.push(plain),
            other => out.extend(other.escape_default()),
        }
    }
    out.push_str(if text.chars().nth(LONGEST).is_some() { "…\"" } else { "\"" });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_short_and_holds_no_control_character() {
        assert_eq!(quote("a \u{1b}[31mb\0\"é"), r#""a \u{1b}[31mb\u{0}\"\u{e9}""#);
        assert_eq!(quote(&"x".repeat(100)).chars().count(), 63);
    }
}
