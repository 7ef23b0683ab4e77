//! Every cell that is not what was planned, with the reason: a row each, together where the reason is the same.

use crate::prose::{list, services_of};
use crate::report::{Cell, Column, Content, Section, Table};
use crate::results::{Results, cell};
use lab_core::metric::Metric;
use lab_core::summary::Row;
use lab_core::units;
use lab_core::vocabulary::{BackendName, Outcome, Position, Word};
use std::collections::{BTreeMap, BTreeSet};

/// What was skipped, failed, ran over its budget, or was measured less often than planned.
pub(crate) fn section(results: &Results) -> Section {
    let mut groups: Vec<((&str, &str), Vec<&Row>)> = Vec::new();
    for row in results.rows.iter().filter(|row| is_short(row) && !is_said_by_its_cell(results, row)) {
        let label = (label(row), row.reason.as_str());
        match groups.iter_mut().find(|(group, _)| *group == label) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((label, vec![row])),
        }
    }
    groups.sort_by_key(|(_, rows)| std::cmp::Reverse(severity(rows[0].outcome)));
    let title = "Skipped, failed, over budget, or measured less often".to_owned();
    if groups.is_empty() {
        let about = match results.rows.is_empty() {
            true => "The plan has no cells: nothing was asked.",
            false => "Nothing: every cell of the plan was measured in every round.",
        };
        return Section { title, about: about.to_owned(), ..Section::default() };
    }
    let rows = groups
        .iter()
        .map(|((label, reason), rows)| {
            let cells: BTreeSet<_> = rows.iter().map(|row| cell(row)).collect();
            let count =
                Cell::Value { number: units::count(cells.len() as u64), ratio: String::new(), details: Vec::new() };
            let reason = if reason.is_empty() { "no reason was recorded" } else { reason };
            vec![Cell::text(*label), count, Cell::text(which(results, rows)), Cell::text(reason)]
        })
        .collect();
    let columns = vec![
        Column::new("outcome", Content::Key),
        Column::new("cells", Content::Number),
        Column::new("which", Content::Text),
        Column::new("reason", Content::Text),
    ];
    let table = Table { title: "Cells and reasons".to_owned(), about: String::new(), columns, rows, notes: Vec::new() };
    Section { title, tables: vec![table], ..Section::default() }
}

fn is_short(row: &Row) -> bool {
    row.outcome != Outcome::Measured || !row.reason.is_empty()
}

/// Whether `row` only repeats what its cell's own metric says.
fn is_said_by_its_cell(results: &Results, row: &Row) -> bool {
    let own = Metric::of(row.probe);
    let said = |other: &&Row| other.metric == own && cell(other) == cell(row) && other.reason == row.reason;
    row.metric != own && results.rows.iter().find(said).is_some_and(is_short)
}

/// How much an outcome asks to be looked at.
fn severity(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Failed => 3,
        Outcome::OverBudget => 2,
        Outcome::Skipped => 1,
        Outcome::Measured => 0,
    }
}

fn label(row: &Row) -> &'static str {
    match row.outcome {
        Outcome::Measured => "measured less often",
        outcome => outcome.name(),
    }
}

/// A metric at some positions; at all that were asked, when there are none.
type Asked = (Metric, BTreeSet<Option<Position>>);

/// `connect first/last`.
fn write_asked((metric, positions): &Asked) -> String {
    let positions: Vec<&str> = positions.iter().flatten().map(|position| position.name()).collect();
    if positions.is_empty() { metric.to_string() } else { format!("{metric} {}", positions.join("/")) }
}

/// The cells of `rows`: `nftables: connect first/last, bandwidth at 1,000 and 5,000 Services`. Without a position, it is
/// all that were asked.
fn which(results: &Results, rows: &[&Row]) -> String {
    // What was asked of one backend at one size, then at the same sizes, then of several backends, stands together.
    let mut asked: BTreeMap<(BackendName, Metric, u32), BTreeSet<Option<Position>>> = BTreeMap::new();
    for row in rows {
        asked.entry((row.backend, row.metric, row.services)).or_default().insert(row.position);
    }
    let mut sizes: BTreeMap<(BackendName, Asked), BTreeSet<u32>> = BTreeMap::new();
    for ((backend, metric, services), positions) in asked {
        let same = |row: &&Row| (row.backend, row.metric, row.services) == (backend, metric, services);
        let all: BTreeSet<_> = results.rows.iter().filter(same).map(|row| row.position).collect();
        let positions = if positions == all { BTreeSet::new() } else { positions };
        sizes.entry((backend, (metric, positions))).or_default().insert(services);
    }
    let mut metrics: BTreeMap<(BackendName, BTreeSet<u32>), Vec<Asked>> = BTreeMap::new();
    for ((backend, metric), sizes) in sizes {
        metrics.entry((backend, sizes)).or_default().push(metric);
    }
    let mut backends: BTreeMap<(Vec<Asked>, BTreeSet<u32>), Vec<String>> = BTreeMap::new();
    for ((backend, sizes), metrics) in metrics {
        backends.entry((metrics, sizes)).or_default().push(backend.to_string());
    }
    let phrase = |((metrics, sizes), backends): (&(Vec<Asked>, BTreeSet<u32>), &Vec<String>)| {
        let sizes: Vec<u32> = sizes.iter().copied().collect();
        let metrics: Vec<String> = metrics.iter().map(write_asked).collect();
        format!("{}: {} at {}", list(backends), list(&metrics), services_of(&sizes))
    };
    backends.iter().map(phrase).collect::<Vec<_>>().join("; ")
}
