//! The words of a line, one at a time.

/// The words of a line, one after the other, and what is left of it.
#[derive(Clone, Copy)]
pub(super) struct Words<'a> {
    pub(super) rest: &'a str,
}

impl<'a> Words<'a> {
    pub(super) fn next(&mut self) -> Option<&'a str> {
        let text = self.rest.trim_start();
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    pub(super) fn peek(self) -> Option<&'a str> {
        Words { rest: self.rest }.next()
    }

    /// The next word, and whether there is no `!` before it.
    pub(super) fn negated(&mut self) -> Option<(bool, &'a str)> {
        match self.next()? {
            "!" => Some((false, self.next()?)),
            word => Some(negated(word)),
        }
    }
}

/// Whether there is no `!` at the start of a word, and what comes after it.
pub(super) fn negated(word: &str) -> (bool, &str) {
    word.strip_prefix('!').map_or((true, word), |word| (false, word))
}
