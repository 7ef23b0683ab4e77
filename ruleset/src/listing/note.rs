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
