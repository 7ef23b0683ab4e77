//! A curve through what was measured, with everything that is not known about it.
//!
//! ```text
//! ln cost(N)  =  ln law(N)  +  bend(N)
//! ```
//!
//! The law is fitted to all sizes. Where the sizes lie farther from it than their noise explains, the curve is bent towards
//! them: by that share of their distance which is not noise, on a straight line over ln N in between. So a law that fits
//! smooths the noise, and one that does not fit gives way to interpolation.
//!
//! What is not known is carried by draws: curves as they might have been. In each every size is moved by its noise (and all
//! of them by what they share of their rounds), the law is chosen and fitted anew, and the bend wanders between the sizes
//! and beyond the last as much as the sizes wander about the law.

use super::law::{Families, Law, Shape};
use super::series::Series;
use lab_core::metric::Better;
use lab_core::stats::{self, CONFIDENCE, Dice, size};
use std::fmt;

/// How many draws there are.
pub const DRAWS: usize = 400;

/// The fewest sizes that a law can be read from.
pub const SIZES: usize = 3;

/// The share of a cost that its growth has to be to show beside the fixed part.
const SHOWN: f64 = 0.1;

/// A number with the interval that should hold the truth [`CONFIDENCE`] of the time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The best guess.
    pub value: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

/// A cost over the number of Services. For metrics of which more is better, the cost is their reciprocal.
#[derive(Clone, PartialEq)]
pub struct Curve {
    /// Whether values are costs or their reciprocals.
    sense: Better,
    /// The best guess.
    guess: Path,
    /// What might as well be.
    draws: Vec<Path>,
    /// The laws of the draws, of the same shape as the best guess's.
    alike: Vec<Law>,
    /// The share of the draws that have a law of the same shape.
    agreement: f64,
    /// Sizes that were measured, and their costs.
    points: Vec<Point>,
    wander: f64,
}

/// A cost that was measured at a number of Services; both are above zero.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    services: f64,
    cost: f64,
}

/// One possible course of a curve.
#[derive(Debug, Clone, PartialEq)]
struct Path {
    law: Law,
    /// At each measured size: its logarithm, and how far the curve is above the law there, as a logarithm.
    bends: Vec<(f64, f64)>,
    /// How far the curve goes astray between a measured size and the next, and beyond the last.
    strays: Vec<f64>,
    /// Whether it is a load's, which beyond the last size costs no less than its input has grown.
    grows: bool,
}

impl Path {
    /// The logarithm of the cost at `services`.
    fn at(&self, services: f64) -> f64 {
        let place = services.ln();
        let after = self.bends.partition_point(|(size, _)| *size <= place);
        let law = self.law.at(services).max(f64::MIN_POSITIVE).ln();
        let bend = match (after.checked_sub(1).map(|before| self.bends[before]), self.bends.get(after)) {
            (None, Some(&(_, bend))) => bend,
            (Some((size, bend)), None) => {
                let astray = self.strays[after - 1] * (place - size).sqrt();
                let least = || self.law.at_least(size.exp(), services).max(f64::MIN_POSITIVE).ln() - law;
                bend + if self.grows { astray.max(least()) } else { astray }
            }
            (Some((low, from)), Some(&(high, to))) => {
                let share = (place - low) / (high - low);
                // A bridge: as far astray as a walk of this length that must arrive.
                let astray = self.strays[after - 1] * ((high - low) * share * (1.0 - share)).sqrt();
                from + (to - from) * share + astray
            }
            (None, None) => 0.0,
        };
        law + bend
    }
}

/// Its law and its range: hundreds of draws are nothing to read.
impl fmt::Debug for Curve {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (smallest, largest) = self.range();
        write!(out, "Curve({} over {smallest} to {largest})", self.guess.law)
    }
}

impl Curve {
    /// The curve of `series`; `None` with fewer than [`SIZES`] sizes.
    ///
    /// The same series gives the same curve.
    #[must_use]
    pub fn fit(series: &Series) -> Option<Self> {
        let sense = series.metric.better();
        let cost = |value: f64| if sense == Better::Higher { 1.0 / value } else { value };
        let points: Vec<Point> = series
            .figures
            .iter()
            .map(|figure| Point { services: figure.services.into(), cost: cost(figure.value) })
            .collect();
        let count = points.len();
        if count < SIZES {
            return None;
        }
        let shapes = Shape::possible(count, series.grows);
        let noise = Noise::of(series);
        let sizes: Vec<f64> = points.iter().map(|point| point.services).collect();
        let costs: Vec<f64> = points.iter().map(|point| point.cost).collect();
        let families = Families::over(&sizes, shapes);
        let law = families.choose(&costs, noise.mean());
        let residuals: Vec<f64> = points.iter().map(|point| (point.cost / law.at(point.services)).ln()).collect();
        let misfit = Misfit::of(&points, &residuals, &noise, law.terms());
        let mut dice = Dice::seeded(seed(&points));
        let (mut draws, mut alike, mut agreeing) = (Vec::with_capacity(DRAWS), Vec::with_capacity(DRAWS), 0);
        for draw in 0..DRAWS {
            // What is drawn has the noise twice: its own, and what the measured sizes have already.
            let moved = noise.draw(&costs, &mut dice);
            let chosen = families.choose(&moved, 2.0 * noise.mean());
            agreeing += usize::from(chosen.shape == law.shape);
            alike.push(if chosen.shape == law.shape { chosen } else { families.fit(law.shape, &moved) });
            // A load may have a part that grows faster than its input and does not show yet.
            let hidden = series.grows && draw % 2 == 1;
            let law_of_draw = if hidden { families.fit(shapes[shapes.len() - 1], &moved) } else { chosen };
            let bends = (0..count).map(|index| {
                let residual = (moved[index] / law_of_draw.at(sizes[index]).max(1e-3 * moved[index])).ln();
                (sizes[index].ln(), misfit.share * residual + misfit.unsure(noise.own[index]) * dice.normal())
            });
            let bends = bends.collect();
            let strays = (0..count).map(|_| misfit.wander * dice.student(misfit.freedom)).collect();
            draws.push(Path { law: law_of_draw, bends, strays, grows: series.grows });
        }
        let bends =
            points.iter().zip(residuals).map(|(point, residual)| (point.services.ln(), misfit.share * residual));
        let guess = Path { law, bends: bends.collect(), strays: vec![0.0; count], grows: series.grows };
        let agreement = size(agreeing) / size(DRAWS);
        Some(Self { sense, guess, draws, alike, agreement, points, wander: misfit.wander })
    }

    /// The law; of the reciprocal for metrics of which more is better.
    #[must_use]
    pub fn law(&self) -> Law {
        self.guess.law
    }

    /// The share of the draws in which the same shape was chosen: how sure the shape is.
    #[must_use]
    pub fn agreement(&self) -> f64 {
        self.agreement
    }

    /// The law's three numbers (fixed, growth, bend), each with its interval.
    #[must_use]
    pub fn numbers(&self) -> [Estimate; 3] {
        let of = |number: fn(&Law) -> f64| estimate(number(&self.guess.law), self.alike.iter().map(number));
        [of(|law| law.fixed), of(|law| law.growth), of(|law| law.bend)]
    }

    /// How far the measured sizes lie from the law: the largest factor, 1 where they lie on it.
    #[must_use]
    pub fn distance(&self) -> f64 {
        let apart = |point: &Point| (point.cost / self.guess.law.at(point.services)).ln().abs();
        self.points.iter().map(apart).fold(0.0, f64::max).exp()
    }

    /// Whether what the number of Services makes of the cost shows beside its fixed part, at the largest size.
    ///
    /// A load does grow; where that does not show, nothing tells how much.
    pub(super) fn shows_growth(&self) -> bool {
        let largest = self.range().1;
        let shown = self.draws.iter().filter(|draw| draw.law.grown(largest) >= SHOWN).count();
        size(shown) >= size(DRAWS) * f64::midpoint(1.0, CONFIDENCE)
    }

    /// The smallest and the largest size that were measured.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        (self.points[0].services, self.points[self.points.len() - 1].services)
    }

    /// The metric at `services`, in its base unit.
    #[must_use]
    pub fn at(&self, services: f64) -> Estimate {
        let value = |path: &Path| self.value(path.at(services));
        estimate(value(&self.guess), self.draws.iter().map(value))
    }

    /// The metric whose cost has this logarithm.
    fn value(&self, cost: f64) -> f64 {
        if self.sense == Better::Higher { (-cost).exp() } else { cost.exp() }
    }

    /// The curve with its draws off by as much as each of `errors` says, as logarithms, one a draw.
    pub(super) fn blurred(mut self, errors: &[f64]) -> Self {
        let scale = |law: &mut Law, factor: f64| {
            (law.fixed, law.growth, law.bend) = (law.fixed * factor, law.growth * factor, law.bend * factor);
        };
        for ((draw, alike), error) in self.draws.iter_mut().zip(&mut self.alike).zip(errors) {
            scale(&mut draw.law, error.exp());
            scale(alike, error.exp());
        }
        self
    }

    /// The size from which on the metric breaks `limit` for the first time, up to `reach`: by the best guess, then by each
    /// draw. Below the first measured size nothing is looked at: a curve that breaks the limit there does so from 0 on.
    pub(super) fn breaks(&self, limit: f64, reach: f64) -> (Option<f64>, Vec<Option<f64>>) {
        let limit = if self.sense == Better::Higher { -limit.ln() } else { limit.ln() };
        let grid = self.grid(reach);
        let of = |path: &Path| first_above(&grid, limit, |services| path.at(services));
        (of(&self.guess), self.draws.iter().map(of).collect())
    }

    /// Sizes at which to look: the measured ones up to `reach`, and some in between and beyond.
    pub(super) fn grid(&self, reach: f64) -> Vec<f64> {
        let mut ends: Vec<f64> = self.points.iter().map(|point| point.services).collect();
        ends.retain(|services| *services < reach);
        ends.push(reach.max(self.points[0].services));
        let mut grid = vec![ends[0]];
        for pair in ends.windows(2) {
            let steps = BETWEEN.max(((pair[1] / pair[0]).log2() * 4.0).ceil());
            let step = (pair[1] / pair[0]).powf(1.0 / steps);
            let mut services = pair[0];
            for _ in 1..count(steps) {
                services *= step;
                grid.push(services);
            }
            grid.push(pair[1]);
        }
        grid
    }

    /// The logarithm of the cost at `services`: by the best guess, then by each draw.
    pub(super) fn costs(&self, services: f64) -> (f64, impl Iterator<Item = f64> + '_) {
        (self.guess.at(services), self.draws.iter().map(move |draw| draw.at(services)))
    }
}

/// How many steps a grid has between two sizes, at the least.
const BETWEEN: f64 = 8.0;

/// The draws' seed: the same for the same points, so that a series has one curve, and another for any others, so that two
/// curves are not drawn alike.
fn seed(points: &[Point]) -> u64 {
    let mix = |seed: u64, point: &Point| (seed ^ point.cost.to_bits()).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
    points.iter().fold(0xcbf2_9ce4_8422_2325, mix)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small whole number")]
fn count(steps: f64) -> usize {
    steps as usize
}

/// Where `cost` passes `limit` first, going up `grid`.
fn first_above(grid: &[f64], limit: f64, cost: impl Fn(f64) -> f64) -> Option<f64> {
    let mut below = 0.0;
    for &services in grid {
        if cost(services) > limit {
            if below == 0.0 {
                return Some(0.0);
            }
            let (mut low, mut high): (f64, f64) = (below, services);
            for _ in 0..20 {
                let middle = (low * high).sqrt();
                if cost(middle) > limit { high = middle } else { low = middle }
            }
            return Some(low);
        }
        below = services;
    }
    None
}

/// `value` with the interval that holds [`CONFIDENCE`] of `draws`, widened to hold the value.
pub(super) fn estimate(value: f64, draws: impl Iterator<Item = f64>) -> Estimate {
    let drawn = stats::sorted(&draws.collect::<Vec<_>>());
    let tail = (1.0 - CONFIDENCE) / 2.0;
    let at = |q| stats::quantile_of_sorted(&drawn, q).unwrap_or(value);
    Estimate { value, low: at(tail).min(value), high: at(1.0 - tail).max(value) }
}

/// The noise of the measured sizes, as variances of logarithms.
struct Noise {
    /// Each size's own.
    own: Vec<f64>,
    /// What they share.
    shared: f64,
    /// Rounds, less one.
    freedom: usize,
}

impl Noise {
    fn of(series: &Series) -> Self {
        let variances: Vec<f64> = series.figures.iter().map(|figure| figure.variance).collect();
        let mean = variances.iter().sum::<f64>() / size(variances.len());
        // Few rounds know little of their own spread: each size takes half of what all of them say.
        let own = variances.iter().map(|own| (f64::midpoint(*own, mean) - series.shared).max(0.0)).collect();
        let passes = series.figures.iter().map(|figure| figure.passes).max().unwrap_or(1);
        Self { own, shared: series.shared, freedom: passes.saturating_sub(1) }
    }

    fn mean(&self) -> f64 {
        self.own.iter().sum::<f64>() / size(self.own.len())
    }

    /// The costs as they might have been measured.
    fn draw(&self, costs: &[f64], dice: &mut Dice) -> Vec<f64> {
        let together = self.shared.sqrt() * dice.student(self.freedom);
        let moved = |(cost, own): (&f64, &f64)| cost * (together + own.sqrt() * dice.normal()).exp();
        costs.iter().zip(&self.own).map(moved).collect()
    }
}

/// How far the sizes are from the law for other reasons than noise.
struct Misfit {
    /// The share of a size's distance from the law that is not noise.
    share: f64,
    /// Variance of that part.
    variance: f64,
    /// How far the curve wanders about the law over an e-fold of sizes: a standard deviation of logarithms.
    wander: f64,
    /// How much is known of that: sizes less the law's numbers.
    freedom: usize,
}

impl Misfit {
    fn of(points: &[Point], residuals: &[f64], noise: &Noise, terms: usize) -> Self {
        let (count, freedom) = (points.len(), points.len().saturating_sub(terms).max(1));
        let scatter = residuals.iter().map(|residual| residual * residual).sum::<f64>() / size(freedom);
        let variance = (scatter - noise.mean()).max(0.0);
        let share = if scatter > 0.0 { variance / scatter } else { 0.0 };
        let (mut walked, mut length) = (0.0, 0.0);
        for index in 1..count {
            walked += (residuals[index] - residuals[index - 1]).powi(2) - noise.own[index] - noise.own[index - 1];
            length += (points[index].services / points[index - 1].services).ln();
        }
        let used = size(count - 1) / size(freedom);
        let wander = (walked.max(0.0) * used / length).sqrt();
        Self { share, variance, wander, freedom }
    }

    /// The deviation of what is not known of a size's bend, whose noise has the variance `own`.
    fn unsure(&self, own: f64) -> f64 {
        let total = self.variance + own;
        if total > 0.0 { (self.variance * own / total * (1.0 - self.share)).sqrt() } else { 0.0 }
    }
}
