//! What a guest of a run does, and the messages it sends about it.

use crate::self_test::fault::Faults;
use guests::Program;
use guests::mark::Accounts;
use lab_core::dataset::CellRecord;
use lab_core::plan::{Plan, Visit};
use lab_core::vocabulary::Clock;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// Visits of a plan, in this order. The plan has no cells: with other cells the guest would be a different one.
    Visits {
        plan: Box<Plan>,
        visits: Vec<Visit>,
        faults: Faults,
        clock: Clock,
    },
    Program(Program),
}

/// What a guest sends about its visits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Progress {
    /// A cell is about to be measured.
    CellStarted(Visit),
    CellEnded {
        visit: Visit,
        records: Vec<CellRecord>,
        /// Of each record, the accounts on which its samples were executed.
        accounts: Vec<Vec<Accounts>>,
    },
}
