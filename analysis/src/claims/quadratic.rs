//! How much of a cost grows with the square of the number of Services, by all sizes.

use super::estimate::{Estimate, student};

/// What the square takes of the figure at the largest size, as a share, where `figures` are `a + b·N + c·N²`; `None` for fewer
/// than three sizes, which have such a law in any case.
///
/// The law is fitted by least squares of relative errors. The interval takes in those of all figures and how far they lie from
/// the law: what is none has a wide one.
pub(super) fn share(figures: &[(u32, Estimate)]) -> Option<Estimate> {
    let usable: Vec<&(u32, Estimate)> = figures.iter().filter(|(_, figure)| figure.low > 0.0).collect();
    let largest = f64::from(usable.iter().map(|(size, _)| *size).max()?);
    let whole = usable.iter().find(|(size, _)| f64::from(*size) >= largest)?.1.value;
    // Of the largest size, so that numbers stay near 1; each row is divided by its figure.
    let rows: Vec<[f64; 3]> = usable
        .iter()
        .map(|(size, figure)| {
            let (x, y) = (f64::from(*size) / largest, figure.value / whole);
            [1.0, x, x * x].map(|term| term / y)
        })
        .collect();
    let normal: [[f64; 3]; 3] =
        std::array::from_fn(|i| std::array::from_fn(|j| rows.iter().map(|row| row[i] * row[j]).sum()));
    let inverse = invert(normal)?;
    let free = rows.len().checked_sub(3)?;
    // The square's factor is a sum of the figures, each with such a weight.
    let weight = |row: &[f64; 3]| -> f64 { (0..3).map(|i| inverse[2][i] * row[i]).sum() };
    let [constant, line, square]: [f64; 3] =
        std::array::from_fn(|term| rows.iter().map(|row| (0..3).map(|i| inverse[term][i] * row[i]).sum::<f64>()).sum());
    let half = |figure: &Estimate| (figure.high - figure.low) / 2.0 / figure.value;
    let own = rows.iter().zip(&usable).map(|(row, (_, figure))| (weight(row) * half(figure)).powi(2)).sum::<f64>();
    let law = if free == 0 {
        0.0
    } else {
        let off = |row: &[f64; 3]| (1.0 - constant * row[0] - line * row[1] - square * row[2]).powi(2);
        let variance = rows.iter().map(off).sum::<f64>() / free as f64;
        student(free) * (variance * inverse[2][2]).sqrt()
    };
    let width = own.sqrt() + law;
    let exact = law < 1e-6 && usable.iter().all(|(_, figure)| figure.exact);
    Some(Estimate { low: square - width, value: square, high: square + width, exact })
}

/// The inverse of a symmetric matrix; `None` where it has none.
fn invert(m: [[f64; 3]; 3]) -> Option<[[f64; 3]; 3]> {
    let minor = |row: usize, column: usize| {
        let [a, b] = [0, 1, 2].into_iter().filter(|&i| i != row).collect::<Vec<_>>()[..] else { unreachable!() };
        let [c, d] = [0, 1, 2].into_iter().filter(|&i| i != column).collect::<Vec<_>>()[..] else { unreachable!() };
        let sign = if (row + column).is_multiple_of(2) { 1.0 } else { -1.0 };
        sign * (m[a][c] * m[b][d] - m[a][d] * m[b][c])
    };
    let determinant: f64 = (0..3).map(|column| m[0][column] * minor(0, column)).sum();
    let scale: f64 = (0..3).map(|i| m[i][i]).product();
    (determinant.abs() > 1e-12 * scale)
        .then(|| std::array::from_fn(|i| std::array::from_fn(|j| minor(j, i) / determinant)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(law: impl Fn(f64) -> f64) -> Estimate {
        share(&[500, 1000, 2000, 4000, 8000].map(|size| (size, Estimate::exact(law(f64::from(size)))))).unwrap()
    }

    #[test]
    fn the_square_is_told_from_the_line_and_from_what_is_always_there() {
        let at = 8000.0_f64;
        for (constant, line, square) in [(1e9, 0.0, 100.0), (1e8, 1e5, 0.0), (1e8, 1e5, 50.0), (0.0, 0.0, 7.0)] {
            let found = of(|size| constant + line * size + square * size * size);
            let expected = square * at * at / (constant + line * at + square * at * at);
            assert!((found.value - expected).abs() < 1e-6 && found.high - found.low < 1e-3, "{found:?} {expected}");
        }
    }

    #[test]
    fn what_is_no_such_law_has_a_wide_interval() {
        let erratic = [(500, 1e9), (1000, 3e9), (2000, 2e9), (4000, 9e9), (8000, 8e9)];
        let found = share(&erratic.map(|(size, value)| (size, Estimate::exact(value)))).unwrap();
        assert!(found.high - found.low > 1.0, "{found:?}");
    }

    #[test]
    fn an_uncertain_figure_makes_it_uncertain_and_two_sizes_tell_nothing() {
        let wide = |value: f64| Estimate { low: 0.9 * value, value, high: 1.1 * value, exact: false };
        let found = share(&[(1000, wide(1e6)), (2000, wide(2e6)), (4000, wide(4e6))]).unwrap();
        assert!(found.value.abs() < 1e-9 && found.low < -0.3 && found.high > 0.3, "{found:?}");
        assert_eq!(share(&[(1000, wide(1e6)), (2000, wide(4e6))]), None);
        assert_eq!(share(&[(1000, wide(1e6)), (1000, wide(2e6)), (1000, wide(3e6))]), None);
        assert_eq!(share(&[]), None);
    }
}
