//! What happens in a run, as the loop tells it to whoever records or shows it.

use anyhow::Result;
use lab_core::dataset::CellRecord;
use lab_core::plan::{Cell, Plan};

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event<'a> {
    /// The run begins.
    Started(&'a Plan),
    /// A cell is about to be measured; `done` of the run's `total` visits are behind it.
    CellStarted { cell: &'a Cell, done: u64, total: u64 },
    /// A visit to a cell is over; `records` is empty when the cell had nothing new to say.
    CellEnded { cell: &'a Cell, records: &'a [CellRecord] },
    /// The loop is through, or was asked to stop.
    Ended,
}

/// Hears of everything that happens in a run.
pub(crate) trait Listener {
    /// Takes note of `event`. An error ends the run.
    fn hear(&mut self, event: Event<'_>) -> Result<()>;
}
