//! What was measured of one quantity over the sizes: a figure a size, and how far it may be off.

use super::input;
use crate::summary::{Gathered, Pass, gather};
use lab_core::cell::Cell;
use lab_core::cell::Contender;
use lab_core::dataset::{Dataset, Split};
use lab_core::metric::Metric;
use lab_core::stats::{self, size};
use lab_core::vocabulary::{Clock, Outcome, Position, ProbeName, Quantile};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One quantity of one variant over the sizes.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Whose.
    pub variant: Contender,
    /// What was asked.
    pub probe: ProbeName,
    /// What was measured.
    pub metric: Metric,
    /// Which figure of the samples.
    pub quantile: Quantile,
    /// Endpoints a Service.
    pub endpoints: u32,
    /// Which Service was asked; where there are so few that two positions are the same Service, its figure counts for both.
    pub position: Option<Position>,
    /// What was measured, ascending by size.
    pub figures: Vec<Figure>,
    /// What was asked and gave no figure, ascending by size.
    pub missing: Vec<Missing>,
    /// Of the variance of the figures' logarithms, what all sizes share since they were measured in the same rounds.
    pub(super) shared: f64,
    /// Whether it is what a load costs whose input grows with the Services, so that it cannot grow slower than that.
    pub(super) grows: bool,
}

/// What was measured at one size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// The number of Services.
    pub services: u32,
    /// The quantile of all rounds' samples, in the metric's base unit.
    pub value: f64,
    /// The variance of its logarithm, by the bootstrap; 0 where nothing tells it.
    pub variance: f64,
    /// How many samples there are.
    pub samples: usize,
    /// In how many rounds, or replicas.
    pub passes: usize,
    /// The instructions of a sample, where all of them are split.
    pub executed: Option<Executed>,
}

/// What a sample executed, on the average.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Executed {
    /// Instructions in processes.
    pub user: f64,
    /// Instructions in the kernel.
    pub kernel: f64,
}

/// A size at which there is no figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The number of Services.
    pub services: u32,
    /// Why.
    pub why: Absence,
}

/// Why there is no figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// The cell came to something else than a measurement.
    Ended(Outcome, String),
    /// It has too few samples for the quantile: this many.
    TooFew(usize),
    /// The metric was not taken there.
    NotTaken,
}

impl fmt::Display for Absence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(outcome, reason) if reason.is_empty() => write!(out, "{outcome}"),
            Self::Ended(outcome, reason) => write!(out, "{outcome}: {reason}"),
            Self::TooFew(samples) => write!(out, "too few samples: {samples}"),
            Self::NotTaken => out.write_str("not taken"),
        }
    }
}

/// How often a figure is resampled for its variance.
const TIMES: usize = 200;

impl Series {
    /// The series of `quantile` of every metric in `wanted`, in the order of variants.
    pub(super) fn collect(dataset: &Dataset, wanted: &[(Metric, Quantile)]) -> Vec<Self> {
        let mut asked: BTreeMap<SeriesKey, BTreeMap<u32, Vec<Gathered>>> = BTreeMap::new();
        // A cell without Services is none: a damaged file has such.
        for gathered in gather(dataset).into_iter().filter(|gathered| gathered.cell.cluster.services > 0) {
            let Cell { cluster, probe, position, .. } = gathered.cell;
            let variant = gathered.cell.contender();
            let key = SeriesKey { variant, probe, endpoints: cluster.endpoints, positioned: position.is_some() };
            asked.entry(key).or_default().entry(cluster.services).or_default().push(gathered);
        }
        let mut series = Vec::new();
        for &(metric, quantile) in wanted {
            for (key, sizes) in &asked {
                let cells = || sizes.values().flatten();
                if !cells().any(|gathered| gathered.metric == metric) {
                    continue;
                }
                let positions: BTreeSet<Option<Position>> = cells().map(|gathered| gathered.cell.position).collect();
                let taken = Taken { clock: dataset.header.clock, metric, quantile };
                let mut of_key: Vec<Self> =
                    positions.iter().map(|&position| taken.series(*key, position, sizes)).collect();
                // Where there is one Service, its figure counts for all positions: one that has no other says nothing more.
                let asked = |series: &Self| series.figures.len() + series.missing.len();
                if of_key.iter().any(|series| asked(series) > 1) {
                    of_key.retain(|series| asked(series) > 1);
                }
                series.extend(of_key);
            }
        }
        series.sort_by_key(|series| (series.metric, series.quantile, series.variant));
        series
    }

    /// The smallest size at which it went over its budget beyond everything that was measured.
    ///
    /// What is known there is only that it takes longer than the lab could wait.
    #[must_use]
    pub fn over_budget(&self) -> Option<u32> {
        let largest = self.figures.last().map_or(0, |figure| figure.services);
        let over = |missing: &&Missing| {
            matches!(missing.why, Absence::Ended(Outcome::OverBudget, _)) && missing.services > largest
        };
        self.missing.iter().filter(over).map(|missing| missing.services).min()
    }
}

/// What belongs together but for the size and the position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct SeriesKey {
    variant: Contender,
    probe: ProbeName,
    endpoints: u32,
    positioned: bool,
}

#[derive(Clone, Copy)]
struct Taken {
    clock: Clock,
    metric: Metric,
    quantile: Quantile,
}

impl Taken {
    fn series(self, key: SeriesKey, position: Option<Position>, sizes: &BTreeMap<u32, Vec<Gathered>>) -> Series {
        let (mut figures, mut missing, mut rounds) = (Vec::new(), Vec::new(), Vec::new());
        for (&services, cells) in sizes {
            let Some(gathered) = self.find(services, position, cells) else { continue };
            let absent = |why| Missing { services, why };
            let samples: usize = gathered.passes.values().map(Vec::len).sum();
            if gathered.outcome != Outcome::Measured {
                missing.push(absent(Absence::Ended(gathered.outcome, gathered.reason.clone())));
            } else if gathered.metric != self.metric {
                missing.push(absent(Absence::NotTaken));
            } else if samples < self.needed() {
                missing.push(absent(Absence::TooFew(samples)));
            } else if let Some(figure) = self.figure(services, gathered) {
                rounds.push(self.logarithms(gathered));
                figures.push(figure);
            } else {
                missing.push(absent(Absence::NotTaken));
            }
        }
        let SeriesKey { variant, probe, endpoints, .. } = key;
        let shared = shared_variance(&rounds);
        let Self { metric, quantile, .. } = self;
        let grows = input::grows(variant.backend, probe, metric, sizes);
        Series { variant, probe, metric, quantile, endpoints, position, figures, missing, shared, grows }
    }

    /// How many samples a size needs. What is counted comes out the same every time, so that one is every quantile.
    fn needed(self) -> usize {
        if self.clock == Clock::Instructions { 1 } else { self.quantile.samples() }
    }

    /// What there is of the metric at a size: its own cell, one that came to nothing, or that of the same Service.
    fn find(self, services: u32, position: Option<Position>, cells: &[Gathered]) -> Option<&Gathered> {
        let same = |gathered: &&Gathered| match (gathered.cell.position, position) {
            (Some(one), Some(other)) => one.index(services) == other.index(services),
            (one, other) => one == other,
        };
        // The cell of the very position before one that is the same Service.
        let mut here: Vec<&Gathered> = cells.iter().filter(same).collect();
        here.sort_by_key(|gathered| (gathered.cell.position != position, gathered.metric != self.metric));
        here.first().copied()
    }

    /// The figure of a cell; `None` where it is not above zero, which has no place in what is multiplied and divided.
    fn figure(self, services: u32, gathered: &Gathered) -> Option<Figure> {
        let rounds: Vec<Vec<f64>> = gathered.passes.values().cloned().collect();
        let value = stats::quantile(&rounds.concat(), self.quantile.share()).filter(|value| *value > 0.0)?;
        let passes = rounds.len();
        let variance = match self.clock {
            // Counted, not sampled: only another replica could come out otherwise.
            Clock::Instructions => {
                let medians: Vec<f64> = self.logarithms(gathered).into_values().collect();
                if passes > 1 { variance(&medians) / size(passes) } else { 0.0 }
            }
            Clock::Wall | Clock::WallEmulated => {
                let drawn = stats::resample(&rounds, self.quantile.share(), TIMES, services.into());
                let logarithms: Vec<f64> = drawn.into_iter().map(|value| value.max(value_floor(value)).ln()).collect();
                // Resampling few rounds shows too little of how they differ, by this factor.
                let few = if passes > 1 { size(passes) / size(passes - 1) } else { 1.0 };
                variance(&logarithms) * few
            }
        };
        let samples = rounds.iter().map(Vec::len).sum();
        let executed = (gathered.splits.len() == samples).then(|| {
            let mean = |part: fn(&Split) -> u64| {
                gathered.splits.iter().map(|split| part(split) as f64).sum::<f64>() / size(samples)
            };
            Executed { user: mean(|split| split.user), kernel: mean(|split| split.kernel) }
        });
        Some(Figure { services, value, variance, samples, passes, executed })
    }

    /// The logarithm of each pass's own quantile.
    fn logarithms(self, gathered: &Gathered) -> BTreeMap<Pass, f64> {
        let of = |samples: &Vec<f64>| stats::quantile(samples, self.quantile.share()).filter(|value| *value > 0.0);
        gathered.passes.iter().filter_map(|(&pass, samples)| Some((pass, of(samples)?.ln()))).collect()
    }
}

/// The least that a resampled figure is taken for, so that it has a logarithm.
fn value_floor(value: f64) -> f64 {
    if value > 0.0 { value } else { f64::MIN_POSITIVE }
}

/// The variance of a sample; 0 for fewer than two.
pub(super) fn variance(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / size(values.len());
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / size(values.len() - 1)
}

/// The variance, of a mean over rounds, that all sizes have in common: what a round does to every one of them alike.
///
/// By the mean over sizes of each round's deviation, less what is left there of the sizes' own noise.
fn shared_variance(sizes: &[BTreeMap<Pass, f64>]) -> f64 {
    let passes: BTreeSet<Pass> = sizes.iter().flat_map(|size| size.keys().copied()).collect();
    if passes.len() < 2 || sizes.len() < 2 {
        return 0.0;
    }
    let means: Vec<f64> = sizes.iter().map(|rounds| rounds.values().sum::<f64>() / size(rounds.len())).collect();
    let mut effects = Vec::new();
    let mut own = Vec::new();
    for pass in &passes {
        let deviation = |(rounds, mean): (&BTreeMap<Pass, f64>, &f64)| Some(rounds.get(pass)? - mean);
        let deviations: Vec<f64> = sizes.iter().zip(&means).filter_map(deviation).collect();
        effects.push(deviations.iter().sum::<f64>() / size(deviations.len()));
        own.push(variance(&deviations) / size(deviations.len()));
    }
    let left = own.iter().sum::<f64>() / size(own.len());
    (variance(&effects) - left).max(0.0) / size(passes.len())
}
