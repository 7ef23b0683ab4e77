//! What ran over its budget, and what it had taken before.

use crate::prose::services_of;
use crate::report::Point;
use crate::results::variant::VariantRun;
use crate::results::{Results, Row};
use lab_core::metric::Metric;
use lab_core::units;
use lab_core::vocabulary::Outcome;

/// A finding a variant and probe that exploded, at the smallest size where it did.
pub(super) fn points(results: &Results) -> Vec<Point> {
    let over = |row: &&Row| row.outcome == Outcome::OverBudget && row.metric == Metric::of(row.cell.probe);
    let mut first: Vec<&Row> = Vec::new();
    for row in results.rows.iter().filter(over) {
        let same =
            |other: &&mut &Row| VariantRun::of(other) == VariantRun::of(row) && other.cell.probe == row.cell.probe;
        match first.iter_mut().find(same) {
            Some(other) if other.cell.cluster.services <= row.cell.cluster.services => {}
            Some(other) => *other = row,
            None => first.push(row),
        }
    }
    first.into_iter().map(|row| point(results, row)).collect()
}

fn point(results: &Results, row: &Row) -> Point {
    let variant = VariantRun::of(row);
    let mut text = format!(
        "{} of {} at {}: {}.",
        row.metric,
        results.name(variant, row.cell.probe),
        services_of(&[row.cell.cluster.services]),
        row.reason.trim_end_matches('.')
    );
    if let Some((services, median)) = before(results, row) {
        let times = units::ratio(f64::from(row.cell.cluster.services) / f64::from(services));
        text = format!(
            "{text} At {} it was {}; that is {times} the Services.",
            units::count(services.into()),
            results.human(row.metric, median)
        );
    }
    Point::new("Over budget", text)
}

/// The largest size below at which the same was measured, and its median.
fn before(results: &Results, row: &Row) -> Option<(u32, f64)> {
    let smaller = results.sizes().into_iter().rev().filter(|size| *size < row.cell.cluster.services);
    let measured = |services: u32| {
        let (endpoints, asked) = (Some(row.cell.cluster.endpoints), (row.cell.probe, row.cell.position));
        Some((services, results.at(VariantRun::of(row), services, endpoints, asked, row.metric).figures()?.p50))
    };
    smaller.into_iter().find_map(measured)
}
