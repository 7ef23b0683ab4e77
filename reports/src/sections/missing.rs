//! Every cell that is not what was planned, with the reason: a row each, together where the reason is the same.

use crate::prose::{capitalise, list, services_of, spoken};
use crate::report::{Column, Section, Table, TableCell};
use crate::results::variant::VariantRun;
use crate::results::{Place, Results, Row, place};
use lab_core::metric::Metric;
use lab_core::units;
use lab_core::vocabulary::{BackendName, Outcome, Position, ProbeName, Word};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a published figure has nothing measured beside for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lacking {
    /// How many numbers of Services that is.
    pub(crate) sizes: usize,
    pub(crate) which: String,
    pub(crate) reason: String,
}

/// What was skipped, failed, ran over its budget, was measured less often than planned, or is not in the plan although
/// it was published.
pub(crate) fn section(results: &Results, lacking: &[Lacking]) -> Section {
    let mut groups: Vec<((&str, &str), Vec<&Row>)> = Vec::new();
    let said = said(results);
    for row in results.rows.iter().filter(|row| is_short(row) && !is_said_by_its_cell(&said, row)) {
        let label = (label(row), row.reason.as_str());
        match groups.iter_mut().find(|(group, _)| *group == label) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((label, vec![row])),
        }
    }
    groups.sort_by_key(|(_, rows)| std::cmp::Reverse(severity(rows[0].outcome)));
    let title = "Skipped, failed, over budget, or measured less often".to_owned();
    let empty: Vec<&String> = match results.rows.is_empty() {
        true => Vec::new(),
        false => without_cells(results),
    };
    if groups.is_empty() && lacking.is_empty() && empty.is_empty() {
        let about = match results.rows.is_empty() {
            true => "The plan has no cells: nothing was asked.",
            false if results.is_exact() => "Nothing: every cell of the plan was measured in every replica.",
            false => "Nothing: every cell of the plan was measured in every round.",
        };
        return Section { title, about: about.to_owned(), ..Section::default() };
    }
    let line = |label: &str, count: usize, which: &str, reason: &str| {
        let count = TableCell::number(units::count(count as u64));
        vec![TableCell::text(label), count, TableCell::text(which), TableCell::text(reason)]
    };
    let short = groups.iter().map(|((label, reason), rows)| {
        let cells: BTreeSet<_> = rows.iter().map(|row| place(row)).collect();
        let reason = if reason.is_empty() { "no reason was recorded" } else { reason };
        line(label, cells.len(), &which(results, rows), reason)
    });
    let mut reasons: Vec<(&str, usize, Vec<&str>)> = Vec::new();
    for Lacking { sizes, which, reason } in lacking {
        match reasons.iter_mut().find(|(other, ..)| other == reason) {
            Some((_, count, all)) => {
                *count += sizes;
                all.push(which);
            }
            None => reasons.push((reason, *sizes, vec![which])),
        }
    }
    let published = reasons.iter().map(|(reason, sizes, which)| line("not asked", *sizes, &which.join("; "), reason));
    let reason = "the plan of this run has no cells: nothing was asked";
    let empty = empty.into_iter().map(|label| line("not asked", 0, label, reason));
    let rows = short.chain(empty).chain(published).collect();
    let columns = Column::row(&["outcome"], &["cells"], &["which", "reason"]);
    let table = Table { title: "Cells and reasons".to_owned(), columns, rows, ..Table::default() };
    Section { title, tables: vec![table], ..Section::default() }
}

/// The same in a line for each outcome: how many cells, and of which backends at which sizes.
pub(crate) fn brief(results: &Results) -> Vec<String> {
    let mut outcomes: BTreeMap<Outcome, Vec<&Row>> = BTreeMap::new();
    for row in results.rows.iter().filter(|row| row.outcome != Outcome::Measured) {
        outcomes.entry(row.outcome).or_default().push(row);
    }
    let line = |(outcome, rows): (Outcome, Vec<&Row>)| {
        let cells: BTreeSet<Place> = rows.iter().map(|row| place(row)).collect();
        let mut sizes: BTreeMap<BackendName, BTreeSet<u32>> = BTreeMap::new();
        for row in &rows {
            sizes.entry(row.cell.variant.backend).or_default().insert(row.cell.cluster.services);
        }
        let mut backends: BTreeMap<BTreeSet<u32>, Vec<String>> = BTreeMap::new();
        for (backend, sizes) in sizes {
            backends.entry(sizes).or_default().push(backend.to_string());
        }
        let which: Vec<String> = backends
            .into_iter()
            .map(|(sizes, names)| {
                format!("{} at {}", list(&names), services_of(&sizes.into_iter().collect::<Vec<_>>()))
            })
            .collect();
        let cells = units::counted(cells.len() as u64, "cell");
        capitalise(&format!("{}: {cells}, of {}.", spoken(outcome), which.join("; ")))
    };
    outcomes.into_iter().rev().map(line).collect()
}

/// The runs of which nothing was asked.
fn without_cells<'a>(results: &'a Results) -> Vec<&'a String> {
    let labels = results.runs.labels().iter().enumerate();
    labels.filter(|(run, _)| !results.rows.iter().any(|row| row.run == *run)).map(|(_, label)| label).collect()
}

/// Whether it is less than was planned. What was measured has a reason for that in its probe's own metric; in another, what a
/// tool said.
fn is_short(row: &Row) -> bool {
    row.outcome != Outcome::Measured || (!row.reason.is_empty() && row.metric == Metric::of(row.cell.probe))
}

/// What each cell's own metric says of it, where that falls short.
fn said<'a>(results: &'a Results) -> HashMap<Place, &'a str> {
    let own = results.rows.iter().filter(|row| row.metric == Metric::of(row.cell.probe) && is_short(row));
    own.map(|row| (place(row), row.reason.as_str())).collect()
}

/// Whether `row` only repeats what its cell's own metric says.
fn is_said_by_its_cell(said: &HashMap<Place, &str>, row: &Row) -> bool {
    row.metric != Metric::of(row.cell.probe) && said.get(&place(row)).is_some_and(|reason| *reason == row.reason)
}

/// How much an outcome asks to be looked at.
fn severity(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Failed => 3,
        Outcome::OverBudget | Outcome::Unanswered => 2,
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
type Unmeasured = (Metric, BTreeSet<Option<Position>>);

/// `connect first/last`.
fn write_unmeasured((metric, positions): &Unmeasured) -> String {
    let positions: Vec<&str> = positions.iter().flatten().map(|position| position.name()).collect();
    if positions.is_empty() { metric.to_string() } else { format!("{metric} {}", positions.join("/")) }
}

/// The cells of `rows`: `nftables: connect first/last, bandwidth at 1,000 and 5,000 Services`. Without a position, it is
/// all that were asked.
fn which(results: &Results, rows: &[&Row]) -> String {
    // What was asked of one variant at one size, then at the same sizes, then of several variants, stands together.
    let mut asked: BTreeMap<(Key, Metric, u32), BTreeSet<Option<Position>>> = BTreeMap::new();
    for row in rows {
        asked.entry((key(row), row.metric, row.cell.cluster.services)).or_default().insert(row.cell.position);
    }
    let mut sizes: BTreeMap<(Key, Unmeasured), BTreeSet<u32>> = BTreeMap::new();
    for ((of, metric, services), positions) in asked {
        let same = |row: &&Row| (key(row), row.metric, row.cell.cluster.services) == (of, metric, services);
        let all: BTreeSet<_> = results.rows.iter().filter(same).map(|row| row.cell.position).collect();
        let positions = if positions == all { BTreeSet::new() } else { positions };
        sizes.entry((of, (metric, positions))).or_default().insert(services);
    }
    let mut metrics: BTreeMap<(VariantRun, String, BTreeSet<u32>), Vec<Unmeasured>> = BTreeMap::new();
    for (((variant, probe), metric), sizes) in sizes {
        metrics.entry((variant, results.name(variant, probe), sizes)).or_default().push(metric);
    }
    let mut names: BTreeMap<(Vec<Unmeasured>, BTreeSet<u32>), Vec<String>> = BTreeMap::new();
    for ((_, name, sizes), metrics) in metrics {
        names.entry((metrics, sizes)).or_default().push(name);
    }
    let phrase = |((metrics, sizes), names): (&(Vec<Unmeasured>, BTreeSet<u32>), &Vec<String>)| {
        let sizes: Vec<u32> = sizes.iter().copied().collect();
        let metrics: Vec<String> = metrics.iter().map(write_unmeasured).collect();
        format!("{}: {} at {}", list(names), list(&metrics), services_of(&sizes))
    };
    names.iter().map(phrase).collect::<Vec<_>>().join("; ")
}

/// Whose a row is. A variant's name depends on the probe.
type Key = (VariantRun, ProbeName);

fn key(row: &Row) -> Key {
    (VariantRun::of(row), row.cell.probe)
}
