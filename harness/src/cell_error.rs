//! Why a cell has no samples: the error type of everything between the run loop and the kernel.

pub(crate) use guests::Missing;
use lab_core::vocabulary::Outcome;

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
