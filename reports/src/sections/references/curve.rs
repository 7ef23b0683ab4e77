//! A published series, and the measured figures beside it, over the sizes.

use crate::results::clock::Between;
use crate::results::variant::VariantRun;
use crate::results::{Found, Results};
use analysis::summary::Figures;
use lab_core::reference::{Measured, Pair, Reference, Series};
use lab_core::vocabulary::Quantile;
use std::collections::BTreeSet;

/// A published series, and the measured curves beside it.
pub(crate) struct Curves<'a> {
    pub(crate) pair: &'a Pair,
    pub(crate) published: Option<&'a Series>,
    pub(crate) measured: Vec<Curve<'a>>,
}

/// A measured figure of one variant over the sizes.
pub(crate) struct Curve<'a> {
    pub(crate) results: &'a Results<'a>,
    pub(crate) measured: Measured,
    pub(crate) variant: VariantRun,
    pub(crate) endpoints: u32,
}

impl<'a> Curves<'a> {
    /// Every pair of `reference`.
    pub(crate) fn of(results: &'a Results, reference: &'a Reference) -> Vec<Self> {
        reference.pairs.iter().map(|pair| Self::of_pair(results, reference, pair)).collect()
    }

    fn of_pair(results: &'a Results, reference: &'a Reference, pair: &'a Pair) -> Self {
        let published = pair.published.as_deref().and_then(|key| reference.series(key));
        let mut curves = Vec::new();
        for &measured in &pair.measured {
            let variants = results.variants(measured.probe).into_iter();
            for variant in variants.filter(|variant| variant.backend == measured.backend) {
                let rows = results.rows.iter().filter(|row| row.cell.probe == measured.probe && row.run == variant.run);
                let endpoints: BTreeSet<u32> = rows.map(|row| row.cell.cluster.endpoints).collect();
                let same = reference.endpoints.filter(|published| endpoints.contains(published));
                let Some(endpoints) = same.or(endpoints.last().copied()) else { continue };
                curves.push(Curve { results, measured, variant, endpoints });
            }
        }
        Self { pair, published, measured: curves }
    }
}

impl Curve<'_> {
    fn find(&self, services: u32) -> Found<'_> {
        let Measured { metric, probe, position, .. } = self.measured;
        self.results.at(self.variant, services, Some(self.endpoints), (probe, position), metric)
    }

    /// The figures at `services`; `None` where it was not measured, or failed.
    pub(crate) fn figures(&self, services: u32) -> Option<Figures> {
        self.find(services).figures()
    }

    /// The number that is shown of them.
    pub(crate) fn at(&self, services: u32) -> Option<f64> {
        self.figures(services).map(|figures| figures.at(self.measured.quantile))
    }

    /// How the numbers at two sizes stand to each other; of the median only there are intervals, and not of one sample.
    pub(crate) fn between(&self, low: &Figures, high: &Figures) -> Option<Between> {
        let known = |figures| self.results.bounds(figures).is_some();
        let is_told = self.measured.quantile == Quantile::P50 && known(low) && known(high);
        is_told.then(|| self.results.between(low, high))
    }

    /// `connect last p99 of iptables-legacy`.
    pub(crate) fn name(&self) -> String {
        let Measured { metric, probe, position, quantile, .. } = self.measured;
        let position = position.map(|position| format!(" {position}")).unwrap_or_default();
        let quantile = if quantile == Quantile::P50 { String::new() } else { format!(" {quantile}") };
        format!("{metric}{position}{quantile} of {}", self.results.name(self.variant, probe))
    }
}
