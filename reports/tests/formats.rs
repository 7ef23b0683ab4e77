//! FORMATS.md documents everything that is written: every key of the dataset, of the JSON, and every column.

#[path = "sample/pair.rs"]
mod pair;
mod sample;

use lab_core::dataset::Record;
use serde_json::Value;
use std::collections::BTreeSet;

const FORMATS: &str = include_str!("../FORMATS.md");

/// Objects whose keys are names of things that were found, not fields.
const NAMED: [&str; 3] = ["host", "guest", "tools"];

/// The keys of `value` and of everything in it.
fn keys(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                into.insert(key.clone());
                // In the end line and the JSON, `cells` are counts by outcome.
                let counts = key == "cells" && value.is_object();
                if !NAMED.contains(&key.as_str()) && !counts {
                    keys(value, into);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, into)),
        _ => {}
    }
}

/// The part of the document from one heading to the next of its level.
fn part(heading: &str) -> &'static str {
    let start = FORMATS.find(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no part {heading:?}")) + 4;
    let end = FORMATS[start..].find("\n## ").map_or(FORMATS.len(), |end| start + end);
    &FORMATS[start..end]
}

fn assert_documented<'a>(heading: &str, names: impl IntoIterator<Item = &'a str>) {
    let part = part(heading);
    let missing: Vec<&str> = names.into_iter().filter(|name| !part.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "FORMATS.md, {heading:?}, lacks {missing:?}");
}

#[test]
fn every_field_of_the_dataset_is_documented() {
    let mut found = BTreeSet::new();
    for dataset in [sample::smoke(sample::dataset()), sample::emulated(), sample::counted()] {
        let records = std::iter::once(Record::Run(Box::new(dataset.header)))
            .chain(dataset.cells.into_iter().map(Record::Cell))
            .chain(dataset.end.map(Record::End));
        for record in records {
            keys(&serde_json::to_value(record).unwrap(), &mut found);
        }
    }
    // Of a duration.
    assert!(found.remove("secs") && found.remove("nanos"));
    assert_documented(
        "The dataset: `run.jsonl`, format 2",
        found.iter().map(String::as_str).filter(|key| *key != "kind"),
    );
}

#[test]
fn every_column_of_the_tables_is_documented() {
    let datasets = [sample::counted()];
    let csv = reports::csv(&datasets);
    assert_documented("Tables: `samples` and `summary`", csv.lines().next().unwrap().split(','));
    for file in [reports::parquet::samples(&datasets), reports::parquet::summary(&datasets)] {
        use parquet::file::reader::{FileReader, SerializedFileReader};
        let reader = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
        let fields = reader.metadata().file_metadata().schema().get_fields();
        assert_documented("Tables: `samples` and `summary`", fields.iter().map(|column| column.name()));
    }
}

#[test]
fn every_key_of_the_json_is_documented() {
    let json: Value = serde_json::from_str(&reports::json(&[sample::counted()])).unwrap();
    let mut found = BTreeSet::new();
    keys(&json, &mut found);
    let mut columns = BTreeSet::new();
    keys(&json["summary"], &mut columns);
    // The rows of the summary have the columns of the table.
    assert_documented("JSON", found.difference(&columns).map(String::as_str));
}

#[test]
fn every_field_of_a_capacity_is_documented() {
    use analysis::capacity::{Calibration, Question, answer};
    use reports::capacity::{Answered, Census};
    let (counted, timed) = (sample::counted(), sample::dataset());
    let question = Question {
        objectives: vec!["connect=100us".parse().unwrap(), "sync_full=400ms".parse().unwrap()],
        headroom: 0.0,
        sizes: vec![100],
        cluster: Vec::new(),
        endpoints: None,
        extrapolate: false,
    };
    let calibration = Calibration::fit(&counted, &timed, &question.wanted()).unwrap();
    let cluster = Census {
        file: String::new(),
        services: 1,
        entries: vec![("ports of cluster IPs".to_owned(), [1, 0])],
        protocols: Vec::new(),
        growth: 1.0,
        endpoints: Some([0; 4]),
        shape: Vec::new(),
        scenario: "smoke".to_owned(),
        not_simulated: Vec::new(),
    };
    let answered = Answered {
        label: String::new(),
        run: counted.header.id.clone(),
        answer: answer(&counted, &question, Some(&calibration)).unwrap(),
        cluster: Some(cluster),
    };
    let mut found = BTreeSet::new();
    keys(&serde_json::from_str(&reports::capacity::json(&[answered])).unwrap(), &mut found);
    assert_documented("Capacity", found.iter().map(String::as_str));
}

#[test]
fn every_column_and_key_of_a_comparison_and_a_judgement_is_documented() {
    use analysis::gate::{Policy, compare, judge};
    use reports::gate::{comparison, judgement};
    let mut found = BTreeSet::new();
    for (before, after) in [pair::exact(), pair::timed()] {
        let (compared, judged) = (compare(&before, &after), judge(&before, &after, &[], &Policy::default()));
        for json in [comparison::json(&compared), judgement::json(&judged)] {
            keys(&serde_json::from_str(&json).unwrap(), &mut found);
        }
        for csv in [comparison::csv(&compared), judgement::csv(&judged)] {
            found.extend(csv.lines().next().unwrap().split(',').map(str::to_owned));
        }
    }
    assert!(found.contains("bearing") && found.contains("share") && found.contains("causes"));
    assert_documented("The gate", found.iter().map(String::as_str));
}
