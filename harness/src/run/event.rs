//! What happens in a run, as the loop tells it to whoever records or shows it.

use anyhow::Result;
use guests::mark::Accounts;
use lab_core::dataset::CellRecord;
use lab_core::metric::Metric;
use lab_core::plan::{Plan, Visit};
use lab_core::profile::Entry;

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event<'a> {
    /// The run begins.
    Started(&'a Plan),
    /// A cell is about to be measured. Where there are several guests, several cells are at a time.
    CellStarted(&'a Visit),
    /// A visit to a cell is over; `records` is empty when the cell had nothing new to say.
    CellEnded { visit: &'a Visit, records: &'a [CellRecord] },
    /// On which accounts the samples of that visit were executed.
    Accounted { visit: &'a Visit, accounts: &'a [(Metric, Accounts)] },
    /// What was executed for the samples of a guest, by function.
    Profiled(&'a [Entry]),
    /// The plan is through, or the run was asked to stop.
    Ended,
}

/// Hears of everything that happens in a run.
pub(crate) trait Listener {
    /// Takes note of `event`. An error ends the run.
    fn hear(&mut self, event: Event<'_>) -> Result<()>;
}

/// Several listeners, told one after the other.
pub(crate) struct Everyone<'a>(pub(crate) Vec<&'a mut dyn Listener>);

impl Listener for Everyone<'_> {
    fn hear(&mut self, event: Event<'_>) -> Result<()> {
        self.0.iter_mut().try_for_each(|listener| listener.hear(event))
    }
}
