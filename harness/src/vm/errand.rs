//! What a guest is sent for, and the news it sends back: one JSON text in, one line of JSON a piece of news out.

use crate::meter::mark::Accounts;
use crate::planting::Planting;
use lab_core::dataset::CellRecord;
use lab_core::metric::Metric;
use lab_core::plan::{Plan, Visit};
use lab_core::vocabulary::Clock;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where the guest finds its errand.
pub(crate) const PLACE: &str = "/errand.json";

/// What a guest is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Errand {
    pub(crate) task: Task,
    pub(crate) clock: Clock,
    /// Where the modules are that are to be loaded, in this order.
    pub(crate) modules: Vec<String>,
    /// What everything random in the guest comes from.
    pub(crate) entropy: Vec<u8>,
}

/// What it is sent for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Task {
    /// Visits of a plan, in this order. The plan has no cells, or other cells would make it another guest.
    Visits { plan: Plan, visits: Vec<Visit>, planting: Planting },
    /// A program to run.
    Program(Program),
}

/// A program that was put into a guest, and how it is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Program {
    pub(crate) file: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// Names and values, beside `PATH`.
    pub(crate) environment: Vec<(String, String)>,
}

/// Where a program writes a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stream {
    Output,
    Error,
}

/// What a guest tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum News {
    /// It is up and about to begin.
    Ready,
    /// A cell is about to be measured.
    CellStarted(Visit),
    /// A visit is over.
    CellEnded { visit: Visit, records: Vec<CellRecord> },
    /// On which accounts the samples of that visit were executed.
    Accounted { visit: Visit, accounts: Vec<(Metric, Accounts)> },
    /// Every visit was made.
    Done,
    /// Where functions of the kernel and its modules begin, as `/proc/kallsyms` has it.
    Symbols { text: String },
    /// The program wrote a line.
    Said { stream: Stream, line: String },
    /// The program has ended with this exit code (128+n after signal n).
    Exited { code: u8 },
    /// It cannot go on.
    Broken { reason: String },
}
