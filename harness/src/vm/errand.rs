//! What a guest is sent for, and the news it sends back: one JSON text in, one line of JSON a piece of news out.

use lab_core::dataset::CellRecord;
use lab_core::plan::{Plan, Visit};
use lab_core::vocabulary::Clock;
use serde::{Deserialize, Serialize};

/// Where the guest finds its errand.
pub(crate) const PLACE: &str = "/errand.json";

/// What a guest is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Errand {
    pub(crate) plan: Plan,
    /// In this order.
    pub(crate) visits: Vec<Visit>,
    pub(crate) clock: Clock,
    /// Where the modules are that are to be loaded, in this order.
    pub(crate) modules: Vec<String>,
    /// What everything random in the guest comes from.
    pub(crate) entropy: Vec<u8>,
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
    /// Every visit was made.
    Done,
    /// It cannot go on.
    Broken { reason: String },
}
