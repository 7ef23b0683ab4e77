//! What was measured of one quantity, with its curve and the law in words.

use super::calibration::Calibration;
use super::curve::Curve;
use super::law::Shape;
use super::series::Series;
use lab_core::cell::Contender;
use lab_core::dataset::Dataset;
use lab_core::metric::{Better, Metric, Unit};
use lab_core::units;
use lab_core::vocabulary::{Clock, Quantile, Word};

/// A series with its curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// What was measured.
    pub series: Series,
    /// The curve through it; `None` with fewer than three sizes, and where these were measured on different machines.
    pub curve: Option<Curve>,
    /// What its variant is called among those of the run: `ipvs (batched)`.
    pub name: String,
    /// The clock of its numbers.
    pub clock: Clock,
}

/// The law of every variant's medians, for every metric of which less or more is better, at every position.
///
/// In the order of metrics, then of variants. A series of fewer than three sizes is there without a curve. It takes about
/// ten milliseconds a series.
#[must_use]
pub fn laws(dataset: &Dataset) -> Vec<Fitted> {
    laws_of(dataset, Metric::ALL)
}

/// The same for some metrics.
#[must_use]
pub fn laws_of(dataset: &Dataset, metrics: &[Metric]) -> Vec<Fitted> {
    let wanted: Vec<(Metric, Quantile)> = metrics
        .iter()
        .filter(|metric| metric.better() != Better::Neither)
        .map(|metric| (*metric, Quantile::P50))
        .collect();
    Fitted::all(dataset, &wanted, None)
}

impl Fitted {
    /// The series of each of `wanted`, with their curves; in time if there is a `calibration`.
    pub(super) fn all(
        dataset: &Dataset,
        wanted: &[(Metric, Quantile)],
        calibration: Option<&Calibration>,
    ) -> Vec<Self> {
        let mut series = Series::collect(dataset, wanted);
        if let Some(calibration) = calibration {
            series = series.into_iter().map(|series| calibration.times(series)).collect();
        }
        let variants: Vec<Contender> = series.iter().map(|series| series.variant).collect();
        let clock = calibration.map_or(dataset.header.clock, |calibration| calibration.clock);
        let fitted = |mut series: Series| {
            let alike: Vec<Contender> =
                variants.iter().copied().filter(|one| one.way.is_some() == series.variant.way.is_some()).collect();
            let curve = if dataset.header.machines() > 1 { None } else { Curve::fit(&series) };
            let curve = match calibration {
                Some(calibration) => calibration.doubt(&mut series, curve),
                None => curve,
            };
            Self { curve, name: series.variant.name(&alike), clock, series }
        };
        series.into_iter().map(fitted).collect()
    }

    /// The law in words: `grows linearly: 52.0 µs + 110 ns a Service`; what is missing for one where there is none.
    #[must_use]
    pub fn words(&self) -> String {
        let Some(curve) = &self.curve else {
            return match self.series.figures.len() {
                0 => "nothing was measured".to_owned(),
                1 => "no law: measured at one size only".to_owned(),
                2 => "no law: measured at two sizes only".to_owned(),
                _ => "no law: its sizes were measured on different machines".to_owned(),
            };
        };
        let metric = self.series.metric;
        let human = |value: f64| units::human(metric.unit(), self.clock, value);
        let law = curve.law();
        if metric.better() == Better::Higher {
            let (smallest, largest) = curve.range();
            return match law.shape {
                Shape::Constant => format!("does not depend on the number of Services: {}", human(1.0 / law.fixed)),
                shape => format!(
                    "falls, its reciprocal growing {}: {} at {} Service{}, {} at {}",
                    adverb(shape),
                    human(1.0 / law.at(smallest)),
                    count(smallest),
                    if smallest == 1.0 { "" } else { "s" },
                    human(1.0 / law.at(largest)),
                    count(largest),
                ),
            };
        }
        let each = |value: f64| match metric.unit() {
            // A Service's part of a count or a share would be rounded away.
            Unit::Share | Unit::Count => format!("{} a thousand Services", human(1000.0 * value)),
            _ => format!("{} a Service", human(value)),
        };
        let fixed = if law.fixed > 0.0 { format!("{} + ", human(law.fixed)) } else { String::new() };
        match law.shape {
            Shape::Constant => format!("does not grow with the number of Services: {}", human(law.fixed)),
            Shape::Logarithmic => {
                let doubling = human(law.growth * std::f64::consts::LN_2);
                format!("grows logarithmically: {fixed}{doubling} with every doubling")
            }
            Shape::Linear => format!("grows linearly: {fixed}{}", each(law.growth)),
            Shape::Quadratic => {
                let linear = if law.growth > 0.0 { format!("{} + ", each(law.growth)) } else { String::new() };
                // At a thousand Services, since nobody can picture the square of one.
                format!("grows quadratically: {fixed}{linear}{} × (Services / 1,000)²", human(1e6 * law.bend))
            }
        }
    }
}

fn adverb(shape: Shape) -> &'static str {
    match shape {
        Shape::Constant => "not at all",
        Shape::Logarithmic => "logarithmically",
        Shape::Linear => "linearly",
        Shape::Quadratic => "quadratically",
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of Services")]
fn count(services: f64) -> String {
    units::count(services as u64)
}
