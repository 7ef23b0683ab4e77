//! What is not here.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What is not here, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// What is missing.
    pub why: String,
    /// What would help.
    pub remedy: String,
}

impl std::error::Error for Missing {}

impl fmt::Display for Missing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}; {}", self.why, self.remedy)
    }
}
