//! How costs grow with the number of Services, and where one backend becomes cheaper than another.

use crate::capacity::words;
use crate::report::{Column, Content, Point, Table, TableCell};
use crate::results::Results;
use crate::results::clock;
use analysis::capacity::{Comparison, Fitted, Relation, crossovers, laws_of};
use lab_core::cell::Contender;
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, Position};

const METRICS: [Metric; 3] = [Metric::SyncFull, Metric::SyncChange, Metric::Connect];

/// A run's metric in which backends cross.
pub(super) type Crossed = (usize, Metric);

/// The laws, a table a run; what backends cross in; and which metrics those are.
pub(super) fn of(results: &Results) -> (Vec<Table>, Vec<Point>, Vec<Crossed>) {
    let (mut tables, mut points, mut crossed) = (Vec::new(), Vec::new(), Vec::new());
    for (run, dataset) in results.runs.datasets().iter().enumerate() {
        let label = results.label(run);
        let mut fitted = laws_of(dataset, &METRICS);
        let contenders: Vec<Contender> = fitted.iter().map(|fitted| fitted.series.variant).collect();
        for fitted in &mut fitted {
            let variant = fitted.series.variant;
            let alike = contenders.iter().filter(|one| one.way.is_some() == variant.way.is_some());
            fitted.name = results.named(variant, alike.copied());
        }
        tables.extend(table(results, &fitted, &label));
        let comparisons = crossovers(&fitted);
        for metric in METRICS {
            let Some(point) = crossings(&comparisons, metric, &label) else { continue };
            points.push(point);
            crossed.push((run, metric));
        }
    }
    (tables, points, crossed)
}

/// The law of each backend's medians, at the last Service and with the most endpoints; `None` where no metric has one.
fn table(results: &Results, fitted: &[Fitted], label: &str) -> Option<Table> {
    let of = |metric: Metric| -> Vec<&Fitted> {
        let is_asked = |fitted: &&Fitted| {
            let series = &fitted.series;
            let last = series.position.is_none_or(|position| position == Position::Last);
            series.metric == metric && last && series.variant.backend != BackendName::Direct && fitted.curve.is_some()
        };
        let all: Vec<&Fitted> = fitted.iter().filter(is_asked).collect();
        let most = all.iter().map(|fitted| fitted.series.endpoints).max();
        all.into_iter().filter(|fitted| Some(fitted.series.endpoints) == most).collect()
    };
    let metrics: Vec<(Metric, Vec<&Fitted>)> =
        METRICS.iter().map(|metric| (*metric, of(*metric))).filter(|(_, all)| !all.is_empty()).collect();
    let mut names: Vec<&str> = Vec::new();
    for fitted in metrics.iter().flat_map(|(_, all)| all) {
        if !names.contains(&fitted.name.as_str()) {
            names.push(&fitted.name);
        }
    }
    if names.is_empty() {
        return None;
    }
    let mut columns = vec![Column::new("backend", Content::Key)];
    columns.extend(metrics.iter().map(|(metric, _)| {
        let place = if *metric == Metric::Connect { " to the last Service" } else { "" };
        Column::new(format!("{metric}{place}"), Content::Text)
    }));
    let row = |name: &&str| {
        let law = |(_, all): &(Metric, Vec<&Fitted>)| {
            let fitted = all.iter().find(|fitted| fitted.name == *name);
            fitted.map_or(TableCell::Absent("–"), |fitted| TableCell::text(words::law(fitted)))
        };
        std::iter::once(TableCell::text(*name)).chain(metrics.iter().map(law)).collect()
    };
    Some(Table {
        title: clock::label(results.clock(), &format!("How medians grow with the number of Services{label}")),
        about: "The law that foretells best what is left out of it. It holds within the sizes that were measured, and \
                about twice as far."
            .to_owned(),
        columns,
        rows: names.iter().map(row).collect(),
        ..Table::default()
    })
}

/// The numbers of Services from which on another backend is the cheaper one; `None` where there are none.
fn crossings(comparisons: &[Comparison], metric: Metric, label: &str) -> Option<Point> {
    let crosses =
        |comparison: &&Comparison| comparison.metric == metric && matches!(comparison.relation, Relation::Crosses(_));
    let clauses: Vec<String> = comparisons.iter().filter(crosses).map(words::clause).collect();
    let head = format!("Which backend is cheaper by {metric}{label} depends on the size");
    (!clauses.is_empty()).then(|| Point::new(head, format!("{}.", clauses.join("; "))))
}
