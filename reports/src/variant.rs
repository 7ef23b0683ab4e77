//! A backend as it was run: with its way, and with what IPVS was told.

use crate::results::Results;
use lab_core::plan::Cell;
use lab_core::summary::Row;
use lab_core::vocabulary::{BackendName, Forwarding, Position, ProbeName, Scheduler, Way, Word};
use std::collections::BTreeSet;

/// What a row of a table, a line of a chart or a clause of a sentence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Variant {
    pub(crate) backend: BackendName,
    pub(crate) scheduler: Option<Scheduler>,
    pub(crate) forwarding: Option<Forwarding>,
    pub(crate) way: Way,
}

impl Variant {
    pub(crate) fn of(row: &Row) -> Self {
        let Row { backend, scheduler, forwarding, way, .. } = *row;
        Self { backend, scheduler, forwarding, way }
    }

    /// The point of the plan at which it is asked `probe`.
    pub(crate) fn cell(self, services: u32, endpoints: u32, probe: ProbeName, position: Option<Position>) -> Cell {
        let Self { backend, scheduler, forwarding, way } = self;
        Cell { services, endpoints, backend, scheduler, forwarding, way, probe, position }
    }
}

impl Results<'_> {
    /// The variants that `probe` was asked of, in the order of tables.
    pub(crate) fn variants(&self, probe: ProbeName) -> BTreeSet<Variant> {
        self.rows.iter().filter(|row| row.probe == probe).map(Variant::of).collect()
    }

    /// What `variant` is called among those that `probe` and its like were asked of: `ipvs (batched)`.
    ///
    /// The way of loading a node says nothing of a probe that only sends packets through it. What kube-proxy does unless
    /// it is told otherwise is said only where there is something else beside it.
    pub(crate) fn name(&self, variant: Variant, probe: ProbeName) -> String {
        let alike = |row: &&Row| row.backend == variant.backend && row.probe.programs() == probe.programs();
        let alike: BTreeSet<Variant> = self.rows.iter().filter(alike).map(Variant::of).collect();
        let several = |differs: fn(&Variant, &Variant) -> bool| alike.iter().any(|other| differs(&variant, other));
        let usual = variant.way == Way::of(variant.backend)[0];
        let mut parts = Vec::new();
        if probe.programs() && (!usual || several(|one, other| one.way != other.way)) {
            parts.push(variant.way.name());
        }
        if let Some(scheduler) = variant.scheduler
            && (scheduler != Scheduler::RoundRobin || several(|one, other| one.scheduler != other.scheduler))
        {
            parts.push(scheduler.name());
        }
        if let Some(forwarding) = variant.forwarding
            && (forwarding != Forwarding::Masquerading || several(|one, other| one.forwarding != other.forwarding))
        {
            parts.push(forwarding.name());
        }
        match parts.as_slice() {
            [] => variant.backend.name().to_owned(),
            parts => format!("{} ({})", variant.backend, parts.join(", ")),
        }
    }
}
