//! A variant in one of the runs.

use super::{Place, Results, Row};
use lab_core::cell::{Cell, ClusterSpec, Contender, Source, Variant};
use lab_core::vocabulary::{Access, Origin, Position, ProbeName};
use std::collections::BTreeSet;
use std::ops::Deref;

/// What a row of a table, a line of a chart or a clause of a sentence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct VariantRun {
    pub(crate) variant: Variant,
    /// What its Services are like, as what they are dialled, and from where.
    pub(crate) source: Source,
    pub(crate) access: Access,
    pub(crate) from: Origin,
    /// The run's number among the runs: last, so that a variant stands beside itself.
    pub(crate) run: usize,
}

impl Deref for VariantRun {
    type Target = Variant;
    fn deref(&self) -> &Variant {
        &self.variant
    }
}

impl VariantRun {
    pub(crate) fn of(row: &Row) -> Self {
        let Cell { cluster: ClusterSpec { source, .. }, variant, access, from, .. } = row.cell;
        Self { variant, source, access, from, run: row.run }
    }

    /// The cell at which it is asked `probe`.
    pub(crate) fn place(self, services: u32, endpoints: u32, probe: ProbeName, position: Option<Position>) -> Place {
        let Self { variant, source, access, from, run } = self;
        let cluster = ClusterSpec { services, endpoints, source };
        Place { run, cell: Cell { cluster, variant, probe, position, access, from } }
    }

    /// What it is to whoever asks `probe`.
    fn asked(self, probe: ProbeName) -> Contender {
        self.place(1, 1, probe, None).cell.contender()
    }
}

impl Results<'_> {
    /// The variants that `probe` was asked of, in the order of tables.
    pub(crate) fn variants(&self, probe: ProbeName) -> BTreeSet<VariantRun> {
        self.asked.keys().filter(|(asked, _)| *asked == probe).map(|(_, variant)| *variant).collect()
    }

    /// The most endpoints a Service that `variant` was asked `probe` with; `None` when it was not asked.
    pub(crate) fn endpoints(&self, variant: VariantRun, probe: ProbeName) -> Option<u32> {
        self.asked.get(&(probe, variant)).copied()
    }

    /// What `variant` is called: `ipvs (batched)`; with several runs also which one it is of: `ipvs (batched) · 6.1.0-56`.
    pub(crate) fn name(&self, variant: VariantRun, probe: ProbeName) -> String {
        self.backend(variant, probe) + &self.label(variant.run)
    }

    /// What `variant` is called among those that `probe` and its like were asked of, whichever run it is of.
    pub(crate) fn backend(&self, variant: VariantRun, probe: ProbeName) -> String {
        let alike = self.asked.keys().filter(|(asked, _)| asked.programs() == probe.programs());
        let alike: Vec<_> = alike.map(|(asked, other)| other.asked(*asked)).collect();
        variant.asked(probe).name(&alike)
    }
}
