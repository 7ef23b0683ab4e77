//! What inputs are made from: files of this repository, and the words in them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A longer file is cut, at the end of a line.
const LONGEST: usize = 16 << 10;
/// So many words are kept.
const WORDS: usize = 4_000;

/// What a target's inputs are made from.
#[derive(Debug, Clone)]
pub struct Seeds {
    /// Whole inputs.
    pub all: Vec<Vec<u8>>,
    /// Words in them.
    pub words: Vec<Vec<u8>>,
    /// Whether they are text.
    pub is_text: bool,
}

impl Seeds {
    /// Seeds of text.
    #[must_use]
    pub fn text(all: Vec<Vec<u8>>) -> Self {
        let all: Vec<Vec<u8>> = all.into_iter().map(cut).collect();
        let words: BTreeSet<&[u8]> = all
            .iter()
            .flat_map(|seed| seed.split(|&byte| !is_of_word(byte)))
            .filter(|word| (1..60).contains(&word.len()))
            .collect();
        let step = words.len().div_ceil(WORDS).max(1);
        let words = words.into_iter().step_by(step).map(<[u8]>::to_vec).collect();
        Self { all, words, is_text: true }
    }

    /// Seeds that are not text.
    #[must_use]
    pub fn binary(all: Vec<Vec<u8>>) -> Self {
        Self { all, words: Vec::new(), is_text: false }
    }

    /// These and `more`, such as inputs that were found before.
    #[must_use]
    pub fn and(mut self, more: Vec<Vec<u8>>) -> Self {
        self.all.extend(more);
        self
    }
}

/// Whether a byte is of a word, as the dictionary has them.
pub(crate) fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/')
}

/// `bytes` up to the end of a line that is near enough.
fn cut(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() > LONGEST {
        let end = bytes[..LONGEST].iter().rposition(|&byte| byte == b'\n').map_or(LONGEST, |end| end + 1);
        bytes.truncate(end);
    }
    bytes
}

/// The repository's folder.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files below `folders` of the repository whose path ends in one of `ends`, in their order; at most `most`, evenly.
///
/// # Panics
/// If there is none, or one cannot be read: a target without seeds tries nothing.
#[must_use]
pub fn files(folders: &[&str], ends: &[&str], most: usize) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    for folder in folders {
        gather(&repository().join(folder), &mut paths);
    }
    paths.retain(|path| ends.iter().any(|end| path.to_string_lossy().ends_with(end)));
    paths.sort();
    assert!(!paths.is_empty(), "no file in {folders:?} ends in one of {ends:?}");
    let step = paths.len().div_ceil(most).max(1);
    let read = |path: &PathBuf| fs::read(path).unwrap_or_else(|error| panic!("reading {}: {error}", path.display()));
    paths.iter().step_by(step).map(read).collect()
}

fn gather(path: &Path, paths: &mut Vec<PathBuf>) {
    if path.is_file() {
        paths.push(path.to_owned());
    }
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        gather(&entry.path(), paths);
    }
}
