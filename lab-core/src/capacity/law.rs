//! Laws of growth: how a cost depends on the number of Services.
//!
//! Four shapes, none of whose parts may be negative: a cost has a fixed part and grows. Errors are relative, since costs
//! span decades and noise is multiplicative: a law is fitted to, and judged by, the logarithms of what was measured.

use super::equations::Equations;
use crate::stats::size;
use crate::vocabulary::{Unknown, Word, words};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The shape of a law, the simplest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// The same at every size: `a`.
    Constant,
    /// So much more with every doubling: `a + b·ln N`.
    Logarithmic,
    /// So much more with every Service: `a + b·N`.
    Linear,
    /// With every Service more than with the one before: `a + b·N + c·N²`.
    Quadratic,
}

words!("law", Shape {
    Constant = "constant",
    Logarithmic = "logarithmic",
    Linear = "linear",
    Quadratic = "quadratic",
});

/// A cost as a function of the number of Services, in the cost's base unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Law {
    /// Its shape.
    pub shape: Shape,
    /// The part that does not depend on the number of Services.
    pub fixed: f64,
    /// What a Service costs; in a logarithmic law, what an e-fold (2.72 times as many) costs. 0 in a constant one.
    pub growth: f64,
    /// What the square of the number of Services is multiplied by; 0 but in a quadratic law.
    pub bend: f64,
}

/// A cost that was measured at a number of Services; both are above zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) services: f64,
    pub(super) cost: f64,
}

/// How far the law's left-out error may be above the best one's and the simpler law still be taken, in squared relative
/// error: no reader cares for a difference of a hundredth.
const ALIKE: f64 = 1e-4;

/// How often a fit is improved at most. It converges in three or four steps where the law is about right.
const STEPS: usize = 8;

impl Law {
    /// The cost at `services`, which is at least 1.
    #[must_use]
    pub fn at(&self, services: f64) -> f64 {
        let [one, first, second] = basis(self.shape, services, 1.0);
        self.fixed * one + self.growth * first + self.bend * second
    }

    /// The law of `shape` that fits `points` best in relative terms.
    pub(super) fn fit(shape: Shape, points: &[Point]) -> Self {
        let largest = points.iter().map(|point| point.services).fold(1.0, f64::max);
        let scale = if largest > 1.0 { largest } else { 2.0 };
        let bases: Vec<[f64; 3]> = points.iter().map(|point| basis(shape, point.services, scale)).collect();
        let fit = Fit { shape, points, bases: &bases };
        fit.law(fit.improved(fit.start(None), None, STEPS), scale)
    }

    /// The law of the shape that foretells best what was left out, the simplest of those that do about as well.
    ///
    /// Each point is left out in turn and foretold by the law of the others. A simpler law is taken in place of the best
    /// where its squared errors are larger by less than their own standard error.
    pub(super) fn choose(points: &[Point], shapes: &[Shape]) -> Self {
        let errors: Vec<Vec<f64>> = shapes.iter().map(|&shape| left_out(shape, points)).collect();
        let mean = |errors: &[f64]| errors.iter().sum::<f64>() / size(errors.len());
        let best = (0..shapes.len()).min_by(|&one, &other| mean(&errors[one]).total_cmp(&mean(&errors[other])));
        let Some(best) = best else { return Self::fit(Shape::Constant, points) };
        let chosen = (0..best).find(|&simpler| {
            let more: Vec<f64> = errors[simpler].iter().zip(&errors[best]).map(|(one, other)| one - other).collect();
            let (excess, count) = (mean(&more), size(more.len()));
            let spread = more.iter().map(|one| (one - excess).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
            excess <= ALIKE.max((spread / count).sqrt())
        });
        let law = Self::fit(shapes[chosen.unwrap_or(best)], points);
        law.simplified()
    }

    /// The same law under the name of the simplest shape that says it.
    fn simplified(mut self) -> Self {
        if self.shape == Shape::Quadratic && self.bend == 0.0 {
            self.shape = Shape::Linear;
        }
        if self.growth == 0.0 && self.bend == 0.0 {
            self.shape = Shape::Constant;
        }
        self
    }

    /// How many numbers it has.
    pub(super) fn terms(self) -> usize {
        terms(self.shape)
    }
}

fn terms(shape: Shape) -> usize {
    match shape {
        Shape::Constant => 1,
        Shape::Logarithmic | Shape::Linear => 2,
        Shape::Quadratic => 3,
    }
}

/// What the law's three numbers are multiplied by at `services`, with Services counted in `scale`s.
fn basis(shape: Shape, services: f64, scale: f64) -> [f64; 3] {
    match shape {
        Shape::Constant => [1.0, 0.0, 0.0],
        Shape::Logarithmic => [1.0, services.ln(), 0.0],
        Shape::Linear => [1.0, services / scale, 0.0],
        Shape::Quadratic => [1.0, services / scale, (services / scale).powi(2)],
    }
}

/// The squared relative error (difference of logarithms) with which each point is foretold by the others.
fn left_out(shape: Shape, points: &[Point]) -> Vec<f64> {
    let scale = points.iter().map(|point| point.services).fold(2.0, f64::max);
    let bases: Vec<[f64; 3]> = points.iter().map(|point| basis(shape, point.services, scale)).collect();
    let fit = Fit { shape, points, bases: &bases };
    let whole = fit.improved(fit.start(None), None, STEPS);
    (0..points.len())
        .map(|out| {
            let numbers = fit.improved(whole, Some(out), 3);
            fit.residual(numbers, out).powi(2)
        })
        .collect()
}

/// Points to which a law is being fitted.
struct Fit<'a> {
    shape: Shape,
    points: &'a [Point],
    bases: &'a [[f64; 3]],
}

impl Fit<'_> {
    /// The law's numbers with relative errors taken against what was measured.
    fn start(&self, without: Option<usize>) -> [f64; 3] {
        let mut equations = Equations::new(terms(self.shape));
        for (index, point) in self.points.iter().enumerate().filter(|(index, _)| Some(*index) != without) {
            equations.add(self.bases[index], point.cost, point.cost.powi(-2));
        }
        equations.solve()
    }

    /// `numbers` after at most `steps` of Gauss and Newton's towards the least sum of squared logarithms.
    ///
    /// Relative errors against what was measured would favour laws that are too low; against the law itself, too high.
    fn improved(&self, numbers: [f64; 3], without: Option<usize>, steps: usize) -> [f64; 3] {
        let (mut best, mut least) = (numbers, self.error(numbers, without));
        for _ in 0..steps {
            let mut equations = Equations::new(terms(self.shape));
            for (index, point) in self.points.iter().enumerate().filter(|(index, _)| Some(*index) != without) {
                let now = self.at(best, index);
                equations.add(self.bases[index], now * (1.0 + (point.cost / now).ln()), now.powi(-2));
            }
            let next = equations.solve();
            // A full step may go too far where the law is far off; half of it then goes the same way.
            let half = [0, 1, 2].map(|part| f64::midpoint(best[part], next[part]));
            let tried = [next, half].map(|numbers| (numbers, self.error(numbers, without)));
            let Some(&(numbers, error)) = tried.iter().find(|(_, error)| *error < least * (1.0 - 1e-9)) else { break };
            (best, least) = (numbers, error);
        }
        best
    }

    /// The law's cost at a point. Never zero, so that it has a logarithm.
    fn at(&self, numbers: [f64; 3], index: usize) -> f64 {
        let cost: f64 = numbers.iter().zip(self.bases[index]).map(|(number, basis)| number * basis).sum();
        cost.max(1e-3 * self.points[index].cost)
    }

    fn residual(&self, numbers: [f64; 3], index: usize) -> f64 {
        (self.points[index].cost / self.at(numbers, index)).ln()
    }

    fn error(&self, numbers: [f64; 3], without: Option<usize>) -> f64 {
        let counted = (0..self.points.len()).filter(|index| Some(*index) != without);
        counted.map(|index| self.residual(numbers, index).powi(2)).sum()
    }

    fn law(&self, [fixed, growth, bend]: [f64; 3], scale: f64) -> Law {
        let unit = if self.shape == Shape::Logarithmic { 1.0 } else { scale };
        Law { shape: self.shape, fixed, growth: growth / unit, bend: bend / (unit * unit) }
    }
}

/// The law with its numbers as they are: `a + b·N`, for messages and tests.
impl fmt::Display for Law {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shape {
            Shape::Constant => write!(out, "{:.4e}", self.fixed),
            Shape::Logarithmic => write!(out, "{:.4e} + {:.4e}·ln N", self.fixed, self.growth),
            Shape::Linear => write!(out, "{:.4e} + {:.4e}·N", self.fixed, self.growth),
            Shape::Quadratic => write!(out, "{:.4e} + {:.4e}·N + {:.4e}·N²", self.fixed, self.growth, self.bend),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [f64; 7] = [1.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0];

    fn points(cost: impl Fn(f64) -> f64) -> Vec<Point> {
        SIZES.iter().map(|&services| Point { services, cost: cost(services) }).collect()
    }

    #[test]
    fn a_law_without_noise_is_found_with_its_numbers() {
        let laws = [
            Law { shape: Shape::Constant, fixed: 52e3, growth: 0.0, bend: 0.0 },
            Law { shape: Shape::Logarithmic, fixed: 52e3, growth: 9e3, bend: 0.0 },
            Law { shape: Shape::Linear, fixed: 52e3, growth: 110.0, bend: 0.0 },
            Law { shape: Shape::Quadratic, fixed: 3e6, growth: 2e5, bend: 90.0 },
        ];
        for law in laws {
            let found = Law::choose(&points(|services| law.at(services)), Shape::ALL);
            assert_eq!(found.shape, law.shape, "{found}");
            for (one, other) in [(found.fixed, law.fixed), (found.growth, law.growth), (found.bend, law.bend)] {
                assert!((one - other).abs() <= 1e-6 * other.max(1e-9), "{found} for {law}");
            }
        }
    }

    #[test]
    fn nothing_in_a_law_is_negative() {
        let falling = Law::choose(&points(|services| 1e6 / (1.0 + services / 1e4)), Shape::ALL);
        assert_eq!(falling.shape, Shape::Constant, "{falling}");
        let from_zero = Law::choose(&points(|services| 3.0 * services), Shape::ALL);
        assert!(from_zero.shape == Shape::Linear && from_zero.fixed >= 0.0, "{from_zero}");
    }

    #[test]
    fn of_two_laws_that_foretell_alike_the_simpler_is_taken() {
        let wavy = |services: f64| 1e6 * (1.0 + 0.05 * (services.ln() * 3.0).sin());
        assert_eq!(Law::choose(&points(wavy), Shape::ALL).shape, Shape::Constant);
    }

    #[test]
    fn a_fit_is_of_ratios_so_that_small_costs_count_as_much() {
        let law = Law::fit(Shape::Linear, &points(|services| if services < 2.0 { 10.0 } else { 10.0 + services }));
        assert!((law.fixed - 10.0).abs() < 1.0 && (law.growth - 1.0).abs() < 0.05, "{law}");
    }
}
