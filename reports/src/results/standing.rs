//! How the backends stand to each other at one size: which cost least, and how much more the others cost.

use super::Results;
use super::clock::Between;
use super::cost::Cost;
use super::variant::VariantRun;
use analysis::summary::Figures;
use lab_core::cell::{Interned, Variant};
use lab_core::vocabulary::{BackendName, LayoutName, Outcome, Word};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Up to what ratio two costs are called alike: nobody chooses a backend for less.
pub(crate) const ALIKE: f64 = 1.1;

/// What one can choose: a backend, with the rules of a layout, on a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pick {
    pub(crate) backend: BackendName,
    layout: LayoutName,
    kernel: Option<Interned>,
    /// Whether the backend was measured with other layouts, too, so that the layout has to be named.
    is_one_of_several: bool,
}

impl fmt::Display for Pick {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layout = Some(self.layout.name()).filter(|_| self.is_one_of_several);
        let parts: Vec<&str> = layout.into_iter().chain(self.kernel.map(Interned::as_str)).collect();
        match parts.as_slice() {
            [] => self.backend.fmt(out),
            parts => write!(out, "{} ({})", self.backend, parts.join(", ")),
        }
    }
}

impl Results<'_> {
    /// What `variant` is to whoever chooses.
    fn pick(&self, variant: VariantRun) -> Pick {
        let Variant { backend, layout, kernel, .. } = *variant;
        let other = |one: &VariantRun| one.backend == backend && one.layout != layout;
        Pick { backend, layout, kernel, is_one_of_several: self.asked.keys().any(|(_, one)| other(one)) }
    }
}

/// The backends of one run at one size, by one cost.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    /// Those that cost least: the cheapest, and whatever is alike.
    pub(crate) least: Vec<Entry>,
    /// The others, the cheapest first.
    pub(crate) more: Vec<Entry>,
    /// Those that have no figure, and what became of them.
    pub(crate) absent: Vec<(VariantRun, Pick, Outcome)>,
}

/// A backend's cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) variant: VariantRun,
    pub(crate) pick: Pick,
    pub(crate) figures: Figures,
    /// Against the cheapest; `None` where that costs nothing.
    pub(crate) ratio: Option<f64>,
    /// Whether it is known how it stands to the cheapest. A single sample on a wall clock knows nothing, nor do wide
    /// intervals that overlap.
    pub(crate) known: bool,
}

impl Standing {
    /// How the backends of `run` stand at `services`; `None` when none of them was asked.
    pub(crate) fn of(results: &Results, run: usize, cost: Cost, services: u32) -> Option<Self> {
        let mut standing = Self::default();
        let mut measured: Vec<(VariantRun, Figures)> = Vec::new();
        for variant in backends(results, run, cost) {
            let Some(row) = results.cost(cost, variant, services).row() else { continue };
            match row.figures.filter(|_| row.outcome == Outcome::Measured) {
                Some(figures) => measured.push((variant, figures)),
                None => standing.absent.push((variant, results.pick(variant), row.outcome)),
            }
        }
        measured.sort_by(|(_, one), (_, other)| one.p50.total_cmp(&other.p50));
        if let Some(&(_, cheapest)) = measured.first() {
            for (variant, figures) in measured {
                let ratio = Some(figures.p50 / cheapest.p50).filter(|ratio| ratio.is_finite());
                let known = results.between(&cheapest, &figures) != Between::Unknown;
                let bounded = results.bounds(&cheapest).is_some() && results.bounds(&figures).is_some();
                let overlap = bounded && !results.differ(&cheapest, &figures);
                let alike = ratio.map_or(figures.p50 == cheapest.p50, |ratio| ratio < ALIKE) || overlap;
                let entry = Entry { variant, pick: results.pick(variant), figures, ratio, known };
                if alike { standing.least.push(entry) } else { standing.more.push(entry) }
            }
        }
        (!standing.least.is_empty() || !standing.absent.is_empty()).then_some(standing)
    }

    /// The backends that cannot be said to cost more than another.
    pub(crate) fn best(&self) -> BTreeSet<Pick> {
        let unknown = self.more.iter().filter(|entry| !entry.known);
        self.least.iter().chain(unknown).map(|entry| entry.pick).collect()
    }

    /// Whether it is known of every backend how it stands.
    pub(crate) fn is_known(&self) -> bool {
        self.measured().all(|entry| entry.known)
    }

    /// Every backend that has a figure, the cheapest first.
    pub(crate) fn measured(&self) -> impl Iterator<Item = &Entry> {
        self.least.iter().chain(&self.more)
    }
}

/// Every backend of `run` that `cost` was asked of, the way kube-proxy drives it where there are several ways; `direct`,
/// which nobody can choose, is none of them.
fn backends(results: &Results, run: usize, cost: Cost) -> Vec<VariantRun> {
    let mut backends: BTreeMap<(BackendName, LayoutName, Option<Interned>), VariantRun> = BTreeMap::new();
    for variant in results.variants(cost.probe()) {
        if variant.run == run && variant.backend != BackendName::Direct {
            backends.entry((variant.backend, variant.layout, variant.kernel)).or_insert(variant);
        }
    }
    backends.into_values().collect()
}

/// What is best at one size: the backends that cost least of all that is paid again and again.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) services: u32,
    /// How they stand, by each cost that was measured there.
    pub(crate) standings: Vec<(Cost, Standing)>,
    /// Those that cost least by each of them; none where one costs least of this and another of that.
    pub(crate) best: BTreeSet<Pick>,
    /// Whether it is known of all of them how they stand.
    pub(crate) known: bool,
    /// Everything that was measured there.
    pub(crate) measured: BTreeSet<Pick>,
    /// Those that were not measured there by some of these costs, and what became of them.
    pub(crate) unmeasured: BTreeMap<Pick, Outcome>,
    /// Of the best, those whose cold start has no figure, and what became of it.
    pub(crate) unloaded: BTreeMap<Pick, Outcome>,
}

impl Choice {
    /// Whether one that was not measured could be the best. One that was skipped cannot be had on this machine, and one that
    /// costs more by another of the costs is not the best of both.
    pub(crate) fn is_open(&self) -> bool {
        let costs_more =
            |pick: &Pick| self.standings.iter().any(|(_, standing)| standing.more.iter().any(|one| one.pick == *pick));
        self.unmeasured.iter().any(|(pick, outcome)| *outcome != Outcome::Skipped && !costs_more(pick))
    }

    /// Of the best, those that can be recommended: they could be loaded, and everything that could be better was measured.
    pub(crate) fn advised(&self) -> Vec<Pick> {
        if !self.known || self.is_open() {
            return Vec::new();
        }
        self.best.iter().copied().filter(|pick| !self.unloaded.contains_key(pick)).collect()
    }
}

/// What is best in `run` at each size where at least two backends were measured by one of the steady costs.
pub(crate) fn choices(results: &Results, run: usize) -> Vec<Choice> {
    let sizes = results.sizes_of(run);
    let at = |services: u32| {
        let standings: Vec<(Cost, Standing)> = Cost::STEADY
            .into_iter()
            .filter_map(|cost| Some((cost, Standing::of(results, run, cost, services)?)))
            .filter(|(_, standing)| !standing.least.is_empty())
            .collect();
        if standings.iter().all(|(_, standing)| standing.measured().count() < 2) {
            return None;
        }
        let mut best = standings.iter().map(|(_, standing)| standing.best());
        let first = best.next()?;
        let best = best.fold(first, |best, other| best.intersection(&other).copied().collect());
        let known = standings.iter().all(|(_, standing)| standing.is_known());
        let all = || standings.iter().map(|(_, standing)| standing);
        let measured = all().flat_map(Standing::measured).map(|entry| entry.pick).collect();
        let absent =
            |standing: &Standing| standing.absent.clone().into_iter().map(|(_, pick, outcome)| (pick, outcome));
        let unmeasured = all().flat_map(absent).collect();
        let cold = Standing::of(results, run, Cost::ColdStart, services).unwrap_or_default();
        let unloaded = absent(&cold).filter(|(pick, _)| best.contains(pick)).collect();
        Some(Choice { services, standings, best, known, measured, unmeasured, unloaded })
    };
    sizes.into_iter().filter_map(at).collect()
}
