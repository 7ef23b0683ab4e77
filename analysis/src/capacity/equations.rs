//! Least squares with up to three unknowns, none of which may be negative.

/// The normal equations of a weighted least-squares problem.
#[derive(Clone)]
pub(super) struct Equations {
    terms: usize,
    matrix: [[f64; 3]; 3],
    right: [f64; 3],
}

impl Equations {
    /// Nothing yet, for `terms` unknowns, at most three.
    pub(super) fn new(terms: usize) -> Self {
        Self { terms, matrix: [[0.0; 3]; 3], right: [0.0; 3] }
    }

    /// Asks for `basis·unknowns = value`, as much as `weight` says.
    pub(super) fn add(&mut self, basis: [f64; 3], value: f64, weight: f64) {
        for row in 0..self.terms {
            for column in 0..self.terms {
                self.matrix[row][column] += weight * basis[row] * basis[column];
            }
            self.right[row] += weight * basis[row] * value;
        }
    }

    /// The unknowns with the least squared error of those that are not negative.
    ///
    /// If all of them together come out so, that is it. Otherwise, with so few, every subset can be tried with the others at
    /// zero. A solved subset lowers the squared error by its unknowns times the right side, which is to be the largest.
    pub(super) fn solve(&self) -> [f64; 3] {
        let all = self.solve_subset((1 << self.terms) - 1);
        if let Some(unknowns) = all.filter(|unknowns| unknowns.iter().all(|unknown| *unknown >= 0.0)) {
            return unknowns;
        }
        let (mut best, mut lowered) = ([0.0; 3], 0.0);
        for subset in 1_usize..1 << self.terms {
            let Some(unknowns) = self.solve_subset(subset) else { continue };
            if unknowns.iter().any(|unknown| *unknown < 0.0 || !unknown.is_finite()) {
                continue;
            }
            let gain: f64 = unknowns.iter().zip(self.right).map(|(unknown, right)| unknown * right).sum();
            if gain > lowered {
                (best, lowered) = (unknowns, gain);
            }
        }
        best
    }

    /// The unknowns of `subset` (a bit each) by elimination, the others zero; `None` where they are not determined.
    fn solve_subset(&self, subset: usize) -> Option<[f64; 3]> {
        let of = [0, 1, 2].map(|unknown| subset & (1 << unknown) != 0);
        let (mut matrix, mut right) = (self.matrix, self.right);
        for unknown in (0..3).filter(|unknown| !of[*unknown]) {
            matrix[unknown] = [0.0; 3];
            (matrix[unknown][unknown], right[unknown]) = (1.0, 0.0);
        }
        // The matrix is symmetric and positive: no pivot need be sought.
        for pivot in 0..3 {
            let diagonal = matrix[pivot][pivot];
            if of[pivot] && diagonal <= 1e-12 * self.matrix[pivot][pivot] {
                return None;
            }
            for row in pivot + 1..3 {
                let factor = matrix[row][pivot] / diagonal;
                let above = matrix[pivot];
                for (entry, above) in matrix[row].iter_mut().zip(above).skip(pivot) {
                    *entry -= factor * above;
                }
                right[row] -= factor * right[pivot];
            }
        }
        let mut unknowns = [0.0; 3];
        for row in (0..3).rev() {
            let rest: f64 = (row + 1..3).map(|column| matrix[row][column] * unknowns[column]).sum();
            unknowns[row] = (right[row] - rest) / matrix[row][row];
        }
        for unknown in (0..3).filter(|unknown| !of[*unknown]) {
            unknowns[unknown] = 0.0;
        }
        Some(unknowns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_negative_is_zero_and_the_rest_is_fitted_without_it() {
        let mut equations = Equations::new(2);
        for (at, value) in [(0.0, 3.0), (1.0, 2.0), (2.0, 1.0)] {
            equations.add([1.0, at, 0.0], value, 1.0);
        }
        let [fixed, growth, _] = equations.solve();
        assert!((fixed - 2.0).abs() < 1e-12 && growth == 0.0, "{fixed} {growth}");
    }

    #[test]
    fn three_unknowns_are_found() {
        let mut equations = Equations::new(3);
        for at in [0.0, 0.3, 0.5, 1.0] {
            equations.add([1.0, at, at * at], 1.0 + 2.0 * at + 3.0 * at * at, 1.0 / (1.0 + at));
        }
        for (found, truth) in equations.solve().into_iter().zip([1.0, 2.0, 3.0]) {
            assert!((found - truth).abs() < 1e-9, "{found} for {truth}");
        }
    }
}
