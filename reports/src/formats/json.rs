//! The summary of one or several runs, with what ran, as one JSON object.

use crate::table::summary::Line;
use crate::table::{self, Column, Value};
use lab_core::dataset::{Dataset, End};
use lab_core::foreign::shown_in_json;
use lab_core::vocabulary::{Clock, Outcome, TargetName};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use std::collections::BTreeMap;

/// The version of the object's shape: it changes when a key goes, or means something else.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    version: &'static str,
    runs: Vec<Run<'a>>,
    summary: Vec<Written<'a>>,
}

#[derive(Serialize)]
struct Run<'a> {
    id: &'a str,
    version: &'a str,
    revision: &'a str,
    command: &'a [String],
    scenario: &'a str,
    question: &'a str,
    target: TargetName,
    clock: Clock,
    kernel: Option<&'a str>,
    host: &'a BTreeMap<String, String>,
    guest: &'a BTreeMap<String, String>,
    tools: &'a BTreeMap<String, String>,
    references: &'a [String],
    seed: u64,
    rounds: u32,
    replicas: u32,
    start: String,
    end: Option<String>,
    interrupted: Option<bool>,
    cells: Option<&'a BTreeMap<Outcome, u32>>,
    records: usize,
    samples: usize,
}

/// A row of the summary, by column.
struct Written<'a>(Line<'a>);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns: Vec<Column<Line>> = table::summary::columns();
        let mut map = serializer.serialize_map(Some(columns.len()))?;
        for column in &columns {
            match column.value(&self.0) {
                Value::Nothing => map.serialize_entry(column.name, &())?,
                Value::Text(text) => map.serialize_entry(column.name, text)?,
                Value::Whole(number) => map.serialize_entry(column.name, &number)?,
                Value::Number(number) => map.serialize_entry(column.name, &number)?,
            }
        }
        map.end()
    }
}

/// The summary and what ran, as one JSON object. The runs may be on different clocks.
#[must_use]
pub fn render(datasets: &[Dataset]) -> String {
    let document = Document {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION"),
        runs: datasets.iter().map(run).collect(),
        summary: table::summary::rows(datasets).map(Written).collect(),
    };
    pretty(&document)
}

/// A document as JSON, with nothing in it that a terminal would obey.
pub(crate) fn pretty(document: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(document).expect("string keys and numbers that JSON can spell") + "\n";
    shown_in_json(&text).into_owned()
}

fn run(dataset: &Dataset) -> Run<'_> {
    let Dataset { header, cells, end } = dataset;
    let end: Option<&End> = end.as_ref();
    Run {
        id: &header.id,
        version: &header.version,
        revision: &header.revision,
        command: &header.command,
        scenario: &header.plan.scenario,
        question: &header.question,
        target: header.plan.target,
        clock: header.clock,
        kernel: header.kernel(),
        host: &header.host,
        guest: &header.guest,
        tools: &header.tools,
        references: &header.references,
        seed: header.plan.seed,
        rounds: header.plan.rounds,
        replicas: header.plan.replicas,
        start: header.start.to_string(),
        end: end.map(|end| end.end.to_string()),
        interrupted: end.map(|end| end.interrupted),
        cells: end.map(|end| &end.cells),
        records: cells.len(),
        samples: cells.iter().map(|record| record.samples.len()).sum(),
    }
}
