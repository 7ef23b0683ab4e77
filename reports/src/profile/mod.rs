//! What was executed for a run's samples, by function: the hottest functions of one run, or what changed between two.

mod json;
mod tables;

pub use json::{compared_json, json};

use crate::formats::terminal;
use crate::report::Section;
use lab_core::cell::Cell;
use lab_core::metric::{Metric, Unit};
use lab_core::profile::{Comparison, Entry};
use lab_core::units;
use lab_core::vocabulary::{Clock, Word};

/// All of `entries` in one table, a row each.
#[must_use]
pub fn overview(entries: &[&Entry]) -> Section {
    Section {
        title: "What was executed".to_owned(),
        about: READING.to_owned(),
        tables: vec![tables::overview(entries)],
        ..Section::default()
    }
}

/// The `top` hottest functions of `entry`, and its binaries.
#[must_use]
pub fn hottest(entry: &Entry, top: usize) -> Section {
    Section {
        title: title(&entry.cell, entry.metric),
        about: format!("{}. {READING}", spell(entry.total() as f64)),
        tables: vec![tables::functions(entry, top), tables::binaries(entry)],
        ..Section::default()
    }
}

/// All of `comparisons` in one table, a row each, those that changed the most first.
#[must_use]
pub fn compared_overview(comparisons: &[Comparison]) -> Section {
    Section {
        title: "What changed".to_owned(),
        about: READING.to_owned(),
        tables: vec![tables::compared_overview(comparisons)],
        ..Section::default()
    }
}

/// Where a cell's change is: the `top` functions whose instructions changed the most, and the binaries.
#[must_use]
pub fn changes(comparison: &Comparison, top: usize) -> Section {
    let Comparison { cell, metric, before, after, .. } = comparison;
    Section {
        title: title(cell, *metric),
        about: format!(
            "{} before, {} after: {}. {READING}",
            spell(*before as f64),
            spell(*after as f64),
            relative(*before, *after)
        ),
        tables: vec![tables::changed_functions(comparison, top), tables::changed_binaries(comparison)],
        ..Section::default()
    }
}

/// Sections as plain text of `width` columns.
#[must_use]
pub fn text(sections: &[Section], width: u16) -> String {
    terminal::sections(sections, width)
}

/// Sections as GitHub-flavoured Markdown.
#[must_use]
pub fn markdown(sections: &[Section]) -> String {
    crate::formats::markdown::sections(sections)
}

const READING: &str = "A function's instructions are its own, without those of the functions that it calls. One that has \
                       no name in its file is called by its place there; \
                       (waiting) in idle is time that the clock jumped over.";

/// `iptables-legacy at 100 Services, connect last: first_byte`.
fn title(cell: &Cell, metric: Metric) -> String {
    let position = cell.position.map_or(String::new(), |position| format!(" {position}"));
    let (variant, probe) = (cell.contender().name(&[]), cell.probe);
    let services = units::counted(cell.cluster.services.into(), "Service");
    let of = if metric == Metric::of(probe) { String::new() } else { format!(": {}", metric.name()) };
    format!("{variant} at {services}, {}{position}{of}", probe.name())
}

fn spell(instructions: f64) -> String {
    units::human(Unit::Ns, Clock::Instructions, instructions)
}

/// How much more or less, in percent: `+12.0 %`.
fn relative(before: u64, after: u64) -> String {
    if before == 0 {
        return "new".to_owned();
    }
    let change = 100.0 * (after as f64 / before as f64 - 1.0);
    format!("{change:+.2} %")
}

#[cfg(test)]
mod tests;
