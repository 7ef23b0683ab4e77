//! Instructions made time: a factor for each metric, from the cells that an exact run and a timed one both measured.
//!
//! Each metric has its own, since a list walked, a tool started and a table copied take different times an instruction. What
//! programs a node has two rates where the exact run says which instructions were the kernel's. They are fitted on
//! logarithms, each backend counting the same, and judged by leaving each backend out in turn: what is left of its cells'
//! distance from what the others' rates foretell is what a backend that was never timed would be off by. That error goes
//! into every interval of the answers.

use super::curve::{Curve, DRAWS};
use super::rates::{Cells, Rates, Shared, may_be_two};
use super::series::Series;
use lab_core::dataset::Dataset;
use lab_core::metric::Metric;
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
    /// What makes a time of a figure of the exact run.
    pub rates: Rates,
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
    /// The others' rates.
    pub rates: Rates,
    /// What it really took, divided by what the others' rates foretold: the geometric mean over its cells.
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
    /// The timed run has no one machine that a factor could be of.
    #[error(
        "the run {run}, to calibrate with, was timed on {machines} machines, and a factor is of one: give one of its \
         shards, or a run of one machine"
    )]
    SeveralMachines {
        /// The run's id.
        run: String,
        /// How many.
        machines: u64,
    },
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
    /// When `exact` counts no instructions, `timed` is not on a wall clock or was merged from several machines, or fewer
    /// than two backends were measured in the same cells of both.
    pub fn fit(exact: &Dataset, timed: &Dataset, wanted: &[(Metric, Quantile)]) -> Result<Self, Uncalibrated> {
        let (one, other) = (&exact.header, &timed.header);
        if one.clock != Clock::Instructions {
            return Err(Uncalibrated::NotExact(one.id.clone(), one.clock));
        }
        if other.clock != Clock::Wall {
            return Err(Uncalibrated::NotTimed(other.id.clone(), other.clock));
        }
        let machines = other.machines();
        if machines > 1 {
            return Err(Uncalibrated::SeveralMachines { run: other.id.clone(), machines });
        }
        let clocked: Vec<(Metric, Quantile)> =
            wanted.iter().filter(|(metric, _)| metric.unit().is_clocked()).copied().collect();
        let (counted, taken) = (Series::collect(exact, &clocked), Series::collect(timed, &clocked));
        let factors = clocked.iter().map(|&(metric, quantile)| {
            let of = |series: &&Series| (series.metric, series.quantile) == (metric, quantile);
            let [counted, taken] = [&counted, &taken].map(|all| all.iter().filter(of).collect::<Vec<_>>());
            Factor::fit(metric, quantile, &counted, &taken)
        });
        Ok(Self { clock: other.clock, timed: other.id.clone(), factors: factors.collect::<Result<_, _>>()? })
    }

    /// `series` on the timed run's clock. What does not depend on the clock stays as it is.
    pub(super) fn times(&self, mut series: Series) -> Series {
        if let Some(factor) = self.factor(&series) {
            for figure in &mut series.figures {
                figure.value = factor.rates.time(figure);
            }
        }
        series
    }

    /// Makes the intervals of `series`, which are [`times`](Self::times), wider by the factor's error, and those of the
    /// `curve` that was fitted to it.
    pub(super) fn doubt(&self, series: &mut Series, curve: Option<Curve>) -> Option<Curve> {
        let Some(factor) = self.factor(series) else { return curve };
        for figure in &mut series.figures {
            figure.variance += factor.deviation.powi(2);
        }
        // Each backend is off by something of its own.
        let mut dice = Dice::seeded(series.variant.backend as u64 + 1);
        let backends = factor.left_out.len();
        let errors: Vec<f64> = (0..DRAWS).map(|_| factor.deviation * dice.student(backends)).collect();
        curve.map(|curve| curve.blurred(&errors))
    }

    fn factor(&self, series: &Series) -> Option<&Factor> {
        self.factors.iter().find(|factor| (factor.metric, factor.quantile) == (series.metric, series.quantile))
    }
}

/// Every cell that both have, by backend.
fn shared<'a>(counted: &[&'a Series], taken: impl Iterator<Item = &'a Series>) -> Cells {
    let key = |series: &Series| (series.variant, series.probe, series.endpoints, series.position);
    let taken: BTreeMap<_, &Series> = taken.map(|series| (key(series), series)).collect();
    let mut cells = Cells::new();
    for counted in counted {
        let Some(taken) = taken.get(&key(counted)) else { continue };
        for figure in &counted.figures {
            let same = taken.figures.iter().find(|other| other.services == figure.services);
            let shared = same.map(|other| Shared { counted: *figure, taken: other.value });
            cells.entry(counted.variant.backend).or_default().extend(shared);
        }
    }
    cells.retain(|_, cells| !cells.is_empty());
    cells
}

impl Factor {
    /// With two rates where every figure of `counted` can be split, so that each can be made time.
    fn fit(metric: Metric, quantile: Quantile, counted: &[&Series], taken: &[&Series]) -> Result<Self, Uncalibrated> {
        let cells = shared(counted, taken.iter().copied());
        if cells.len() < 2 {
            let backends = cells.keys().next().map_or("none".to_owned(), BackendName::to_string);
            return Err(Uncalibrated::TooFew { what: quantile.of(metric), backends });
        }
        let mut figures = counted.iter().flat_map(|series| &series.figures);
        let two = may_be_two(metric) && figures.all(|figure| figure.executed.is_some());
        let mean = |values: &[f64]| values.iter().sum::<f64>() / size(values.len());
        let mut squares = Vec::new();
        let left_out = cells.iter().map(|(&backend, own)| {
            let rates = Rates::fit(&cells, two, Some(backend));
            let off = |shared: &Shared| (shared.taken / rates.time(&shared.counted)).ln();
            let errors: Vec<f64> = own.iter().map(off).collect();
            squares.push(mean(&errors.iter().map(|error| error * error).collect::<Vec<_>>()));
            let worst = errors.iter().copied().max_by(|one, other| one.abs().total_cmp(&other.abs())).unwrap_or(0.0);
            LeftOut { backend, rates, off: mean(&errors).exp(), worst: worst.exp() }
        });
        let left_out = left_out.collect();
        let deviation = mean(&squares).sqrt();
        let count = cells.values().map(Vec::len).sum();
        Ok(Self { metric, quantile, rates: Rates::fit(&cells, two, None), deviation, cells: count, left_out })
    }

    /// The largest factor by which a cell of a backend that was left out was off, and the backend.
    #[must_use]
    pub fn worst(&self) -> (BackendName, f64) {
        let off = |left: &LeftOut| (left.backend, left.worst.max(1.0 / left.worst));
        let worst = self.left_out.iter().map(off).max_by(|one, other| one.1.total_cmp(&other.1));
        worst.expect("a factor is fitted to two backends at the least")
    }
}
