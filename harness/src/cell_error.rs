//! Why a cell has no samples: the error type of everything between the run loop and the kernel.

pub(crate) use guests::Missing;
use lab_core::vocabulary::Outcome;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a cell ended that was not measured, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CellError {
    /// It cannot run here: why, and what would help.
    Skipped(String),
    /// It went wrong: what was seen.
    Failed(String),
    /// It ran into its time limit: how far it came.
    OverBudget(String),
    /// The run was asked to stop. This says nothing of the cell, and leaves no record.
    Interrupted,
}

impl CellError {
    pub(crate) fn reason(&self) -> &str {
        self.outcome().map_or("interrupted", |(_, reason)| reason)
    }

    /// For what has nothing to do with the cell's budget: running out of time there is a failure.
    pub(crate) fn into_failure(self) -> Self {
        match self {
            Self::OverBudget(reason) => Self::Failed(reason),
            other => other,
        }
    }

    /// The outcome and its reason, for the cell's record.
    pub(crate) fn outcome(&self) -> Option<(Outcome, &str)> {
        match self {
            Self::Skipped(reason) => Some((Outcome::Skipped, reason)),
            Self::Failed(reason) => Some((Outcome::Failed, reason)),
            Self::OverBudget(reason) => Some((Outcome::OverBudget, reason)),
            Self::Interrupted => None,
        }
    }
}

impl From<anyhow::Error> for CellError {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(format!("{error:#}"))
    }
}

/// Why a backend or a probe cannot be measured here, whatever the cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Obstacle {
    /// A program is not installed, or the kernel has no such thing.
    Missing(Missing),
    /// All of it is here, and does not do what it is for: what was seen.
    Broken(String),
}

impl From<Missing> for Obstacle {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(missing) => missing.fmt(out),
            Self::Broken(why) => out.write_str(why),
        }
    }
}

/// What is missing is skipped. What is broken has failed.
impl From<Obstacle> for CellError {
    fn from(obstacle: Obstacle) -> Self {
        match obstacle {
            Obstacle::Missing(missing) => Self::Skipped(missing.to_string()),
            Obstacle::Broken(why) => Self::Failed(why),
        }
    }
}
