//! What ran over its budget, and what it had taken before.

use crate::prose::services_of;
use crate::report::Point;
use crate::results::variant::VariantRun;
use crate::results::{Results, Row};
use lab_core::metric::Metric;
use lab_core::units;
use lab_core::vocabulary::Outcome;
use std::collections::{BTreeMap, BTreeSet};

/// One finding: of each variant, what went over its budget, from which size on, and how far it came there.
pub(super) fn points(results: &Results) -> Vec<Point> {
    let over = |row: &&Row| row.outcome == Outcome::OverBudget && row.metric == Metric::of(row.cell.probe);
    let mut variants: BTreeMap<VariantRun, Vec<&Row>> = BTreeMap::new();
    for row in results.rows.iter().filter(over) {
        variants.entry(VariantRun::of(row)).or_default().push(row);
    }
    let sentences: Vec<String> = variants.values().filter_map(|rows| told(results, rows)).collect();
    let found = (!sentences.is_empty()).then(|| Point::new("Over budget", sentences.join(" ")));
    found.into_iter().collect()
}

/// `With nftables from 20,000 Services on, sync_full and 4 more: …`. The smallest size says it, and of that the first metric.
fn told(results: &Results, rows: &[&Row]) -> Option<String> {
    let least = rows.iter().map(|row| row.cell.cluster.services).min()?;
    let first = rows.iter().find(|row| row.cell.cluster.services == least)?;
    let metrics: BTreeSet<Metric> = rows.iter().map(|row| row.metric).collect();
    let more = match metrics.len() - 1 {
        0 => String::new(),
        more => format!(" and {}", units::counted(more as u64, "more metric")),
    };
    let name = results.name(VariantRun::of(first), first.cell.probe);
    let beyond = if rows.iter().any(|row| row.cell.cluster.services > least) { " and beyond" } else { "" };
    let mut text = format!(
        "{name} at {}{beyond}, {}{more}: {}.",
        services_of(&[least]),
        first.metric,
        first.reason.trim_end_matches('.')
    );
    if let Some((services, median)) = before(results, first) {
        let times = units::ratio(f64::from(least) / f64::from(services));
        text = format!(
            "{text} At {} it was {}; that is {times} the Services.",
            units::count(services.into()),
            results.human(first.metric, median)
        );
    }
    Some(text)
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
