//! What of a plan's clusters a layout cannot install, said before a run.

use crate::backend::Options;
use crate::lab::node;
use lab_core::cell::Cell;
use lab_core::plan::Plan;
use std::collections::BTreeSet;

/// As many objects are named for each load.
const NAMED: usize = 3;

/// A line for each object of each load, the first few at least.
pub(super) fn caveats(plan: &Plan) -> Vec<String> {
    let loads: BTreeSet<_> = plan.cells.iter().map(Cell::guest_load).collect();
    let mut lines = Vec::new();
    for load in loads {
        let (Some(layout), Ok((_, cluster))) = (Options::of(&load, plan).layout(), node::cluster(&load, plan)) else {
            continue;
        };
        let found = layout.caveats(&cluster);
        let place = format!("{} ({}) at {} Services", load.variant.backend, load.variant.layout, load.cluster.services);
        lines.extend(found.iter().take(NAMED).map(|caveat| format!("{place}: {caveat}")));
        if let Some(more) = found.len().checked_sub(NAMED).filter(|&more| more > 0) {
            lines.push(format!("{place}: {more} more like these"));
        }
    }
    lines
}
