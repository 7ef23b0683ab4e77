//! Where the level of a series changes.
//!
//! PELT of Killick, Fearnhead and Eckley, "Optimal detection of changepoints with a linear computational cost" (2012), with
//! squared deviations from each segment's mean as its cost: the segmentation whose cost, with a penalty for every change, is
//! least of all.

/// The fewest values on either side of a change: one alone is an outlier.
const SHORTEST: usize = 2;

/// The first index of every segment but the first.
pub(super) fn change_points(values: &[f64], penalty: f64) -> Vec<usize> {
    let sums = Sums::of(values);
    let n = values.len();
    // The least cost of values[..end], and where its last segment begins.
    let mut best = vec![(f64::INFINITY, 0); n + 1];
    best[0] = (-penalty, 0);
    let mut candidates: Vec<usize> = vec![0];
    for end in SHORTEST..=n {
        // What was dearer without a further penalty, up to where a segment may begin by now, can never become the cheapest.
        let turn = end - SHORTEST;
        candidates.retain(|begin| turn < begin + SHORTEST || best[*begin].0 + sums.cost(*begin, turn) <= best[turn].0);
        let cost = |begin: usize| best[begin].0 + sums.cost(begin, end) + penalty;
        let usable = candidates.iter().copied().filter(|begin| end - begin >= SHORTEST);
        if let Some(begin) = usable.min_by(|one, other| cost(*one).total_cmp(&cost(*other))) {
            best[end] = (cost(begin), begin);
        }
        candidates.push(end + 1 - SHORTEST);
    }
    let mut points = Vec::new();
    let mut end = n;
    while end > 0 && best[end].1 > 0 {
        end = best[end].1;
        points.push(end);
    }
    points.reverse();
    points
}

/// Running sums, so that a segment's cost is found at once.
struct Sums(Vec<(f64, f64)>);

impl Sums {
    fn of(values: &[f64]) -> Self {
        // Levels would drown in their squares otherwise.
        let first = values.first().copied().unwrap_or(0.0);
        let mut sums = vec![(0.0, 0.0)];
        for value in values.iter().map(|value| value - first) {
            let (sum, squares) = sums[sums.len() - 1];
            sums.push((sum + value, squares + value * value));
        }
        Self(sums)
    }

    /// The squared deviations of values[begin..end] from their mean.
    fn cost(&self, begin: usize, end: usize) -> f64 {
        let ((sum, squares), (sum_before, squares_before)) = (self.0[end], self.0[begin]);
        let sum = sum - sum_before;
        (squares - squares_before - sum * sum / lab_core::stats::size(end - begin)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The cost of a segmentation.
    fn cost(values: &[f64], points: &[usize], penalty: f64) -> f64 {
        let sums = Sums::of(values);
        let ends = points.iter().copied().chain([values.len()]);
        let begins = [0].into_iter().chain(points.iter().copied());
        begins.zip(ends).map(|(begin, end)| sums.cost(begin, end) + penalty).sum::<f64>() - penalty
    }

    #[test]
    fn a_level_has_no_change() {
        assert_eq!(change_points(&[3.0; 20], 1e-9), [] as [usize; 0]);
        assert_eq!(change_points(&[], 1.0), [] as [usize; 0]);
        assert_eq!(change_points(&[1.0], 1.0), [] as [usize; 0]);
    }

    #[test]
    fn a_single_value_off_the_level_is_no_change() {
        let mut values = [1.0; 20];
        values[10] = 1.2;
        assert_eq!(change_points(&values, 0.05), [] as [usize; 0]);
    }

    proptest! {
        #[test]
        fn a_step_is_found_where_it_is(at in 2..18_usize, step in 1.0..9.0_f64, noise in proptest::collection::vec(-0.1..0.1, 20)) {
            let values: Vec<f64> = (0..20).map(|index| noise[index] + if index < at { 0.0 } else { step }).collect();
            prop_assert_eq!(change_points(&values, 0.3), [at]);
        }

        #[test]
        fn no_other_segmentation_is_cheaper(values in proptest::collection::vec(-1.0..1.0, 2..11), penalty in 0.01..1.0_f64) {
            let points = change_points(&values, penalty);
            let found = cost(&values, &points, penalty);
            for mask in 0..1_u32 << (values.len() - 1) {
                let other: Vec<usize> = (1..values.len()).filter(|at| mask >> (at - 1) & 1 == 1).collect();
                let edges: Vec<usize> = [0].into_iter().chain(other.iter().copied()).chain([values.len()]).collect();
                if edges.windows(2).all(|pair| pair[1] - pair[0] >= SHORTEST) {
                    prop_assert!(found <= cost(&values, &other, penalty) + 1e-9, "{:?} beats {:?}", other, points);
                }
            }
        }
    }
}
