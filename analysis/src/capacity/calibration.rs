//! Instructions made time: a factor for each metric, from the cells that an exact run and a timed one both measured.
//!
//! One factor a metric, since a list walked, a tool started and a table copied take different times an instruction. It is
//! fitted on logarithms, each backend counting the same, and judged by leaving each backend out in turn: what is left of its
//! cells' distance from the others' factor is what a backend that was never timed would be off by. That error goes into
//! every interval of the answers.

use super::curve::DRAWS;
use super::fitted::Fitted;
use super::series::Series;
use lab_core::dataset::Dataset;
use lab_core::metric::{Better, Metric};
use lab_core::stats::{Dice, size};
use lab_core::vocabulary::{BackendName, Clock, Quantile};
use std::collections::BTreeMap;

/// What turns instructions into time.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// The clock of the answers: the timed run's.
    pub clock: Clock,
    /// The timed run's id.
    pub timed: String,
    /// A factor for each quantity that depends on the clock.
    pub factors: Vec<Factor>,
}

/// The factor of one quantity.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// Of which metric.
    pub metric: Metric,
    /// Of which figure of it.
    pub quantile: Quantile,
    /// What a figure of the exact run is to be multiplied by: nanoseconds an instruction for durations.
    pub factor: f64,
    /// The deviation of its logarithm for a backend that had no part in it.
    pub deviation: f64,
    /// How many cells both runs measured.
    pub cells: usize,
    /// What was seen when each backend was left out in turn.
    pub left_out: Vec<LeftOut>,
}

/// A backend against the factor of the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeftOut {
    /// The backend.
    pub backend: BackendName,
    /// Its own factor.
    pub own: f64,
    /// What it really took, divided by what the others' factor foretold: the geometric mean over its cells.
    pub off: f64,
    /// The cell that is farthest off, as a ratio of the same kind.
    pub worst: f64,
}

/// Why one run cannot be calibrated by another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Uncalibrated {
    /// The run that is to be calibrated is one of times already.
    #[error("{0} is on the clock {1} and needs no calibration: leave --calibrate out")]
    NotExact(String, Clock),
    /// The timed run is no timed run.
    #[error(
        "{0}, to calibrate with, is on the clock {1}: give a run in the target host, or vm under KVM, of the same scenario"
    )]
    NotTimed(String, Clock),
    /// Too few backends were measured in both.
    #[error(
        "{what}: of backends, both runs measured {backends} in the same cells; two are the fewest a factor can be fitted \
         and tried on: run the same scenario in both, with the same backends"
    )]
    TooFew {
        /// The metric and quantile.
        what: String,
        /// Those that were measured in both, or `none`.
        backends: String,
    },
}

impl Calibration {
    /// Fits a factor for each of `wanted` that depends on the clock.
    ///
    /// # Errors
    /// When `exact` counts no instructions, `timed` is not on a wall clock, or fewer than two backends were measured in
    /// the same cells of both.
    pub fn fit(exact: &Dataset, timed: &Dataset, wanted: &[(Metric, Quantile)]) -> Result<Self, Uncalibrated> {
        let (one, other) = (&exact.header, &timed.header);
        if one.clock != Clock::Instructions {
            return Err(Uncalibrated::NotExact(one.id.clone(), one.clock));
        }
        if other.clock != Clock::Wall {
            return Err(Uncalibrated::NotTimed(other.id.clone(), other.clock));
        }
        let clocked: Vec<(Metric, Quantile)> =
            wanted.iter().filter(|(metric, _)| metric.unit().is_clocked()).copied().collect();
        let (counted, taken) = (Series::collect(exact, &clocked), Series::collect(timed, &clocked));
        let factors = clocked.iter().map(|&(metric, quantile)| {
            let of = |series: &&Series| (series.metric, series.quantile) == (metric, quantile);
            Factor::fit(metric, quantile, &ratios(counted.iter().filter(of), taken.iter().filter(of)))
        });
        Ok(Self { clock: other.clock, timed: other.id.clone(), factors: factors.collect::<Result<_, _>>()? })
    }

    /// `fitted` on the timed run's clock, its intervals wider by the factor's error. What does not depend on the clock
    /// stays as it is.
    pub(super) fn apply(&self, mut fitted: Fitted) -> Fitted {
        fitted.clock = self.clock;
        let series = &mut fitted.series;
        let of = |factor: &&Factor| (factor.metric, factor.quantile) == (series.metric, series.quantile);
        let Some(factor) = self.factors.iter().find(of) else { return fitted };
        for figure in &mut series.figures {
            figure.value *= factor.factor;
            figure.variance += factor.deviation.powi(2);
        }
        let costs = if series.metric.better() == Better::Higher { 1.0 / factor.factor } else { factor.factor };
        // Each backend is off by something of its own.
        let mut dice = Dice::seeded(series.variant.backend as u64 + 1);
        let backends = factor.left_out.len();
        let errors: Vec<f64> = (0..DRAWS).map(|_| factor.deviation * dice.student(backends)).collect();
        fitted.curve = fitted.curve.map(|curve| curve.scaled(costs, &errors));
        fitted
    }
}

/// The logarithm of timed against counted, of every cell that both have, by backend.
fn ratios<'a>(
    counted: impl Iterator<Item = &'a Series>,
    taken: impl Iterator<Item = &'a Series>,
) -> BTreeMap<BackendName, Vec<f64>> {
    let key = |series: &Series| (series.variant, series.probe, series.endpoints, series.position);
    let taken: BTreeMap<_, &Series> = taken.map(|series| (key(series), series)).collect();
    let mut ratios: BTreeMap<BackendName, Vec<f64>> = BTreeMap::new();
    for counted in counted {
        let Some(taken) = taken.get(&key(counted)) else { continue };
        for figure in &counted.figures {
            let same = taken.figures.iter().find(|other| other.services == figure.services);
            let ratio = same.map(|other| (other.value / figure.value).ln());
            ratios.entry(counted.variant.backend).or_default().extend(ratio);
        }
    }
    ratios.retain(|_, ratios| !ratios.is_empty());
    ratios
}

impl Factor {
    fn fit(metric: Metric, quantile: Quantile, ratios: &BTreeMap<BackendName, Vec<f64>>) -> Result<Self, Uncalibrated> {
        if ratios.len() < 2 {
            let backends = ratios.keys().next().map_or("none".to_owned(), BackendName::to_string);
            return Err(Uncalibrated::TooFew { what: quantile.of(metric), backends });
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / size(values.len());
        let means: Vec<(BackendName, f64)> = ratios.iter().map(|(backend, ratios)| (*backend, mean(ratios))).collect();
        let over = |without: Option<BackendName>| {
            let kept: Vec<f64> =
                means.iter().filter(|(backend, _)| Some(*backend) != without).map(|(_, mean)| *mean).collect();
            mean(&kept)
        };
        let mut squares = Vec::new();
        let left_out = means.iter().map(|&(backend, own)| {
            let others = over(Some(backend));
            let errors: Vec<f64> = ratios[&backend].iter().map(|ratio| ratio - others).collect();
            squares.push(mean(&errors.iter().map(|error| error * error).collect::<Vec<_>>()));
            let worst = errors.iter().copied().max_by(|one, other| one.abs().total_cmp(&other.abs())).unwrap_or(0.0);
            LeftOut { backend, own: own.exp(), off: (own - others).exp(), worst: worst.exp() }
        });
        let left_out = left_out.collect();
        let cells = ratios.values().map(Vec::len).sum();
        let deviation = mean(&squares).sqrt();
        Ok(Self { metric, quantile, factor: over(None).exp(), deviation, cells, left_out })
    }

    /// The largest factor by which a cell of a backend that was left out was off, and the backend.
    #[must_use]
    pub fn worst(&self) -> (BackendName, f64) {
        let off = |left: &LeftOut| (left.backend, left.worst.max(1.0 / left.worst));
        let worst = self.left_out.iter().map(off).max_by(|one, other| one.1.total_cmp(&other.1));
        worst.expect("a factor is fitted to two backends at the least")
    }
}
