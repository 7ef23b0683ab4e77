//! Words of command lines that users copy.

use std::path::Path;

/// `word` as a POSIX shell reads it back.
#[must_use]
pub fn word(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=,+@%".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// `words` as a POSIX shell reads them back.
#[must_use]
pub fn line<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> String {
    words.into_iter().map(|text| word(text.as_ref())).collect::<Vec<_>>().join(" ")
}

/// The same of `paths`.
#[must_use]
pub fn paths<P: AsRef<Path>>(paths: &[P]) -> String {
    line(paths.iter().map(|path| path.as_ref().to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::{paths, word};

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(word("--services"), "--services");
        assert_eq!(word("a b"), "'a b'");
        assert_eq!(word("it's"), r"'it'\''s'");
        assert_eq!(paths(&["runs/a", "my runs/b"]), "runs/a 'my runs/b'");
        assert_eq!(word("$(x)"), "'$(x)'");
        assert_eq!(word(""), "''");
    }
}
