//! One metric as a table: a row a variant of a backend (and position, where asked), a column a number of Services.

use crate::prose::services_of;
use crate::report::{Column, Content, Table, TableCell};
use crate::results::clock;
use crate::results::variant::VariantRun;
use crate::results::{Found, Results, Row};
use analysis::summary::Figures;
use lab_core::metric::Metric;
use lab_core::units::{self, Scale};
use lab_core::vocabulary::{Outcome, Position, ProbeName, Word};
use std::collections::BTreeSet;

/// Which of a row's figures a table shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    /// The median, its interval, and its ratio to `direct`.
    Median,
    /// The 90th and the 99th percentile.
    Tail,
    /// A number that is the same every time; its range, should it not be.
    Exact,
}

/// What a row of the table is about.
type Key = (VariantRun, u32, ProbeName, Option<Position>);

/// `metric` over all sizes; `None` when no cell has it.
pub(crate) fn grid(results: &Results, metric: Metric, show: Show) -> Option<Table> {
    let probes: BTreeSet<ProbeName> =
        results.rows.iter().filter(|row| row.metric == metric).map(|row| row.cell.probe).collect();
    let asked: Vec<&Row> = results.rows.iter().filter(|row| probes.contains(&row.cell.probe)).collect();
    if asked.is_empty() {
        return None;
    }
    let sizes: BTreeSet<u32> = asked.iter().map(|row| row.cell.cluster.services).collect();
    let keys: BTreeSet<Key> = asked
        .iter()
        .map(|row| (VariantRun::of(row), row.cell.cluster.endpoints, row.cell.probe, row.cell.position))
        .collect();
    let founds: Vec<(Key, Vec<Found>)> = keys
        .iter()
        .map(|&key| {
            let (variant, endpoints, probe, position) = key;
            let at = |&services| results.at(variant, services, Some(endpoints), (probe, position), metric);
            (key, sizes.iter().map(at).collect())
        })
        .collect();

    let founds = taken(founds);
    let keys: BTreeSet<Key> = founds.iter().map(|(key, _)| *key).collect();
    let shown: Vec<&Figures> =
        founds.iter().flat_map(|(_, founds)| founds).filter_map(|found| found.row()?.figures.as_ref()).collect();
    let scale = Scale::fit(metric.unit(), results.clock(), shown.iter().flat_map(|figures| numbers(figures, show)));
    let counts: BTreeSet<usize> = shown.iter().map(|figures| figures.n).collect();
    let uniform = counts.len() == 1;
    // One count of instructions is the number, not a sample of it.
    let alone = results.is_exact() && uniform && counts.contains(&1);
    if show == Show::Tail && (shown.is_empty() || alone) {
        return None; // The table of medians says already what became of each cell.
    }
    let key_columns = KeyColumns::of(&keys);
    let rows = founds
        .iter()
        .map(|(key, founds)| {
            let cells = founds.iter().map(|found| write(results, found, show, &scale, uniform));
            key_columns.cells(results, key).into_iter().chain(cells).collect()
        })
        .collect();
    let mut columns = key_columns.columns();
    columns.extend(sizes.iter().map(|&services| Column::new(units::count(services.into()), Content::Number)));
    let id = if show == Show::Tail { String::new() } else { metric.name().to_owned() };
    Some(Table {
        id,
        title: title(results, metric, show, &scale, !shown.is_empty(), alone),
        about: about(metric, &probes),
        columns,
        rows,
        notes: notes(&founds, &counts, &sizes, alone),
    })
}

/// The rows of backends that have such a thing at all, if any has.
fn taken<'a>(mut founds: Vec<(Key, Vec<Found<'a>>)>) -> Vec<(Key, Vec<Found<'a>>)> {
    if founds.iter().flat_map(|(_, founds)| founds).any(|found| found.row().is_some_and(|row| row.figures.is_some())) {
        founds.retain(|(_, founds)| !founds.iter().all(|found| matches!(found, Found::NotTaken)));
    }
    founds
}

/// The numbers that a table shows of `figures`.
fn numbers(figures: &Figures, show: Show) -> Vec<f64> {
    match show {
        Show::Median | Show::Exact => vec![figures.p50],
        Show::Tail => vec![figures.p90, figures.p99],
    }
}

fn title(results: &Results, metric: Metric, show: Show, scale: &Scale, any: bool, alone: bool) -> String {
    let what = match show {
        Show::Median if alone => "",
        Show::Median => "median",
        Show::Tail => "p90 · p99",
        Show::Exact => "",
    };
    let unit = if any { clock::unit(metric, results.clock(), what, scale) } else { format!(", {what}") };
    format!("{metric}{}, by number of Services", unit.trim_end_matches(", "))
}

fn about(metric: Metric, probes: &BTreeSet<ProbeName>) -> String {
    let mut about = metric.meaning().to_owned();
    if let (1, Some(probe)) = (probes.len(), probes.first())
        && Metric::of(*probe) != metric
    {
        about = format!("{about}; taken with {probe}");
    }
    about
}

fn notes(founds: &[(Key, Vec<Found>)], counts: &BTreeSet<usize>, sizes: &BTreeSet<u32>, alone: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if alone {
        notes.push("Exact: counted once in every cell.".to_owned());
    } else if let (1, Some(n)) = (counts.len(), counts.first()) {
        notes.push(format!("n = {n} in every cell."));
    }
    let shared: Vec<u32> = sizes
        .iter()
        .enumerate()
        .filter(|(column, _)| founds.iter().any(|(_, founds)| matches!(founds[*column], Found::SameService(_))))
        .map(|(_, &services)| services)
        .collect();
    if !shared.is_empty() {
        notes.push(format!(
            "With {} some positions are the same Service: it is asked once and shown at each.",
            services_of(&shared)
        ));
    }
    notes
}

pub(crate) fn write(results: &Results, found: &Found, show: Show, scale: &Scale, uniform: bool) -> TableCell {
    let row = match found {
        Found::Own(row) | Found::SameService(row) => row,
        Found::NotTaken => return TableCell::Absent("not taken"),
        Found::NotAsked => return TableCell::Absent("not asked"),
    };
    let Some(figures) = &row.figures else { return TableCell::Absent(row.outcome.name()) };
    let mut details = Vec::new();
    if show == Show::Median {
        // Counted instructions that came out alike in every replica are a number and nothing else.
        let spread = if results.is_exact() { figures.range } else { figures.interval };
        let spread = spread.filter(|(low, high)| !results.is_exact() || low != high);
        details.extend(spread.map(|(low, high)| format!("{}–{}", scale.number(low), scale.number(high))));
    }
    if show == Show::Exact && figures.min != figures.max {
        details.push(format!("{}–{}", scale.number(figures.min), scale.number(figures.max)));
    }
    if !uniform {
        details.push(format!("n {}", figures.n));
    }
    let flag = if row.outcome == Outcome::Measured { "" } else { row.outcome.name() };
    let ratio = figures.ratio_to_direct.filter(|_| show == Show::Median).map(units::ratio).unwrap_or_default();
    let number = numbers(figures, show).into_iter().map(|number| scale.number(number)).collect::<Vec<_>>().join(" · ");
    TableCell::Value { number, ratio, flag, details }
}

/// The columns that say what a row is about: the backend, and whatever else differs between rows.
struct KeyColumns {
    endpoints: bool,
    probe: bool,
    position: bool,
}

impl KeyColumns {
    fn of(keys: &BTreeSet<Key>) -> Self {
        fn differ<T: Ord>(parts: impl Iterator<Item = T>) -> bool {
            parts.collect::<BTreeSet<_>>().len() > 1
        }
        Self {
            endpoints: differ(keys.iter().map(|key| key.1)),
            probe: differ(keys.iter().map(|key| key.2)),
            position: keys.iter().any(|key| key.3.is_some()),
        }
    }

    fn columns(&self) -> Vec<Column> {
        let titles =
            [("backend", true), ("endpoints", self.endpoints), ("probe", self.probe), ("Service", self.position)];
        titles.iter().filter(|(_, shown)| *shown).map(|(title, _)| Column::new(*title, Content::Key)).collect()
    }

    fn cells(&self, results: &Results, (variant, endpoints, probe, position): &Key) -> Vec<TableCell> {
        let position = position.map_or("-", Position::name);
        let cells = [
            (TableCell::text(results.name(*variant, *probe)), true),
            (TableCell::text(endpoints.to_string()), self.endpoints),
            (TableCell::text(probe.name()), self.probe),
            (TableCell::text(position), self.position),
        ];
        cells.into_iter().filter(|(_, shown)| *shown).map(|(cell, _)| cell).collect()
    }
}
