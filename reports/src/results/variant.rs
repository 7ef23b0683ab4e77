//! A backend as it was run: with its way, with what IPVS was told, and in which of the runs.

use super::{Place, Results, Row};
use analysis::summary;
use lab_core::plan::Cell;
use lab_core::variant;
use lab_core::vocabulary::{BackendName, Forwarding, Position, ProbeName, Scheduler, Way};
use std::collections::BTreeSet;

/// What a row of a table, a line of a chart or a clause of a sentence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Variant {
    pub(crate) backend: BackendName,
    pub(crate) scheduler: Option<Scheduler>,
    pub(crate) forwarding: Option<Forwarding>,
    pub(crate) way: Way,
    /// The run's number among the runs: last, so that a backend stands beside itself.
    pub(crate) run: usize,
}

impl Variant {
    pub(crate) fn of(row: &Row) -> Self {
        let summary::Row { backend, scheduler, forwarding, way, .. } = **row;
        Self { backend, scheduler, forwarding, way, run: row.run }
    }

    /// What it is to whoever asks `probe`, in whichever run.
    fn asked(self, probe: ProbeName) -> variant::Variant {
        let Self { backend, scheduler, forwarding, way, .. } = self;
        variant::Variant { backend, way: probe.programs().then_some(way), scheduler, forwarding }
    }

    /// The cell at which it is asked `probe`.
    pub(crate) fn place(self, services: u32, endpoints: u32, probe: ProbeName, position: Option<Position>) -> Place {
        let Self { backend, scheduler, forwarding, way, run } = self;
        Place { run, cell: Cell { services, endpoints, backend, scheduler, forwarding, way, probe, position } }
    }
}

impl Results<'_> {
    /// The variants that `probe` was asked of, in the order of tables.
    pub(crate) fn variants(&self, probe: ProbeName) -> BTreeSet<Variant> {
        self.asked.keys().filter(|(asked, _)| *asked == probe).map(|(_, variant)| *variant).collect()
    }

    /// The most endpoints a Service that `variant` was asked `probe` with; `None` when it was not asked.
    pub(crate) fn endpoints(&self, variant: Variant, probe: ProbeName) -> Option<u32> {
        self.asked.get(&(probe, variant)).copied()
    }

    /// What `variant` is called: `ipvs (batched)`; with several runs also which one it is of: `ipvs (batched) · 6.1.0-56`.
    pub(crate) fn name(&self, variant: Variant, probe: ProbeName) -> String {
        self.backend(variant, probe) + &self.label(variant.run)
    }

    /// What `variant` is called among those that `probe` and its like were asked of, whichever run it is of.
    ///
    /// The way of loading a node says nothing of a probe that only sends packets through it. What kube-proxy does unless
    /// it is told otherwise is said only where there is something else beside it.
    pub(crate) fn backend(&self, variant: Variant, probe: ProbeName) -> String {
        let alike = self.asked.keys().filter(|(asked, _)| asked.programs() == probe.programs());
        let alike: Vec<_> = alike.map(|(asked, other)| other.asked(*asked)).collect();
        variant.asked(probe).name(&alike)
    }
}
