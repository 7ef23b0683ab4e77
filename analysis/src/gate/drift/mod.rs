//! Many runs one after the other: what has crept away, too slowly for any two neighbours to show it, and since when.

mod change_point;

use super::difference::{Difference, differences};
use super::evidence::{Evidence, Key};
use super::layouts::aligned;
use super::name::Names;
use super::policy::{Gating, Numbers, Policy};
use super::timed;
use change_point::change_points;
use lab_core::cell::Cell;
use lab_core::dataset::Dataset;
use lab_core::metric::Metric;
use lab_core::stats;
use lab_core::vocabulary::Clock;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// The fewest runs that make a history: the one that is judged, and those before it.
pub const FEWEST_RUNS: usize = 8;

/// What became of every cell and metric over many runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// The ids of the runs, in the order in which they began.
    pub runs: Vec<String>,
    /// The clock of every duration.
    pub clock: Clock,
    /// Runs that cannot be compared with the last one.
    pub left_out: Vec<LeftOut>,
    /// Every cell and metric of the last run, those first that drifted, by how much.
    pub series: Vec<Series>,
}

/// A run that cannot be compared with the last one.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftOut {
    /// Its id.
    pub id: String,
    /// Why.
    pub differences: Vec<Difference>,
}

/// A cell's metric over the runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The cell.
    pub cell: Cell,
    /// What it is called: as in a [comparison](super::Compared::name).
    pub name: String,
    /// What was measured.
    pub metric: Metric,
    /// Whether it gates.
    pub gating: Gating,
    /// Its figure in each of the runs, in its base unit: the median of an exact number, the fastest tenth of a timed one;
    /// `None` where a run has none.
    pub figures: Vec<Option<f64>>,
    /// How far the last figure may be without being off; `None` for fewer than [`FEWEST_RUNS`] figures.
    pub limit: Option<f64>,
    /// Whether the last figure is worse than the limit: than the third quartile of those before it by three times their
    /// interquartile range, or by the tolerance, whichever is more.
    pub off: bool,
    /// The last change of its level.
    pub shift: Option<Shift>,
}

/// A change of a series' level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// The first run of the new level, as an index of [`Drift::runs`].
    pub since: usize,
    /// The level before, in the metric's base unit: the geometric mean of its figures.
    pub before: f64,
    /// The level since.
    pub after: f64,
    /// Whether the new level is worse by more than the policy lets pass.
    pub worse: bool,
}

impl Drift {
    /// What gates and is off, or has been at a worse level since some run.
    pub fn drifted(&self) -> impl Iterator<Item = &Series> {
        self.series.iter().filter(|series| series.gating == Gating::Gates && series.has_drifted())
    }

    /// Whether there are enough runs to say anything.
    #[must_use]
    pub fn enough(&self) -> bool {
        self.runs.len() >= FEWEST_RUNS
    }
}

impl Series {
    /// Whether it is off, or at a worse level.
    #[must_use]
    pub fn has_drifted(&self) -> bool {
        self.off || self.shift.is_some_and(|shift| shift.worse)
    }
}

/// What became of every cell and metric over `history`, in any order; `None` without runs.
///
/// Runs that differ from the last one in what the policy does not allow are left out.
#[must_use]
pub fn drift(history: &[Dataset], policy: &Policy) -> Option<Drift> {
    let mut runs: Vec<&Dataset> = history.iter().collect();
    runs.sort_by(|one, other| (one.header.start, &one.header.id).cmp(&(other.header.start, &other.header.id)));
    let last = *runs.last()?;
    let mut left_out = Vec::new();
    runs.retain(|run| {
        let differences: Vec<Difference> =
            differences(run, last).into_iter().filter(|difference| policy.bars(difference)).collect();
        if !differences.is_empty() {
            left_out.push(LeftOut { id: run.header.id.clone(), differences: differences.clone() });
        }
        differences.is_empty()
    });
    let clock = last.header.clock;
    let evidence: Vec<Evidence> = runs.iter().map(|run| Evidence::of(&aligned(run, last))).collect();
    let keys = evidence.last()?.keys();
    let names = Names::of(keys.iter().map(|(cell, _)| cell));
    let mut series: Vec<Series> =
        keys.iter().map(|key| over(*key, names.row(&key.0, key.1), &evidence, clock, policy)).collect();
    series.sort_by_cached_key(|series| (!series.has_drifted(), series.gating, Reverse(size(series))));
    Some(Drift { runs: runs.iter().map(|run| run.header.id.clone()).collect(), clock, left_out, series })
}

/// A cell's metric over the runs.
fn over((cell, metric): Key, name: String, runs: &[Evidence], clock: Clock, policy: &Policy) -> Series {
    let numbers = Numbers::of(metric, clock);
    let counted = numbers == Numbers::Exact;
    let allowed = policy.of(&cell, metric, numbers);
    let figure = |run: &Evidence| match counted {
        true => stats::median(&run.medians((cell, metric), None)),
        false => timed::figure(&run.rounds((cell, metric), &BTreeSet::new())).map(|cost| metric.cost(cost)),
    };
    let figures: Vec<Option<f64>> = runs.iter().map(figure).collect();
    // Costs, with the run that each is of; what is not positive has no logarithm.
    let found: Vec<(usize, f64)> = figures
        .iter()
        .enumerate()
        .filter_map(|(run, figure)| figure.filter(|figure| *figure > 0.0).map(|figure| (run, metric.cost(figure))))
        .collect();
    let costs: Vec<f64> = found.iter().map(|(_, cost)| *cost).collect();
    // On a wall clock, what runs differ by anyhow.
    let floor = if counted { allowed.allowance } else { policy.noise_of(&cell, metric).max(allowed.allowance) };
    let enough = costs.len() >= FEWEST_RUNS && figures.last().is_some_and(Option::is_some);
    let limit = if enough { limit(&costs[..costs.len() - 1], floor) } else { None };
    let off = limit.zip(costs.last()).is_some_and(|(limit, last)| *last > limit);
    let shift = if enough { shift(metric, &found, floor) } else { None };
    let limit = limit.map(|limit| metric.cost(limit));
    Series { cell, name, metric, gating: allowed.gating, figures, limit, off, shift }
}

fn limit(before: &[f64], floor: f64) -> Option<f64> {
    let (first, third) = (stats::quantile(before, 0.25)?, stats::quantile(before, 0.75)?);
    Some((third + 3.0 * (third - first)).max(third * (1.0 + floor)))
}

/// The last change of level. The penalty for one is that of Schwarz's criterion with the noise's variance: as neighbours
/// differ, and no less than that a step as large as the floor in the two last runs just counts.
fn shift(metric: Metric, found: &[(usize, f64)], floor: f64) -> Option<Shift> {
    let logs: Vec<f64> = found.iter().map(|(_, cost)| cost.ln()).collect();
    let steps: Vec<f64> = logs.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    // A normal deviation is 1.4826 of the median absolute one; a difference of two has twice the variance.
    let noise = stats::median(&steps)? * 1.4826 / std::f64::consts::SQRT_2;
    let runs = stats::size(logs.len()).ln();
    let noise = noise.max((1.0 + floor).ln() / (1.5 * runs).sqrt());
    let at = *change_points(&logs, 3.0 * noise * noise * runs).last()?;
    let begin = change_points(&logs[..at], 3.0 * noise * noise * runs).last().copied().unwrap_or(0);
    let level = |logs: &[f64]| (logs.iter().sum::<f64>() / stats::size(logs.len())).exp();
    let (before, after) = (level(&logs[begin..at]), level(&logs[at..]));
    let worse = after > before * (1.0 + floor);
    Some(Shift { since: found[at].0, before: metric.cost(before), after: metric.cost(after), worse })
}

/// By how much a series drifted, to sort by.
fn size(series: &Series) -> u64 {
    let last = series.figures.last().copied().flatten();
    let off = series.limit.zip(last).map(|(limit, last)| series.metric.cost(last / limit));
    let shifted = series.shift.map(|shift| series.metric.cost(shift.after / shift.before));
    let most = off.unwrap_or(0.0).max(shifted.unwrap_or(0.0));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size to sort by")]
    let size = (most.clamp(0.0, 1e9) * 1e6) as u64;
    size
}
