//! The events of a run, which the loop sends to what records or shows them.

use anyhow::Result;
use guests::mark::Accounts;
use lab_core::dataset::CellRecord;
use lab_core::plan::{Plan, Visit};
use lab_core::profile::Entry;

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event<'a> {
    Started(&'a Plan),
    /// A cell is about to be measured. With several guests, several cells are measured at a time.
    CellStarted(&'a Visit),
    /// A visit to a cell is over. `records` is empty when there is nothing new.
    CellEnded {
        visit: &'a Visit,
        records: &'a [CellRecord],
        /// Of each record, the accounts with the instructions of its samples: as many as there are samples, or none.
        accounts: &'a [Vec<Accounts>],
    },
    /// The instructions of a guest's samples, by function.
    Profiled(&'a [Entry]),
    /// The run is over: all cells were visited, or it was asked to stop.
    Ended,
}

pub(crate) trait Listener {
    /// Handles `event`. An error ends the run.
    fn hear(&mut self, event: Event<'_>) -> Result<()>;
}

/// Several listeners, called one after the other.
pub(crate) struct Everyone<'a>(pub(crate) Vec<&'a mut dyn Listener>);

impl Listener for Everyone<'_> {
    fn hear(&mut self, event: Event<'_>) -> Result<()> {
        self.0.iter_mut().try_for_each(|listener| listener.hear(event))
    }
}
