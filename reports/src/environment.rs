//! What ran, where and when, and how to run it again.

use crate::report::{Cell, Column, Content, Section, Table};
use crate::results::Results;
use jiff::SignedDuration;
use lab_core::metric::{Metric, Unit};
use lab_core::units;
use lab_core::vocabulary::{Outcome, Word};
use std::collections::BTreeMap;

/// The run, the machine, and the command.
pub(crate) fn section(results: &Results) -> Section {
    let header = &results.dataset.header;
    let mut tables = vec![table("The run", run(results))];
    let machine: Vec<_> = header.host.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let tools: Vec<_> = header.tools.iter().map(|(name, version)| (name.clone(), version.clone())).collect();
    for (title, facts) in [("The machine", machine), ("Tools", tools)] {
        if !facts.is_empty() {
            tables.push(table(title, facts));
        }
    }
    let command = header.command.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
    Section {
        title: "Environment".to_owned(),
        tables,
        command: (!command.is_empty()).then(|| ("To repeat the run".to_owned(), command)),
        ..Section::default()
    }
}

fn table(title: &str, facts: Vec<(String, String)>) -> Table {
    Table {
        title: title.to_owned(),
        about: String::new(),
        columns: vec![Column::new("fact", Content::Key), Column::new("value", Content::Text)],
        rows: facts.into_iter().map(|(name, value)| vec![Cell::text(name), Cell::text(value)]).collect(),
        notes: Vec::new(),
    }
}

fn run(results: &Results) -> Vec<(String, String)> {
    let header = &results.dataset.header;
    let plan = &header.plan;
    let version = match header.revision.as_str() {
        "" => header.version.clone(),
        revision => format!("{} ({revision})", header.version),
    };
    let (end, duration, memory) = match &results.dataset.end {
        Some(end) => {
            let interrupted = if end.interrupted { ", interrupted before the plan was through" } else { "" };
            let took = end.end.duration_since(header.start);
            #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
            let memory = units::human(Unit::Bytes, end.peak_rss as f64);
            (format!("{:.0}{interrupted}", end.end), written(took), memory)
        }
        None => {
            let unknown = || "not known".to_owned();
            ("not known: the dataset was cut off before its end line".to_owned(), unknown(), unknown())
        }
    };
    let facts = [
        ("id", header.id.clone()),
        ("svclab", version),
        ("target", plan.target.to_string()),
        ("clock", header.clock.to_string()),
        ("seed", plan.seed.to_string()),
        ("rounds", plan.rounds.to_string()),
        ("budget of a cell", format!("{:?}", plan.budget)),
        ("start", format!("{:.0}", header.start)),
        ("end", end),
        ("duration", duration),
        ("svclab's peak memory", memory),
        ("cells by outcome", outcomes(results)),
    ];
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// How long a run took: `1 h 4 min 20 s`.
fn written(took: SignedDuration) -> String {
    let seconds = took.as_secs().max(0);
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let shown = parts.iter().skip_while(|(value, unit)| *value == 0 && *unit != "s");
    shown.map(|(value, unit)| format!("{value} {unit}")).collect::<Vec<_>>().join(" ")
}

/// How many cells ended how, each by its probe's own metric.
fn outcomes(results: &Results) -> String {
    let mut counts: BTreeMap<Outcome, u64> = BTreeMap::new();
    let own: Vec<_> = results.rows.iter().filter(|row| row.metric == Metric::of(row.probe)).collect();
    for row in &own {
        *counts.entry(row.outcome).or_default() += 1;
    }
    let parts: Vec<String> =
        counts.iter().map(|(outcome, count)| format!("{} {}", units::count(*count), outcome.name())).collect();
    match parts.as_slice() {
        [] => "none".to_owned(),
        parts => format!("{} of {}", parts.join(", "), units::count(own.len() as u64)),
    }
}

/// `word` as a POSIX shell reads it back.
fn quote(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=,+@%".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
