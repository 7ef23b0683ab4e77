//! The tables of data: every value of a Parquet file against the dataset it was made from, and the formats beside each
//! other.

mod sample;

use analysis::summary::{Row, summarise};
use lab_core::dataset::{CellRecord, Dataset, Header, Split};
use lab_core::metric::Better;
use lab_core::vocabulary::{Outcome, Word};
use parquet::basic::{LogicalType, Repetition};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Runs on each clock.
fn datasets() -> Vec<Dataset> {
    vec![sample::smoke(sample::dataset()), sample::emulated(), sample::counted()]
}

fn open(file: Vec<u8>) -> SerializedFileReader<bytes::Bytes> {
    SerializedFileReader::new(bytes::Bytes::from(file)).unwrap()
}

/// The rows of a file, a name and a value a column.
fn rows(reader: &SerializedFileReader<bytes::Bytes>) -> Vec<Vec<(String, Field)>> {
    reader.get_row_iter(None).unwrap().map(|row| row.unwrap().into_columns()).collect()
}

fn text(text: &str) -> Field {
    if text.is_empty() { Field::Null } else { Field::Str(text.to_owned()) }
}

fn word<W: Word>(word: Option<W>) -> Field {
    word.map_or(Field::Null, |word| text(word.name()))
}

fn number(number: Option<f64>) -> Field {
    number.map_or(Field::Null, Field::Double)
}

/// What the rows of a run begin with, as the dataset itself says it.
fn run(header: &Header) -> Vec<(&'static str, Field)> {
    let kernel = if header.guest.is_empty() { &header.host["kernel"] } else { &header.guest["kernel"] };
    vec![
        ("run", text(&header.id)),
        ("clock", text(header.clock.name())),
        ("kernel", text(kernel)),
        ("scenario", text(&header.plan.scenario)),
        ("target", text(header.plan.target.name())),
    ]
}

fn named(row: Vec<(&str, Field)>) -> Vec<(String, Field)> {
    row.into_iter().map(|(name, field)| (name.to_owned(), field)).collect()
}

fn sample(header: &Header, record: &CellRecord, taken: Option<(u32, f64)>) -> Vec<(String, Field)> {
    let mut row = run(header);
    row.extend([
        ("backend", text(record.cell.variant.backend.name())),
        ("layout", text(record.cell.variant.layout.name())),
        ("scheduler", word(record.cell.variant.settings.scheduler)),
        ("forwarding", word(record.cell.variant.settings.forwarding)),
        ("way", text(record.cell.variant.way.name())),
        ("driver", text(record.cell.variant.driver.name())),
        ("kernel_name", Field::Null),
        ("services", Field::UInt(record.cell.cluster.services)),
        ("endpoints", Field::UInt(record.cell.cluster.endpoints)),
        ("cluster", text("uniform")),
        ("position", word(record.cell.position)),
        ("access", word(record.cell.position.map(|_| record.cell.access))),
        ("from", word(record.cell.position.map(|_| record.cell.from))),
        ("activity", record.cell.activity.name().map_or(Field::Null, text)),
        ("probe", text(record.cell.probe.name())),
        ("round", Field::UInt(record.round)),
        ("replica", Field::UInt(record.replica)),
        ("outcome", text(record.outcome.name())),
        ("reason", text(&record.reason)),
        ("metric", text(record.metric.name())),
        ("unit", text(record.unit.name())),
        ("index", taken.map_or(Field::Null, |(index, _)| Field::UInt(index))),
        ("value", number(taken.map(|(_, value)| value))),
    ]);
    let split = taken.and_then(|(index, _)| record.split.0.get(index as usize));
    let part = |part: fn(&Split) -> u64| number(split.map(|split| part(split) as f64));
    row.extend([
        ("split_user", part(|split| split.user)),
        ("split_kernel", part(|split| split.kernel)),
        ("split_entries", part(|split| split.entries)),
        ("split_waited", part(|split| split.waited)),
    ]);
    named(row)
}

fn aggregate(header: &Header, row: &Row) -> Vec<(String, Field)> {
    let mut fields = run(header);
    let figure = |figure: fn(&analysis::summary::Figures) -> Option<f64>| number(row.figures.as_ref().and_then(figure));
    fields.extend([
        ("backend", text(row.cell.variant.backend.name())),
        ("layout", text(row.cell.variant.layout.name())),
        ("scheduler", word(row.cell.variant.settings.scheduler)),
        ("forwarding", word(row.cell.variant.settings.forwarding)),
        ("way", text(row.cell.variant.way.name())),
        ("driver", text(row.cell.variant.driver.name())),
        ("kernel_name", Field::Null),
        ("services", Field::UInt(row.cell.cluster.services)),
        ("endpoints", Field::UInt(row.cell.cluster.endpoints)),
        ("cluster", text("uniform")),
        ("position", word(row.cell.position)),
        ("access", word(row.cell.position.map(|_| row.cell.access))),
        ("from", word(row.cell.position.map(|_| row.cell.from))),
        ("activity", row.cell.activity.name().map_or(Field::Null, text)),
        ("probe", text(row.cell.probe.name())),
        ("outcome", text(row.outcome.name())),
        ("reason", text(&row.reason)),
        ("metric", text(row.metric.name())),
        ("unit", text(row.metric.unit().name())),
        ("n", row.figures.map_or(Field::Null, |figures| Field::UInt(u32::try_from(figures.n).unwrap()))),
        ("min", figure(|figures| Some(figures.min))),
        ("p50", figure(|figures| Some(figures.p50))),
        ("p90", figure(|figures| Some(figures.p90))),
        ("p99", figure(|figures| Some(figures.p99))),
        ("max", figure(|figures| Some(figures.max))),
        ("mad", figure(|figures| Some(figures.mad))),
        ("ci_low", figure(|figures| Some(figures.interval?.0))),
        ("ci_high", figure(|figures| Some(figures.interval?.1))),
        ("ratio_to_direct", figure(|figures| figures.ratio_to_direct)),
    ]);
    named(fields)
}

#[test]
fn every_sample_is_read_back_and_a_record_without_one_has_a_row() {
    let datasets = datasets();
    let mut expected = Vec::new();
    for Dataset { header, cells, .. } in &datasets {
        for record in cells {
            expected.extend((0..).zip(&record.samples).map(|(at, value)| sample(header, record, Some((at, *value)))));
            expected.extend(record.samples.is_empty().then(|| sample(header, record, None)));
        }
    }
    let read = rows(&open(reports::parquet::samples(&datasets)));
    assert_eq!(read.len(), expected.len());
    for (place, (read, expected)) in read.iter().zip(&expected).enumerate() {
        assert_eq!(read, expected, "row {place}");
    }
    let field = |row: &[(String, Field)], name: &str| row.iter().find(|(column, _)| column == name).unwrap().1.clone();
    let without = read.iter().filter(|row| field(row, "index") == Field::Null);
    let outcomes: BTreeSet<String> = without.map(|row| field(row, "outcome").to_string()).collect();
    assert_eq!(outcomes, ["\"failed\"", "\"over-budget\"", "\"skipped\""].map(str::to_owned).into());
}

#[test]
fn every_figure_of_the_summary_is_read_back() {
    let datasets = datasets();
    let rows_of = |dataset: &Dataset| summarise(dataset).iter().map(|row| aggregate(&dataset.header, row)).collect();
    let expected: Vec<Vec<_>> = datasets.iter().flat_map::<Vec<_>, _>(rows_of).collect();
    assert_eq!(rows(&open(reports::parquet::summary(&datasets))), expected);
}

#[test]
fn a_sample_that_is_no_number_is_left_out_and_its_record_is_not() {
    let mut dataset = sample::dataset();
    dataset.cells.truncate(2);
    dataset.cells[0].samples = vec![f64::NAN, 7.0];
    dataset.cells[1].samples = vec![f64::INFINITY];
    let header = dataset.header.clone();
    let cells = dataset.cells.clone();
    let expected = [sample(&header, &cells[0], Some((0, 7.0))), sample(&header, &cells[1], None)];
    assert_eq!(rows(&open(reports::parquet::samples(&[dataset]))), expected);
}

#[test]
fn the_schema_says_what_the_columns_are_and_which_may_be_empty() {
    let nullable = [
        "kernel",
        "layout",
        "scheduler",
        "forwarding",
        "position",
        "access",
        "from",
        "activity",
        "reason",
        "index",
        "value",
        "split_user",
        "split_kernel",
        "split_entries",
        "split_waited",
        "kernel_name",
    ];
    let reader = open(reports::parquet::samples(&datasets()));
    for column in reader.metadata().file_metadata().schema().get_fields() {
        let expected = match column.name() {
            "services" | "endpoints" | "round" | "replica" | "index" => Some(LogicalType::integer(32, false)),
            "value" | "split_user" | "split_kernel" | "split_entries" | "split_waited" => None,
            _ => Some(LogicalType::String),
        };
        assert_eq!(column.get_basic_info().logical_type_ref(), expected.as_ref(), "{}", column.name());
        let optional = column.get_basic_info().repetition() == Repetition::OPTIONAL;
        assert_eq!(optional, nullable.contains(&column.name()), "{}", column.name());
    }
}

#[test]
fn a_file_says_which_runs_are_in_it_and_the_same_runs_give_the_same_bytes() {
    let datasets = datasets();
    for table in [reports::parquet::samples, reports::parquet::summary] {
        let file = table(&datasets);
        assert_eq!(file, table(&datasets));
        let reader = open(file);
        let facts = reader.metadata().file_metadata().key_value_metadata().unwrap();
        let facts: BTreeMap<_, _> = facts.iter().map(|fact| (fact.key.as_str(), fact.value.as_deref())).collect();
        let runs = "[\"2026-03-01-0930-scale\",\"2026-03-01-0930-scale\",\"2026-03-01-0930-exact\"]";
        let version = env!("CARGO_PKG_VERSION");
        let expected = [("svclab.format", "1"), ("svclab.runs", runs), ("svclab.version", version)];
        assert_eq!(facts, expected.map(|(key, value)| (key, Some(value))).into());
    }
}

#[test]
fn a_run_without_a_line_is_a_table_without_a_row() {
    let mut dataset = sample::dataset();
    dataset.cells.clear();
    dataset.header.plan.cells.clear();
    for file in [reports::parquet::samples(&[dataset.clone()]), reports::parquet::summary(&[dataset])] {
        let reader = open(file);
        assert_eq!(rows(&reader).len(), 0);
        assert!(reader.metadata().file_metadata().schema().get_fields().len() > 20);
    }
}

#[test]
fn more_rows_than_are_written_together_are_all_there_in_their_order() {
    let mut dataset = sample::dataset();
    dataset.cells.truncate(1);
    dataset.cells[0].samples = (0..140_000).map(f64::from).collect();
    let reader = open(reports::parquet::samples(&[dataset]));
    assert_eq!(reader.metadata().num_row_groups(), 2);
    let value = |row: parquet::record::Row| row.into_columns().into_iter().find(|(name, _)| name == "value");
    let mut values = reader.get_row_iter(None).unwrap().map(|row| value(row.unwrap()).unwrap().1);
    assert!((0..140_000).all(|value| values.next() == Some(Field::Double(f64::from(value)))));
    assert_eq!(values.next(), None);
}

#[test]
fn csv_and_parquet_have_the_same_columns() {
    let datasets = datasets();
    let csv = reports::csv(&datasets);
    let reader = open(reports::parquet::summary(&datasets));
    let fields = reader.metadata().file_metadata().schema().get_fields();
    let columns: Vec<&str> = fields.iter().map(|column| column.name()).collect();
    assert_eq!(csv.lines().next().unwrap(), columns.join(","));
    assert_eq!(csv.lines().count(), 1 + rows(&reader).len());
}

/// A run of few cells, for what is tried many times.
fn few() -> Dataset {
    let mut dataset = sample::counted();
    dataset.header.plan.cells.retain(|cell| cell.cluster.services == 1);
    dataset.cells.retain(|record| record.cell.cluster.services == 1);
    dataset
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_lines_are_left_of_a_run_every_format_takes_them(
        keep in proptest::collection::vec(any::<bool>(), few().cells.len()),
        emptied in proptest::collection::vec(any::<bool>(), few().cells.len()),
        planned in 0..few().header.plan.cells.len(),
        ended in any::<bool>(),
    ) {
        let mut dataset = few();
        dataset.cells.iter_mut().zip(emptied).filter(|(_, emptied)| *emptied).for_each(|(record, _)| {
            record.samples.clear();
            record.outcome = Outcome::Failed;
        });
        let mut keep = keep.into_iter();
        dataset.cells.retain(|_| keep.next().unwrap());
        dataset.header.plan.cells.truncate(planned);
        dataset.end = dataset.end.filter(|_| ended);

        let expected: usize = dataset.cells.iter().map(|record| record.samples.len().max(1)).sum();
        let datasets = [dataset];
        prop_assert_eq!(rows(&open(reports::parquet::samples(&datasets))).len(), expected);
        let summary = rows(&open(reports::parquet::summary(&datasets))).len();
        prop_assert_eq!(reports::csv(&datasets).lines().count(), 1 + summary);
        let json: serde_json::Value = serde_json::from_str(&reports::json(&datasets)).unwrap();
        prop_assert_eq!(json["summary"].as_array().unwrap().len(), summary);
        for better in [Better::Lower, Better::Higher] {
            let text = reports::benchmark_action(&datasets, better);
            prop_assert!(text.is_none_or(|text| text.contains("\"name\"")));
        }
        prop_assert!(reports::benchstat(&datasets).contains("# run "));
    }
}
