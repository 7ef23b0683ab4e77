//! What programming a node cost, by part.

use crate::cell_error::CellError;
use crate::process::clock;
use crate::tool::ToolRun;
use guests::mark::Accounts;
use lab_core::metric::Metric;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What one operation of a driver cost: a load, a change, a single call.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Cost {
    /// The calls and requests alone, without what the lab does between them.
    pub(crate) wall: Duration,
    /// User time of the tools.
    pub(crate) user: Duration,
    /// System time of the tools.
    pub(crate) system: Duration,
    /// The largest resident memory of any tool, in bytes.
    pub(crate) peak_rss: u64,
    /// The wall time by part. Each part has a metric of its own.
    pub(crate) parts: BTreeMap<Metric, Duration>,
    /// What a driver that is a program of its own says or shows of itself.
    pub(crate) own: Vec<(Metric, f64)>,
    /// When the change was made known to such a driver.
    pub(crate) begun: Option<Instant>,
    /// The accounts on which its instructions are.
    pub(crate) accounts: Option<Accounts>,
}

impl Cost {
    /// What went into `part`.
    pub(crate) fn part(&self, part: Metric) -> Duration {
        self.parts.get(&part).copied().unwrap_or_default()
    }

    /// What was neither read nor removed from conntrack.
    pub(crate) fn writes(&self) -> Duration {
        self.wall.saturating_sub(self.part(Metric::SyncRead) + self.part(Metric::SyncConntrack))
    }

    /// Adds a request to `part`.
    pub(crate) fn add(&mut self, part: Metric, wall: Duration) {
        self.wall += wall;
        *self.parts.entry(part).or_default() += wall;
    }

    /// Adds a tool's run to `part`.
    pub(crate) fn add_run(&mut self, part: Metric, run: &ToolRun) {
        self.add(part, run.wall);
        self.user += run.user;
        self.system += run.system;
        self.peak_rss = self.peak_rss.max(run.peak_rss);
    }

    /// Adds the cost so far, by part, to the error of an operation that ran out of time.
    pub(crate) fn so_far(&self, error: CellError) -> CellError {
        let spent = self.parts.iter().filter(|(_, wall)| !wall.is_zero());
        let spent: Vec<String> = spent.map(|(part, wall)| format!("{part} {}", clock::spell(*wall))).collect();
        match error {
            CellError::OverBudget(reason) if !spent.is_empty() => {
                CellError::OverBudget(format!("{reason}; until then: {}", spent.join(", ")))
            }
            other => other,
        }
    }
}
