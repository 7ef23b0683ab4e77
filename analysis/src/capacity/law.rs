//! Laws of growth: how a cost depends on the number of Services.
//!
//! Four shapes, none of whose parts may be negative: a cost has a fixed part and grows. Errors are relative, since costs
//! span decades and noise is multiplicative: a law is fitted to, and judged by, the logarithms of what was measured.

use super::equations::Equations;
use lab_core::stats::size;
use lab_core::vocabulary::{Word, words};
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

/// The shapes of a load's cost: a tool reads its input and the kernel keeps what is in it, so that it grows with every
/// Service or faster.
const LOADS: &[Shape] = &[Shape::Linear, Shape::Quadratic];

impl Shape {
    /// The shapes that a law may have which is read from `sizes` sizes; of a load whose input `grows`, where it is one.
    ///
    /// Three sizes are what a quadratic law has numbers: it would fit anything.
    pub(super) fn possible(sizes: usize, grows: bool) -> &'static [Self] {
        let shapes = if grows { LOADS } else { Self::ALL };
        if sizes > 3 { shapes } else { &shapes[..shapes.len() - 1] }
    }
}

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

/// How far the law's left-out error may be above the best one's and the simpler law still be taken, in squared relative
/// error: no reader cares for a difference of a hundredth.
const ALIKE: f64 = 1e-4;

/// The squared relative error from which on a foretold cost is just wrong: a factor of three. Where the fixed part of a law
/// hangs on one size alone, a law without that size foretells next to nothing there, which must not decide.
const WRONG: f64 = 1.2;

/// How often a fit is improved at most. It converges in three or four steps where the law is about right.
const STEPS: usize = 8;

impl Law {
    /// The cost at `services`, which is at least 1.
    #[must_use]
    pub fn at(&self, services: f64) -> f64 {
        let [one, first, second] = basis(self.shape, services, 1.0);
        self.fixed * one + self.growth * first + self.bend * second
    }

    /// The part of its cost at `services` that the number of Services makes, from 0 to 1.
    pub(super) fn grown(&self, services: f64) -> f64 {
        let all = self.at(services);
        if all > 0.0 { 1.0 - self.fixed / all } else { 0.0 }
    }

    /// What it comes to at `services` if from `start` on every Service costs no more than those up to there did.
    pub(super) fn at_least(&self, start: f64, services: f64) -> f64 {
        self.fixed + (self.growth + self.bend * start) * services
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

/// Laws of several shapes, to be fitted to costs at the same sizes again and again.
pub(super) struct Families {
    families: Vec<Family>,
}

impl Families {
    /// The laws of `shapes` over `sizes`, the simplest first.
    pub(super) fn over(sizes: &[f64], shapes: &[Shape]) -> Self {
        Self { families: shapes.iter().map(|&shape| Family::over(shape, sizes)).collect() }
    }

    /// The law of the shape that foretells best what was left out of `costs`, the simplest of those that do about as well.
    ///
    /// Each size is left out in turn and foretold by the law of the others. A simpler law is taken in place of the best
    /// where its squared errors are larger by less than their own standard error, and by less than `noise`, the variance of
    /// the costs' logarithms, explains.
    pub(super) fn choose(&self, costs: &[f64], noise: f64) -> Law {
        let fits: Vec<Fitting> = self.families.iter().map(|family| family.fit(costs)).collect();
        let errors: Vec<Vec<f64>> = fits.iter().map(Fitting::left_out).collect();
        let mean = |errors: &[f64]| errors.iter().sum::<f64>() / size(errors.len());
        let best = (0..fits.len()).min_by(|&one, &other| mean(&errors[one]).total_cmp(&mean(&errors[other])));
        let best = best.expect("there is a shape at the least");
        let as_good = |simpler: &usize| {
            let more: Vec<f64> = errors[*simpler].iter().zip(&errors[best]).map(|(one, other)| one - other).collect();
            let (excess, count) = (mean(&more), size(more.len()));
            let spread = more.iter().map(|one| (one - excess).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
            excess <= ALIKE.max((spread / count).sqrt().min(noise))
        };
        fits[(0..best).find(as_good).unwrap_or(best)].law().simplified()
    }

    /// The law of `shape` that fits `costs` best in relative terms; of the simplest shape where there is no such.
    pub(super) fn fit(&self, shape: Shape, costs: &[f64]) -> Law {
        let family = self.families.iter().find(|family| family.shape == shape).unwrap_or(&self.families[0]);
        family.fit(costs).law()
    }
}

/// Laws of one shape over some sizes.
struct Family {
    shape: Shape,
    /// Services are counted in these, so that all numbers of a law are of one size.
    scale: f64,
    bases: Vec<[f64; 3]>,
}

impl Family {
    fn over(shape: Shape, sizes: &[f64]) -> Self {
        let scale = sizes.iter().copied().fold(2.0, f64::max);
        Self { shape, scale, bases: sizes.iter().map(|&services| basis(shape, services, scale)).collect() }
    }

    /// Fits by Gauss and Newton's steps towards the least sum of squared logarithms.
    ///
    /// Errors relative to what was measured would favour laws that are too low; relative to the law itself, too high.
    fn fit<'a>(&'a self, costs: &'a [f64]) -> Fitting<'a> {
        let mut equations = Equations::new(terms(self.shape));
        for (basis, cost) in self.bases.iter().zip(costs) {
            equations.add(*basis, *cost, cost.powi(-2));
        }
        let mut best = Fitting::new(self, costs, equations.solve());
        for _ in 0..STEPS {
            let next = best.equations().solve();
            let mut tried = Fitting::new(self, costs, next);
            if tried.error >= best.error {
                // A full step may go too far where the law is far off; half of it then goes the same way.
                let half = [0, 1, 2].map(|part| f64::midpoint(best.numbers[part], next[part]));
                tried = Fitting::new(self, costs, half);
            }
            let done = tried.error >= best.error * (1.0 - 1e-6);
            if tried.error < best.error {
                best = tried;
            }
            if done {
                break;
            }
        }
        best
    }
}

/// A law on its way to some costs.
struct Fitting<'a> {
    family: &'a Family,
    costs: &'a [f64],
    numbers: [f64; 3],
    /// The law's cost at each size, never zero so that it has a logarithm.
    law: Vec<f64>,
    /// The logarithm of each cost against it.
    residuals: Vec<f64>,
    /// The sum of their squares.
    error: f64,
}

impl<'a> Fitting<'a> {
    fn new(family: &'a Family, costs: &'a [f64], numbers: [f64; 3]) -> Self {
        let at = |(basis, cost): (&[f64; 3], &f64)| product(numbers, *basis).max(1e-3 * cost);
        let law: Vec<f64> = family.bases.iter().zip(costs).map(at).collect();
        let residuals: Vec<f64> = costs.iter().zip(&law).map(|(cost, law)| (cost / law).ln()).collect();
        let error = residuals.iter().map(|residual| residual * residual).sum();
        Self { family, costs, numbers, law, residuals, error }
    }

    /// The least-squares problem that is this one in the neighbourhood of the law.
    fn equations(&self) -> Equations {
        let mut equations = Equations::new(terms(self.family.shape));
        for index in 0..self.costs.len() {
            self.add(&mut equations, index, 1.0);
        }
        equations
    }

    fn add(&self, equations: &mut Equations, index: usize, times: f64) {
        let law = self.law[index];
        equations.add(self.family.bases[index], law * (1.0 + self.residuals[index]), times * law.powi(-2));
    }

    /// The squared relative error with which each size is foretold by the others: by the law one step away from this one.
    fn left_out(&self) -> Vec<f64> {
        let whole = self.equations();
        (0..self.costs.len())
            .map(|index| {
                let mut others = whole.clone();
                self.add(&mut others, index, -1.0);
                let foretold = product(others.solve(), self.family.bases[index]).max(1e-3 * self.costs[index]);
                (self.costs[index] / foretold).ln().powi(2).min(WRONG)
            })
            .collect()
    }

    fn law(&self) -> Law {
        let Family { shape, scale, .. } = *self.family;
        let [fixed, growth, bend] = self.numbers;
        let unit = if shape == Shape::Logarithmic { 1.0 } else { scale };
        Law { shape, fixed, growth: growth / unit, bend: bend / (unit * unit) }
    }
}

fn product(numbers: [f64; 3], basis: [f64; 3]) -> f64 {
    numbers[0] * basis[0] + numbers[1] * basis[1] + numbers[2] * basis[2]
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

    fn chosen(cost: impl Fn(f64) -> f64) -> Law {
        Families::over(&SIZES, Shape::ALL).choose(&SIZES.map(cost), 0.0)
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
            let found = chosen(|services| law.at(services));
            assert_eq!(found.shape, law.shape, "{found}");
            for (one, other) in [(found.fixed, law.fixed), (found.growth, law.growth), (found.bend, law.bend)] {
                assert!((one - other).abs() <= 1e-6 * other.max(1e-9), "{found} for {law}");
            }
        }
    }

    #[test]
    fn nothing_in_a_law_is_negative() {
        let falling = chosen(|services| 1e6 / (1.0 + services / 1e4));
        assert_eq!(falling.shape, Shape::Constant, "{falling}");
        let from_zero = chosen(|services| 3.0 * services);
        assert!(from_zero.shape == Shape::Linear && from_zero.fixed >= 0.0, "{from_zero}");
    }

    #[test]
    fn of_two_laws_that_foretell_alike_the_simpler_is_taken() {
        let wavy = SIZES.map(|services: f64| 1e6 * (1.0 + 0.014 * services.ln() + 0.05 * (services.ln() * 3.0).sin()));
        let families = Families::over(&SIZES, Shape::ALL);
        assert_eq!(families.choose(&wavy, 0.01).shape, Shape::Constant);
        assert_eq!(families.choose(&wavy, 0.0).shape, Shape::Logarithmic);
    }

    #[test]
    fn a_fit_is_of_ratios_so_that_small_costs_count_as_much() {
        let law = Families::over(&SIZES, Shape::ALL).fit(Shape::Linear, &SIZES.map(|services| 10.0 + services));
        assert!((law.fixed - 10.0).abs() < 1.0 && (law.growth - 1.0).abs() < 0.05, "{law}");
    }
}
