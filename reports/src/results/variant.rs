//! A variant in one of the runs.

use super::{Found, Place, Results, Row};
use lab_core::cell::{Activity, Cell, ClusterSpec, Contender, Source, Variant};
use lab_core::metric::Metric;
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
    /// What runs beside the probe.
    pub(crate) activity: Activity,
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
        let Cell { cluster: ClusterSpec { source, .. }, variant, access, from, activity, .. } = row.cell;
        Self { variant, source, access, from, activity, run: row.run }
    }

    /// The cell at which it is asked `probe` in `cluster`.
    fn within(self, cluster: ClusterSpec, probe: ProbeName, position: Option<Position>) -> Cell {
        let Self { variant, access, from, activity, .. } = self;
        Cell { cluster, variant, probe, position, access, from, activity }
    }

    /// What it is to whoever asks `probe`.
    fn asked(self, probe: ProbeName) -> Contender {
        self.within(ClusterSpec { services: 1, endpoints: 1, source: self.source }, probe, None).contender()
    }
}

impl Results<'_> {
    /// The variants that `probe` was asked of, in the order of tables.
    pub(crate) fn variants(&self, probe: ProbeName) -> BTreeSet<VariantRun> {
        self.asked.keys().filter(|(asked, _)| *asked == probe).map(|(_, variant)| *variant).collect()
    }

    /// The cell at which `variant` is asked `probe`, in the run's own cluster of that size; `None` where it is not.
    ///
    /// `None` endpoints are the most that it was asked with, or those of an imported cluster, which has its own.
    pub(crate) fn place(
        &self,
        variant: VariantRun,
        services: u32,
        endpoints: Option<u32>,
        probe: ProbeName,
        position: Option<Position>,
    ) -> Option<Place> {
        let clusters = self.asked.get(&(probe, variant))?;
        let wanted = endpoints.or_else(|| clusters.iter().map(|cluster| cluster.endpoints).max());
        let mut of_size = clusters.iter().filter(|cluster| cluster.services == services);
        let imported =
            |cluster: &&ClusterSpec| endpoints.is_none() && matches!(cluster.source, Source::Imported { .. });
        let exact = of_size.clone().find(|cluster| Some(cluster.endpoints) == wanted);
        let cluster = *exact.or_else(|| of_size.find(imported))?;
        Some(Place { run: variant.run, cell: variant.within(cluster, probe, position) })
    }

    /// What there is to say of `metric` at that cell.
    pub(crate) fn at(
        &self,
        variant: VariantRun,
        services: u32,
        endpoints: Option<u32>,
        (probe, position): (ProbeName, Option<Position>),
        metric: Metric,
    ) -> Found<'_> {
        let place = self.place(variant, services, endpoints, probe, position);
        place.map_or(Found::NotAsked, |place| self.find(place, metric))
    }

    /// What `variant` is called: `ipvs (batched)`; with several runs also which one it is of: `ipvs (batched) · 6.1.0-56`.
    pub(crate) fn name(&self, variant: VariantRun, probe: ProbeName) -> String {
        self.backend(variant, probe) + &self.label(variant.run)
    }

    /// What `variant` is called among those that `probe` and its like were asked of, whichever run it is of.
    pub(crate) fn backend(&self, variant: VariantRun, probe: ProbeName) -> String {
        let alike = self.asked.keys().filter(|(asked, _)| asked.programs() == probe.programs());
        self.named(variant.asked(probe), alike.map(|(asked, other)| other.asked(*asked)))
    }

    /// What `contender` is called among others, `alike`; without what runs beside all cells, which tells none apart.
    pub(crate) fn named(&self, contender: Contender, alike: impl Iterator<Item = Contender>) -> String {
        let shared = self.beside_all().is_some();
        let told =
            |one: Contender| Contender { activity: if shared { Activity::default() } else { one.activity }, ..one };
        told(contender).name(&alike.map(told).collect::<Vec<_>>())
    }

    /// What runs beside every cell of every run; `None` where nothing does, or not the same.
    pub(crate) fn beside_all(&self) -> Option<String> {
        let mut activities = self.asked.keys().map(|(_, variant)| variant.activity);
        let first = activities.next()?;
        first.phrase().filter(|_| activities.all(|other| other == first))
    }
}
