//! What other benchmark tools are given, against the rules of their formats.

#[allow(dead_code, reason = "the sample has more than these tests want")]
mod sample;

use lab_core::dataset::Dataset;
use lab_core::metric::Better;
use lab_core::vocabulary::{BackendName, Outcome, ProbeName};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::slice;

/// A file in the Go benchmark format, as golang.org/design/14313-benchmark-format and benchfmt's reader take it.
#[derive(Default)]
struct Benchmarks {
    units: BTreeMap<(String, String), String>,
    results: Vec<Benchmark>,
    comments: Vec<String>,
}

/// The configuration in force, the name, the iterations, and the values by unit.
type Benchmark = (BTreeMap<String, String>, String, u64, BTreeMap<String, f64>);

/// Reads `text`; panics at whatever a strict reader would object to.
fn parse(text: &str) -> Benchmarks {
    let mut read = Benchmarks::default();
    let mut configuration = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if line.is_empty() {
        } else if line.starts_with('#') {
            read.comments.push(line.to_owned());
        } else if fields[0] == "Unit" {
            let (key, value) = fields[2].split_once('=').unwrap();
            assert_eq!(fields.len(), 3, "{line}");
            let before = read.units.insert((fields[1].to_owned(), key.to_owned()), value.to_owned());
            assert_eq!(before, None, "{line}: said before");
        } else if fields[0].starts_with("Benchmark") {
            assert!(fields.len() >= 4 && fields.len().is_multiple_of(2), "{line}");
            assert!(fields[0]["Benchmark".len()..].starts_with(char::is_uppercase), "{line}");
            let values: BTreeMap<String, f64> =
                fields[2..].chunks(2).map(|pair| (pair[1].to_owned(), pair[0].parse().unwrap())).collect();
            assert_eq!(values.len(), fields.len() / 2 - 1, "a unit a value: {line}");
            let name = fields[0].to_owned();
            read.results.push((configuration.clone(), name, fields[1].parse().unwrap(), values));
        } else {
            let (key, value) = line.split_once(':').unwrap_or_else(|| panic!("no such line: {line}"));
            assert!(key.starts_with(char::is_lowercase), "{line}");
            assert!(!key.contains(|c: char| c.is_whitespace() || c.is_uppercase()), "{line}");
            assert!(value.is_empty() || value.starts_with(' '), "{line}");
            configuration.insert(key.to_owned(), value.trim().to_owned());
        }
    }
    read
}

fn datasets() -> [Dataset; 3] {
    [sample::dataset(), sample::emulated(), sample::counted()]
}

#[test]
fn a_strict_reader_takes_every_line_of_the_go_benchmark_format() {
    for dataset in datasets() {
        let read = parse(&reports::benchstat(slice::from_ref(&dataset)));
        let passes: BTreeSet<_> = dataset
            .cells
            .iter()
            .filter(|record| !record.samples.is_empty())
            .map(|record| (record.cell, record.round, record.replica))
            .collect();
        assert_eq!(read.results.len(), passes.len(), "a line a round of a cell");
        let values: usize = read.results.iter().map(|(.., values)| values.len()).sum();
        assert_eq!(values, dataset.cells.iter().filter(|record| !record.samples.is_empty()).count());
        let units: BTreeSet<&String> = read.results.iter().flat_map(|(.., values)| values.keys()).collect();
        assert_eq!(units, read.units.keys().map(|(unit, _)| unit).collect(), "every unit is described");
        // A name that ends in a dash and a number would be taken for one with a number of processors.
        for (_, name, ..) in &read.results {
            assert!(name.split('/').skip(1).all(|part| part.split_once('=').is_some_and(|(key, _)| !key.is_empty())));
            let last = name.rsplit('-').next().unwrap();
            assert!(last == name || !last.chars().all(|digit| digit.is_ascii_digit()), "{name}");
        }
        // Whatever has no samples is said, with its reason.
        let without = dataset.cells.iter().filter(|record| record.samples.is_empty());
        assert_eq!(read.comments.len(), 1 + without.clone().count());
        for record in without {
            assert!(read.comments.iter().any(|comment| comment.ends_with(&record.reason)), "{}", record.reason);
        }
    }
}

#[test]
fn a_value_is_the_median_of_its_round_in_a_unit_that_says_what_it_is() {
    let read = parse(&reports::benchstat(&[sample::dataset()]));
    let name = "BenchmarkConnect/backend=nftables/way=partial/services=1000/endpoints=2/position=last";
    let (configuration, _, iterations, values) = read.results.iter().find(|(_, other, ..)| other == name).unwrap();
    let record = |metric: &str| {
        let dataset = sample::dataset();
        let of = |record: &&lab_core::dataset::CellRecord| {
            record.cell.variant.backend.to_string() == "nftables"
                && record.cell.cluster.services == 1000
                && record.cell.position.is_some_and(|position| position.to_string() == "last")
                && record.metric.to_string() == metric
                && record.round == 0
        };
        let mut samples = dataset.cells.iter().find(of).unwrap().samples.clone();
        samples.sort_by(f64::total_cmp);
        (samples[3] + samples[4]) / 2.0
    };
    assert_eq!(*iterations, 8);
    let expected = [("ns/op", record("connect")), ("first-byte-ns/op", record("first_byte"))];
    assert_eq!(*values, expected.map(|(unit, value)| (unit.to_owned(), value)).into());
    assert_eq!((configuration["clock"].as_str(), configuration["kernel"].as_str()), ("wall", "6.1.0-example"));
    assert_eq!(read.units[&("bits/s".to_owned(), "better".to_owned())], "higher");
    assert_eq!(read.units[&("rules".to_owned(), "assume".to_owned())], "exact");
}

#[test]
fn counted_instructions_are_not_called_times_in_any_format() {
    let read = parse(&reports::benchstat(&[sample::counted()]));
    for (configuration, .., values) in &read.results {
        assert_eq!((configuration["clock"].as_str(), configuration["cpu"].as_str()), ("instructions", ""));
        for unit in values.keys() {
            assert!(!unit.split(['-', '/']).any(|word| matches!(word, "ns" | "s")), "{unit}");
        }
    }
    assert!(read.units.contains_key(&("instructions/op".to_owned(), "better".to_owned())));
    assert!(read.units.contains_key(&("bits/Ginstructions".to_owned(), "better".to_owned())));
    for better in [Better::Lower, Better::Higher] {
        for entry in entries(&[sample::counted()], better) {
            let unit = entry["unit"].as_str().unwrap();
            assert!(!["ns", "bit/s", "1/s", "cores"].contains(&unit), "{unit}");
        }
    }
}

#[test]
fn several_runs_follow_one_another_each_under_its_own_configuration() {
    let read = parse(&reports::benchstat(&datasets()));
    let clocks: BTreeSet<&str> = read.results.iter().map(|(facts, ..)| facts["clock"].as_str()).collect();
    assert_eq!(clocks, BTreeSet::from(["instructions", "wall", "wall-emulated"]));
    assert_eq!(read.comments.iter().filter(|comment| comment.starts_with("# run ")).count(), 3);
}

/// A run of a few cells, of which some came to nothing.
fn small(mut dataset: Dataset) -> Dataset {
    let keep = |backend, services| services == 1 || backend == BackendName::IptablesLegacy && services == 1000;
    dataset.header.plan.cells.retain(|cell| keep(cell.variant.backend, cell.cluster.services));
    dataset.cells.retain(|record| keep(record.cell.variant.backend, record.cell.cluster.services));
    dataset
}

fn entries(datasets: &[Dataset], better: Better) -> Vec<Value> {
    let text = reports::benchmark_action(datasets, better).unwrap();
    serde_json::from_str::<Value>(&text).unwrap().as_array().unwrap().clone()
}

#[test]
fn github_action_benchmark_gets_every_measured_median_under_a_name_of_its_own() {
    let measured = |datasets: &[Dataset], better| -> usize {
        let rows = datasets.iter().flat_map(analysis::summary::summarise);
        rows.filter(|row| row.outcome == Outcome::Measured && row.metric.better() == better).count()
    };
    let mut another = small(sample::dataset());
    another.header.id = "another".to_owned();
    let mut elsewhere = small(sample::dataset());
    elsewhere.header.host.insert("kernel".to_owned(), "6.12".to_owned());
    for (datasets, tells) in [
        (vec![small(sample::dataset())], ""),
        (vec![small(sample::dataset()), small(sample::counted())], ""),
        (vec![small(sample::dataset()), elsewhere], "/kernel=6.12/"),
        (vec![small(sample::dataset()), another], "/run=another/"),
    ] {
        let mut names = BTreeSet::new();
        for better in [Better::Lower, Better::Higher] {
            let entries = entries(&datasets, better);
            assert_eq!(entries.len(), measured(&datasets, better));
            for entry in &entries {
                let keys: Vec<&str> = entry.as_object().unwrap().keys().map(String::as_str).collect();
                assert!(keys.iter().all(|key| ["name", "unit", "value", "range", "extra"].contains(key)), "{keys:?}");
                assert!(entry["value"].is_number() && entry["unit"].is_string() && entry["extra"].is_string());
                assert!(names.insert(entry["name"].as_str().unwrap().to_owned()), "{} is there twice", entry["name"]);
            }
        }
        assert!(names.iter().any(|name| name.contains(tells)));
        let told = names.iter().any(|name| name.contains("/kernel=") || name.contains("/run="));
        assert_eq!(told, !tells.is_empty(), "names stay the same from run to run where they can");
    }
}

#[test]
fn github_action_benchmark_gets_no_file_without_an_entry() {
    let mut dataset = sample::dataset();
    dataset.cells.retain(|record| record.metric.better() == Better::Lower);
    dataset.header.plan.cells.retain(|cell| cell.probe.programs());
    assert_eq!(reports::benchmark_action(&[dataset.clone()], Better::Higher), None);
    assert!(reports::benchmark_action(&[dataset], Better::Lower).is_some());
}

/// A file of `tests/golden`, as `tests/golden.rs` checks it, too.
fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap_or_default() == text, "{name} differs; BLESS=1 rewrites it");
}

#[test]
fn small_runs_are_written_for_every_tool_as_before() {
    for (name, dataset) in [("time", small(sample::dataset())), ("counted", small(sample::counted()))] {
        let datasets = [dataset];
        check(&format!("{name}.benchstat.txt"), &reports::benchstat(&datasets));
        check(&format!("{name}.bigger.json"), &reports::benchmark_action(&datasets, Better::Higher).unwrap());
    }
    let mut datasets = [small(sample::counted())];
    datasets[0].header.plan.cells.retain(|cell| cell.probe == ProbeName::SyncFull);
    datasets[0].cells.retain(|record| record.cell.probe == ProbeName::SyncFull);
    check("counted.json", &reports::json(&datasets));
}
