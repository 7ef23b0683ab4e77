//! The samples in the Go benchmark format, for benchstat and its like: <https://go.dev/design/14313-benchmark-format>,
//! and of units <https://pkg.go.dev/golang.org/x/perf/benchfmt>.
//!
//! A benchmark is a cell, a line one round of it (or one replica), a value the median of the round's samples: what
//! benchstat takes for a repetition is what the lab repeats. What did not give samples is a comment, with its reason.

use crate::table;
use lab_core::cell::Cell;
use lab_core::dataset::{CellRecord, Dataset, Header};
use lab_core::metric::{Better, Metric, Unit};
use lab_core::stats;
use lab_core::vocabulary::{Clock, ProbeName, Word};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;

/// A line a round and cell in the Go benchmark format, for benchstat. The runs may be on different clocks.
#[must_use]
pub fn render(datasets: &[Dataset]) -> String {
    let mut text = String::new();
    for unit in units(datasets) {
        line(&mut text, &unit);
    }
    for dataset in datasets {
        line(&mut text, "");
        for fact in configuration(&dataset.header) {
            line(&mut text, &fact);
        }
        for pass in passes(dataset) {
            line(&mut text, &pass);
        }
    }
    text
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("memory takes every write");
}

/// What is known of every unit that is used: which way is better, and which numbers are exact.
fn units(datasets: &[Dataset]) -> BTreeSet<String> {
    let mut units = BTreeSet::new();
    for Dataset { header, cells, .. } in datasets {
        for record in cells.iter().filter(|record| !record.samples.is_empty()) {
            let known = match record.metric.better() {
                Better::Lower => "better=lower",
                Better::Higher => "better=higher",
                Better::Neither => "assume=exact",
            };
            units.insert(format!("Unit {} {known}", unit(record.cell.probe, record.metric, header.clock)));
        }
    }
    units
}

/// What holds for every line of a run, and must be equal for two runs to be compared.
///
/// The run's name is a comment: benchstat sets apart whatever differs in its configuration.
fn configuration(header: &Header) -> Vec<String> {
    let fact = |name: &str| header.host.get(name).map_or("", String::as_str);
    let architecture = match fact("arch") {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    // Instructions are the same on every processor.
    let processor = if header.clock == Clock::Instructions { "" } else { fact("cpu") };
    let facts = [
        ("goos", "linux"),
        ("goarch", architecture),
        ("pkg", &format!("svclab/{}", header.plan.scenario)),
        ("cpu", processor),
        ("target", header.plan.target.name()),
        ("clock", header.clock.name()),
        ("kernel", header.kernel().unwrap_or("")),
    ];
    let facts = facts.map(|(key, value)| format!("{key}: {}", one_line(value)).trim_end().to_owned());
    std::iter::once(format!("# run {}, svclab {}", one_line(&header.id), one_line(&header.version)))
        .chain(facts)
        .collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The lines of a run, cells in the order of the plan, each cell's rounds in theirs.
fn passes(dataset: &Dataset) -> Vec<String> {
    let mut order: HashMap<Cell, usize> = HashMap::new();
    for cell in dataset.header.cells().chain(dataset.cells.iter().map(|record| record.cell)) {
        let next = order.len();
        order.entry(cell).or_insert(next);
    }
    let mut passes: BTreeMap<(usize, u32, u32), Vec<&CellRecord>> = BTreeMap::new();
    for record in &dataset.cells {
        passes.entry((order[&record.cell], record.round, record.replica)).or_default().push(record);
    }
    passes.values().flat_map(|records| pass(records, dataset.header.clock)).collect()
}

/// One round of one cell: its result, if there is one, and what is to be said of what is not in it.
fn pass(records: &[&CellRecord], clock: Clock) -> Vec<String> {
    let cell = records[0].cell;
    let name = format!("Benchmark{}/{}", camel_case(cell.probe), table::path(&cell));
    let mut samples: BTreeMap<Metric, Vec<f64>> = BTreeMap::new();
    let mut lines = Vec::new();
    for record in records {
        samples.entry(record.metric).or_default().extend(record.samples.iter().filter(|sample| sample.is_finite()));
        if record.samples.is_empty() {
            lines.push(format!("# {} {name} {}: {}", record.outcome, record.metric, one_line(&record.reason)));
        }
    }
    samples.retain(|_, samples| !samples.is_empty());
    if !samples.is_empty() {
        // How often the probe asked what it is named after.
        let own = samples.get(&Metric::of(cell.probe)).or_else(|| samples.values().next());
        let mut line = format!("{name}\t{}", own.map_or(1, Vec::len));
        for (&metric, samples) in &samples {
            let median = stats::median(samples).unwrap_or(f64::NAN);
            line += &format!("\t{median} {}", unit(cell.probe, metric, clock));
        }
        lines.push(line);
    }
    lines
}

/// `SyncFull` for `sync_full`.
fn camel_case(probe: ProbeName) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    probe.name().split('_').map(capital).collect()
}

/// What a value is of: the unit alone for what the probe is named after, else with the metric in front, as
/// `first-byte-ns/op`. `ns` and `B` are the spellings that benchstat scales.
fn unit(probe: ProbeName, metric: Metric, clock: Clock) -> String {
    let counted = clock == Clock::Instructions;
    let name = metric.name().replace('_', "-");
    let unit = match metric.unit() {
        Unit::Ns if counted => "instructions/op",
        Unit::Ns => "ns/op",
        Unit::BitsPerSecond if counted => "bits/Ginstructions",
        Unit::BitsPerSecond => "bits/s",
        Unit::PerSecond if counted => "ops/Ginstructions",
        Unit::PerSecond => "ops/s",
        Unit::Bytes => "B",
        Unit::Share => "share",
        // Of a count the name says it all: rules.
        Unit::Count => return name,
    };
    if metric == Metric::of(probe) { unit.to_owned() } else { format!("{name}-{unit}") }
}
