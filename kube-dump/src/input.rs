//! Something to read: its name for messages, and its bytes.

use crate::unreadable::{Problem, Unreadable};
use std::borrow::Cow;
use std::char::{REPLACEMENT_CHARACTER, decode_utf16};

/// How an input came to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The user named it: if it cannot be read, that is an error.
    Named,
    /// It was in a folder or an archive: if it cannot be read, it is passed over and counted, or noted if it is cut off.
    Found,
}

/// One file, or what stands for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// What messages call it, such as its path.
    pub name: String,
    /// What is in it: JSON or YAML, in UTF-8 or with a mark of its order in UTF-16.
    pub bytes: Vec<u8>,
    /// How it came to be read.
    pub origin: Origin,
}

impl Input {
    /// An input that the user named.
    #[must_use]
    pub fn named(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into(), origin: Origin::Named }
    }

    /// Its text. PowerShell redirects into UTF-16, and editors of Windows put a mark before UTF-8.
    ///
    /// # Errors
    /// If it is neither. The message names the line.
    pub fn text(&self) -> Result<Cow<'_, str>, Unreadable> {
        let units = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
            let units = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
            decode_utf16(units).map(|letter| letter.unwrap_or(REPLACEMENT_CHARACTER)).collect::<String>()
        };
        match &self.bytes[..] {
            [0xff, 0xfe, rest @ ..] => Ok(units(rest, u16::from_le_bytes).into()),
            [0xfe, 0xff, rest @ ..] => Ok(units(rest, u16::from_be_bytes).into()),
            [0xef, 0xbb, 0xbf, rest @ ..] | rest => match std::str::from_utf8(rest) {
                Ok(text) => Ok(text.into()),
                Err(error) => {
                    let before = &rest[..error.valid_up_to()];
                    let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
                    Err(Unreadable::at(&self.name, line, Problem::NotText))
                }
            },
        }
    }
}
