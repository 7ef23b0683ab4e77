//! Why there is no cluster to be had from what was given.

use crate::note::{Note, shown};
use std::fmt;

/// Why inputs are not a dump of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The input's name, or the names of all of them.
    pub input: String,
    /// Its line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// Its bytes are no text.
    #[error("it is no text in UTF-8; if it is one in another encoding, save it in UTF-8")]
    NotText,
    /// It ends in the middle of a JSON document.
    #[error("it is cut off: the JSON document ends too early")]
    Cut,
    /// It is not JSON.
    #[error("{0}")]
    NotJson(String),
    /// It is not YAML, nor JSON.
    #[error("it is neither JSON nor YAML ({0})")]
    NotYaml(String),
    /// It is a text, such as the table that kubectl prints without `-o json`.
    #[error("it is not JSON or YAML of Kubernetes; it begins with: {0}")]
    Prose(String),
    /// There are only objects of other kinds in it.
    #[error("it is a {0}, not a list of Services and EndpointSlices")]
    Kind(String),
    /// There is no Service in it.
    #[error("there is no Service in it")]
    NoService,
    /// No Service of it can be used; this is one reason.
    #[error("there is no Service in it that can be used; {0}")]
    NoUsable(Note),
}

impl Unreadable {
    pub(crate) fn of(input: &str, problem: Problem) -> Self {
        Self { input: shown(input), line: None, problem }
    }

    pub(crate) fn at(input: &str, line: usize, problem: Problem) -> Self {
        Self { line: Some(line), ..Self::of(input, problem) }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:", self.input)?;
        if let Some(line) = self.line {
            write!(out, "{line}:")?;
        }
        write!(out, " {}; make it with: kubectl get services,endpointslices -A -o json", self.problem)
    }
}

impl std::error::Error for Unreadable {}
