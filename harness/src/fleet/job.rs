//! What a guest of a run is to do, and what it tells.

use crate::self_test::fault::Faults;
use guests::Program;
use guests::mark::Accounts;
use lab_core::dataset::CellRecord;
use lab_core::metric::Metric;
use lab_core::plan::{Plan, Visit};
use lab_core::vocabulary::Clock;
use serde::{Deserialize, Serialize};

/// What a guest is started for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// Visits of a plan, in this order. The plan has no cells, or other cells would make it another guest.
    Visits { plan: Plan, visits: Vec<Visit>, faults: Faults, clock: Clock },
    /// A program to run.
    Program(Program),
}

/// What a guest tells of its visits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Progress {
    /// A cell is about to be measured.
    CellStarted(Visit),
    /// A visit is over.
    CellEnded { visit: Visit, records: Vec<CellRecord> },
    /// On which accounts the samples of that visit were executed.
    Accounted { visit: Visit, accounts: Vec<(Metric, Accounts)> },
}
