//! The tables of a profile: their numbers written out, all of a column in one unit.

use super::{relative, title};
use crate::report::{Column, Table, TableCell};
use lab_core::metric::Unit;
use lab_core::profile::{Comparison, Entry, Function};
use lab_core::units::{self, Scale};
use lab_core::vocabulary::Clock;
use std::collections::BTreeMap;

/// So many binaries are shown.
const BINARIES: usize = 8;

fn scale(values: impl IntoIterator<Item = u64>) -> Scale {
    // The largest decides: beside it the small ones are to look small.
    let largest = values.into_iter().max().unwrap_or(0);
    Scale::fit(Unit::Ns, Clock::Instructions, [largest as f64])
}

fn part(part: u64, whole: u64) -> String {
    format!("{:.1} %", 100.0 * part as f64 / whole.max(1) as f64)
}

/// A row an entry: its instructions, and where most of them are.
pub(super) fn overview(entries: &[&Entry]) -> Table {
    let scale = scale(entries.iter().map(|entry| entry.total()));
    let row = |entry: &&Entry| {
        let total = entry.total();
        let most =
            entry.binaries().first().map_or(String::new(), |(name, count)| format!("{name} {}", part(*count, total)));
        let hottest = entry.hottest();
        let hottest = hottest.first().map_or(String::new(), |(function, count)| {
            format!("{} in {} {}", function.symbol, function.binary, part(*count, total))
        });
        let number = TableCell::number(scale.number(total as f64));
        vec![TableCell::text(title(&entry.cell, entry.metric)), number, TableCell::text(most), TableCell::text(hottest)]
    };
    Table {
        title: format!("Instructions ({})", scale.label()),
        columns: Column::row(&["cell"], &["instructions"], &["most in", "hottest function"]),
        rows: entries.iter().map(row).collect(),
        ..Table::default()
    }
}

/// A row a function, and one for those that are left out.
pub(super) fn functions(entry: &Entry, top: usize) -> Table {
    let (hottest, total) = (entry.hottest(), entry.total());
    let scale = scale(hottest.iter().map(|(_, count)| *count));
    let row = |name: &str, binary: &str, count: u64| {
        let number = TableCell::number(scale.number(count as f64));
        vec![TableCell::text(name), TableCell::text(binary), number, TableCell::number(part(count, total))]
    };
    let mut rows: Vec<_> =
        hottest.iter().take(top).map(|(function, count)| row(&function.symbol, &function.binary, *count)).collect();
    if hottest.len() > top {
        let rest = hottest[top..].iter().map(|(_, count)| count).sum();
        rows.push(row(&others(hottest.len() - top), "", rest));
    }
    Table {
        title: format!("Hottest functions ({})", scale.label()),
        columns: Column::row(&["function", "in"], &["instructions", "share"], &[]),
        rows,
        ..Table::default()
    }
}

/// A row a binary, and one for those that are left out.
pub(super) fn binaries(entry: &Entry) -> Table {
    let (binaries, total) = (entry.binaries(), entry.total());
    let scale = scale(binaries.iter().map(|(_, count)| *count));
    let row = |name: &str, count: u64| {
        vec![
            TableCell::text(name),
            TableCell::number(scale.number(count as f64)),
            TableCell::number(part(count, total)),
        ]
    };
    let mut rows: Vec<_> = binaries.iter().take(BINARIES).map(|(name, count)| row(name, *count)).collect();
    if let Some(left) = binaries.get(BINARIES..).filter(|left| !left.is_empty()) {
        rows.push(row(&others(left.len()), left.iter().map(|(_, count)| count).sum()));
    }
    Table {
        title: format!("Where they are ({})", scale.label()),
        columns: Column::row(&["in"], &["instructions", "share"], &[]),
        rows,
        ..Table::default()
    }
}

/// A row a comparison: what became of it, and the function that most of that is in.
pub(super) fn compared_overview(comparisons: &[Comparison]) -> Table {
    let scale = scale(comparisons.iter().flat_map(|comparison| [comparison.before, comparison.after]));
    let mut sorted: Vec<&Comparison> = comparisons.iter().collect();
    let change = |comparison: &Comparison| (comparison.after as f64 / comparison.before.max(1) as f64).ln().abs();
    sorted.sort_by(|one, other| change(other).total_cmp(&change(one)));
    let row = |comparison: &&Comparison| {
        let Comparison { cell, metric, before, after, changes } = comparison;
        let most = changes.first().map_or(String::new(), |change| {
            let more = units::human(Unit::Ns, Clock::Instructions, change.more() as f64);
            let sign = if change.more() > 0 { "+" } else { "" };
            format!("{} in {} {sign}{more}", change.function.symbol, change.function.binary)
        });
        let number = |count: u64| TableCell::number(scale.number(count as f64));
        vec![
            TableCell::text(title(cell, *metric)),
            number(*before),
            number(*after),
            TableCell::number(relative(*before, *after)),
            TableCell::text(most),
        ]
    };
    Table {
        title: format!("Instructions ({})", scale.label()),
        columns: Column::row(&["cell"], &["before", "after", "more"], &["most changed function"]),
        rows: sorted.iter().map(row).collect(),
        ..Table::default()
    }
}

/// Before and after, and how a change of them is written beside the others.
struct Writer<'a> {
    comparison: &'a Comparison,
    scale: Scale,
}

impl Writer<'_> {
    fn row(&self, keys: &[&str], before: u64, after: u64) -> Vec<TableCell> {
        let more = after as f64 - before as f64;
        let sign = if more > 0.0 { "+" } else { "" };
        let whole = self.comparison.more();
        let share = if whole == 0 { "".to_owned() } else { format!("{:.0} %", 100.0 * more / whole as f64) };
        let numbers = [
            self.scale.number(before as f64),
            self.scale.number(after as f64),
            format!("{sign}{}", self.scale.number(more)),
            share,
        ];
        keys.iter().map(|&key| TableCell::text(key)).chain(numbers.map(TableCell::number)).collect()
    }
}

const NUMBERS: [&str; 4] = ["before", "after", "more", "share of the cell's change"];

/// A row a function that changed, and one for those that are left out.
pub(super) fn changed_functions(comparison: &Comparison, top: usize) -> Table {
    let changes = &comparison.changes;
    let shown = &changes[..top.min(changes.len())];
    let scale = scale(shown.iter().flat_map(|change| [change.before, change.after]));
    let writer = Writer { comparison, scale };
    let mut rows: Vec<_> = shown
        .iter()
        .map(|change| {
            let Function { binary, symbol } = &change.function;
            writer.row(&[symbol, binary], change.before, change.after)
        })
        .collect();
    if let Some(left) = changes.get(top..).filter(|left| !left.is_empty()) {
        let sum = |count: fn(&lab_core::profile::FunctionChange) -> u64| left.iter().map(count).sum();
        rows.push(writer.row(&[&others(left.len()), ""], sum(|change| change.before), sum(|change| change.after)));
    }
    Table {
        title: format!("Functions ({})", scale.label()),
        columns: Column::row(&["function", "in"], &NUMBERS, &[]),
        rows,
        ..Table::default()
    }
}

/// A row a binary in which something changed.
pub(super) fn changed_binaries(comparison: &Comparison) -> Table {
    let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for change in &comparison.changes {
        let (before, after) = sums.entry(&change.function.binary).or_default();
        *before += change.before;
        *after += change.after;
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, (before, after))| std::cmp::Reverse(before.abs_diff(*after)));
    let scale = scale(sums.iter().flat_map(|(_, (before, after))| [*before, *after]));
    let writer = Writer { comparison, scale };
    let shown = sums.iter().take(BINARIES);
    let mut rows: Vec<_> = shown.map(|(binary, (before, after))| writer.row(&[binary], *before, *after)).collect();
    if let Some(left) = sums.get(BINARIES..).filter(|left| !left.is_empty()) {
        let before = left.iter().map(|(_, (before, _))| before).sum();
        let after = left.iter().map(|(_, (_, after))| after).sum();
        rows.push(writer.row(&[&others(left.len())], before, after));
    }
    Table {
        title: format!("Where they are ({})", scale.label()),
        about: "the functions that changed, by what they are in".to_owned(),
        columns: Column::row(&["in"], &NUMBERS, &[]),
        rows,
        ..Table::default()
    }
}

fn others(count: usize) -> String {
    format!("({} others)", units::count(count as u64))
}
