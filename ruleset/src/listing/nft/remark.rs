//! Remarks on one listing, which become its notes.

use crate::listing::Note;
use crate::listing::note::quote;

/// How many lines that were passed over are named one by one.
const NAMED: usize = 5;

/// Remarks on one listing.
#[derive(Debug)]
pub(super) struct Remarks<'a> {
    listing: &'a str,
    notes: Vec<Note>,
    passed_over: usize,
}

impl<'a> Remarks<'a> {
    /// None yet, on the listing of this name.
    pub(super) fn on(listing: &'a str) -> Self {
        Self { listing, notes: Vec::new(), passed_over: 0 }
    }

    /// The listing's name.
    pub(super) fn listing(&self) -> &'a str {
        self.listing
    }

    /// Remarks on a line.
    pub(super) fn say(&mut self, line: usize, says: impl Into<String>) {
        // A name in it may hold what a terminal takes for a command.
        let plain = |character: char| if character.is_control() { char::REPLACEMENT_CHARACTER } else { character };
        let says = says.into().chars().map(plain).collect();
        self.notes.push(Note { listing: self.listing.into(), line, says });
    }

    /// Remarks that a line was passed over, unless many were.
    pub(super) fn pass_over(&mut self, line: usize, text: &str) {
        self.passed_over += 1;
        if self.passed_over <= NAMED {
            self.say(line, format!("{} is passed over: it is nothing that nft lists", quote(text.trim())));
        }
    }

    /// All of them, in the listing's order.
    pub(super) fn into_notes(mut self) -> Vec<Note> {
        if let Some(more @ 1..) = self.passed_over.checked_sub(NAMED) {
            let lines = if more == 1 { "line is" } else { "lines are" };
            self.say(0, format!("{more} more {lines} passed over"));
        }
        self.notes
    }
}
