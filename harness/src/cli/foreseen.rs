//! What of a plan's clusters a layout cannot install, said before a run.

use crate::backend::Options;
use crate::lab::node;
use lab_core::cell::Cell;
use lab_core::plan::Plan;
use lab_core::units;
use std::collections::BTreeSet;

/// How many objects are named for each load.
const NAMED: usize = 3;

/// A line for each object, of each load at most [`NAMED`] and how many more there are.
pub(super) fn caveats(plan: &Plan) -> Vec<String> {
    let loads: BTreeSet<_> = plan.cells.iter().map(Cell::guest_load).collect();
    let mut lines = Vec::new();
    for load in loads {
        let (Some(layout), Ok((_, cluster))) = (Options::of(&load, plan).layout(), node::cluster(&load, plan)) else {
            continue;
        };
        let found = layout.caveats(&cluster);
        let services = units::count(load.cluster.services.into());
        let place = format!("{} ({}) at {services} Services", load.variant.backend, load.variant.layout);
        lines.extend(found.iter().take(NAMED).map(|caveat| format!("{place}: {caveat}")));
        if let Some(more) = found.len().checked_sub(NAMED).filter(|&more| more > 0) {
            lines.push(format!("{place}: {more} more like these"));
        }
    }
    lines
}
