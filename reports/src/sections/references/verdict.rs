//! Whether a published series comes out, in shape: how much it grows between two sizes, against how much the measured does.
//!
//! A time is never divided by a count of instructions, nor by a time of another machine: what is compared is the change
//! between two sizes that both have.

use super::curve::{Curve, Curves};
use crate::prose::{list, services_of};
use crate::report::Point;
use crate::results::Results;
use crate::results::clock::Between;
use lab_core::reference::{Reference, Value};
use lab_core::units;

/// Up to what ratio a series is called level.
const LEVEL: f64 = 1.15;

/// How far two growths may be apart, as exponents of each other, to be of one shape.
const ONE_SHAPE: std::ops::RangeInclusive<f64> = 0.5..=2.0;

/// Measured series, each with how it changes over the same sizes.
type Shapes<'a> = Vec<(&'a Curve<'a>, Shape)>;

/// How a series changes from one size to another.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Level(f64),
    Grows(f64),
    Falls(f64),
    /// The intervals overlap, and are wide.
    Unclear(f64),
}

/// What is to be said of a measured series against the published one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Not,
    Partly,
    Reproduces,
}

/// A finding a published series and span of sizes that was measured too.
pub(crate) fn points(results: &Results, reference: &Reference) -> Vec<Point> {
    let curves = Curves::of(results, reference);
    let mut points: Vec<Point> = curves.iter().flat_map(|curves| of_series(results, reference, curves)).collect();
    points.extend(curves.iter().flat_map(|curves| out_of_memory(reference, curves)));
    points
}

fn of_series(results: &Results, reference: &Reference, curves: &Curves) -> Vec<Point> {
    let number = |services| match curves.published.map(|series| reference.value(series, services)) {
        Some(Value::Number(number)) => Some(number),
        _ => None,
    };
    let mut spans: Vec<(u32, u32, Shapes)> = Vec::new();
    for curve in &curves.measured {
        let has = |&size: &u32| (curves.published.is_none() || number(size).is_some()) && curve.at(size).is_some();
        let both: Vec<u32> = results.sizes().into_iter().filter(has).collect();
        let [low, .., high] = both[..] else { continue };
        let Some(shape) = measured(curve, low, high) else { continue };
        match spans.iter_mut().find(|(from, to, _)| (*from, *to) == (low, high)) {
            Some((.., shapes)) => shapes.push((curve, shape)),
            None => spans.push((low, high, vec![(curve, shape)])),
        }
    }
    let point = |(low, high, shapes): (u32, u32, Shapes)| {
        let from = format!("from {} to {}", units::count(low.into()), services_of(&[high]));
        let clauses: Vec<String> =
            shapes.iter().map(|(curve, shape)| format!("{} {}", curve.name(), shape.verb())).collect();
        let because = curves.pair.because.as_ref().map(|because| format!(" {because}")).unwrap_or_default();
        let Some(series) = curves.published else {
            let text = format!("{}: {}. Measured, {from}: {}.{because}", reference.id, reference.title, list(&clauses));
            return Point::new("Published without a number", text);
        };
        let published = Shape::between(number(low), number(high));
        // The nearest figure decides, of whichever of its variants comes nearest.
        let nearest = shapes.first().map(|(curve, _)| curve.measured);
        let nearest = shapes.iter().filter(|(curve, _)| Some(curve.measured) == nearest);
        let verdict = published.and_then(|published| nearest.filter_map(|(_, shape)| published.verdict(*shape)).max());
        let shape = published.map_or_else(|| "starts at nothing".to_owned(), |shape| shape.verb());
        let head = match verdict {
            Some(Verdict::Reproduces) => "Comes out as published, in shape",
            Some(Verdict::Partly) => "Comes out as published, in direction only",
            Some(Verdict::Not) => "Does not come out as published",
            None => "Published, and not to be compared in shape",
        };
        let text = format!(
            "{}: {}, {from}: published {shape}; measured: {}.{because}",
            reference.id,
            series.name,
            list(&clauses)
        );
        Point::new(head, text)
    };
    spans.into_iter().map(point).collect()
}

/// What becomes of the measured number; no change is claimed that is not known to be one.
fn measured(curve: &Curve, low: u32, high: u32) -> Option<Shape> {
    let (from, to) = (curve.figures(low)?, curve.figures(high)?);
    let ratio = Some(to.p50 / from.p50).filter(|ratio| ratio.is_finite()).unwrap_or(1.0);
    match curve.between(&from, &to) {
        Some(Between::Alike) => Some(Shape::Level(ratio)),
        Some(Between::Unknown) => Some(Shape::Unclear(ratio)),
        Some(Between::Different) | None => Shape::between(curve.at(low), curve.at(high)),
    }
}

impl Shape {
    /// `None` where there is no ratio.
    fn between(from: Option<f64>, to: Option<f64>) -> Option<Self> {
        let ratio = to? / from?;
        match ratio {
            _ if !ratio.is_finite() => None,
            _ if units::ratio(ratio) == units::ratio(1.0) => Some(Self::Level(ratio)),
            _ if ratio > 1.0 => Some(Self::Grows(ratio)),
            _ => Some(Self::Falls(ratio)),
        }
    }

    /// `grows 12.0×`, `falls to 0.09×`, `shows no difference (1.00×)`.
    fn verb(self) -> String {
        match self {
            Self::Level(ratio) => format!("shows no difference ({})", units::ratio(ratio)),
            Self::Grows(ratio) => format!("grows {}", units::ratio(ratio)),
            Self::Falls(ratio) => format!("falls to {}", units::ratio(ratio)),
            Self::Unclear(ratio) => format!("has too few samples to say ({})", units::ratio(ratio)),
        }
    }

    /// What it comes to, as a ratio; a little is nothing. `None` where that is not known.
    fn ratio(self) -> Option<f64> {
        match self {
            Self::Unclear(_) => None,
            Self::Level(_) => Some(1.0),
            Self::Grows(ratio) | Self::Falls(ratio) if (1.0 / LEVEL..LEVEL).contains(&ratio) => Some(1.0),
            Self::Grows(ratio) | Self::Falls(ratio) => Some(ratio),
        }
    }

    /// Of a published shape, what `measured` is to it; `None` where that is not known.
    #[allow(clippy::float_cmp, reason = "1.0 is what level was set to")]
    fn verdict(self, measured: Self) -> Option<Verdict> {
        let (published, measured) = (self.ratio()?, measured.ratio()?);
        Some(match (published == 1.0, measured == 1.0) {
            (true, true) => Verdict::Reproduces,
            (true, false) | (false, true) => Verdict::Not,
            (false, false) => match measured.ln() / published.ln() {
                exponent if ONE_SHAPE.contains(&exponent) => Verdict::Reproduces,
                exponent if exponent > 0.0 => Verdict::Partly,
                _ => Verdict::Not,
            },
        })
    }
}

/// Where memory is said to have run out, and something was measured.
fn out_of_memory(reference: &Reference, curves: &Curves) -> Vec<Point> {
    let Some(series) = curves.published else { return Vec::new() };
    let mut points = Vec::new();
    for &services in &reference.services {
        if reference.value(series, services) != Value::OutOfMemory {
            continue;
        }
        let measured: Vec<String> = curves
            .measured
            .iter()
            .filter_map(|curve| {
                let number = curve.results.human(curve.measured.metric, curve.at(services)?);
                Some(format!("{} is {number}", curve.name()))
            })
            .collect();
        if !measured.is_empty() {
            let at = services_of(&[services]);
            let text = format!(
                "{}: {} at {at}: published out of memory; measured: {}.",
                reference.id,
                series.name,
                list(&measured)
            );
            points.push(Point::new("Does not come out as published", text));
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_comes_out_where_both_grow_about_alike_or_neither_does() {
        let verdict = |published: f64, measured: f64| {
            let shape = |ratio| Shape::between(Some(1.0), Some(ratio)).unwrap();
            shape(published).verdict(shape(measured)).unwrap()
        };
        assert_eq!(verdict(1.0, 1.1), Verdict::Reproduces);
        assert_eq!(verdict(100.0, 300.0), Verdict::Reproduces);
        assert_eq!(verdict(0.2, 0.3), Verdict::Reproduces);
        assert_eq!(verdict(13_200_000.0, 117.0), Verdict::Partly);
        assert_eq!(verdict(1.73, 4.38), Verdict::Partly);
        assert_eq!(verdict(0.58, 1.0), Verdict::Not);
        assert_eq!(verdict(1.0, 20.0), Verdict::Not);
        assert_eq!(verdict(0.5, 2.0), Verdict::Not);
        assert_eq!(Shape::Grows(2.0).verdict(Shape::Unclear(2.0)), None);
        assert_eq!(Shape::between(Some(0.0), Some(2.0)), None);
        assert_eq!(Shape::between(Some(2.0), None), None);
    }
}
