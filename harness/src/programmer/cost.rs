//! What a sync costs, by what it goes into.

use crate::cell_error::CellError;
use crate::meter::mark::Accounts;
use crate::process::clock;
use crate::tool::ToolRun;
use lab_core::layout::Part;
use std::collections::BTreeMap;
use std::time::Duration;

/// What it cost to program a node: every call and request of one sync.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cost {
    /// The calls and requests alone, without what the lab does between them.
    pub(crate) wall: Duration,
    /// User time of the tools.
    pub(crate) user: Duration,
    /// System time of the tools.
    pub(crate) system: Duration,
    /// The largest resident memory of any tool, in bytes.
    pub(crate) peak_rss: u64,
    /// The wall time by what it went into.
    pub(crate) parts: BTreeMap<Part, Duration>,
    /// What was executed for it.
    pub(crate) accounts: Option<Accounts>,
}

impl Cost {
    pub(super) fn add(&mut self, part: Part, wall: Duration) {
        self.wall += wall;
        *self.parts.entry(part).or_default() += wall;
    }

    /// Adds to a cell's end by its budget what the parts cost that were through.
    pub(super) fn so_far(&self, ended: CellError) -> CellError {
        let spent = self.parts.iter().filter(|(_, wall)| !wall.is_zero());
        let spent: Vec<String> = spent.map(|(part, wall)| format!("{} {}", name(*part), clock::spell(*wall))).collect();
        match ended {
            CellError::OverBudget(reason) if !spent.is_empty() => {
                CellError::OverBudget(format!("{reason}; until then: {}", spent.join(", ")))
            }
            other => other,
        }
    }

    pub(super) fn add_run(&mut self, part: Part, run: &ToolRun) {
        self.add(part, run.wall);
        self.user += run.user;
        self.system += run.system;
        self.peak_rss = self.peak_rss.max(run.peak_rss);
    }
}

fn name(part: Part) -> &'static str {
    match part {
        Part::Rules => "rules",
        Part::Sets => "sets",
        Part::Addresses => "addresses",
        Part::VirtualServers => "virtual servers",
    }
}
