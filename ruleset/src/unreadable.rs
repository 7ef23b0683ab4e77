//! Why a text cannot be read or applied.

/// A line that cannot be read, or that the kernel would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Unreadable {
    /// Its number, from 1.
    pub line: usize,
    /// Why.
    pub reason: String,
}

impl Unreadable {
    pub(crate) fn new(line: usize, reason: impl Into<String>) -> Self {
        Self { line, reason: reason.into() }
    }
}
