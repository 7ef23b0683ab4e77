//! Reads `published.yaml`, strictly.

use super::{Reference, Series, Value};
use serde::Deserialize;
use std::collections::BTreeMap;

/// An entry. Every other key is a series: its name, with the unit at the end.
#[derive(Deserialize)]
struct WrittenReference {
    id: String,
    title: String,
    source: String,
    note: Option<String>,
    read_off_chart: Option<String>,
    #[serde(default)]
    services: Vec<u32>,
    #[serde(default)]
    endpoints: Vec<u32>,
    #[serde(default)]
    rules: Vec<u64>,
    #[serde(flatten)]
    series: BTreeMap<String, WrittenSeries>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenSeries {
    Values(Vec<WrittenValue>),
    Percentiles(BTreeMap<String, Vec<WrittenValue>>),
}

type WrittenValue = Option<WrittenFigure>;

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenFigure {
    Number(f64),
    Range([f64; 2]),
    Word(String),
}

/// The units by the ends of keys, longer ends first.
const UNITS: [(&str, &str); 9] = [
    ("_per_s", "1/s"),
    ("_us", "µs"),
    ("_s", "s"),
    ("_mb", "MB"),
    ("_percent", "%"),
    ("_cores", "cores"),
    // These are part of the name: a count of rules, and places that were published without a unit.
    ("_rules_at_least", ""),
    ("_first", ""),
    ("_last", ""),
];

/// The entries of `text`, without pairs.
///
/// # Errors
/// Everything that is wrong with them.
pub(super) fn read(text: &str) -> Result<Vec<Reference>, Vec<String>> {
    let written: Vec<WrittenReference> = serde_saphyr::from_str(text).map_err(|error| vec![error.to_string()])?;
    let mut problems = Vec::new();
    let mut references: Vec<Reference> = Vec::new();
    for entry in written {
        if references.iter().any(|other| other.id == entry.id) {
            problems.push(format!("{}: there are two", entry.id));
        }
        references.push(reference(entry, &mut problems));
    }
    if problems.is_empty() { Ok(references) } else { Err(problems) }
}

fn reference(written: WrittenReference, problems: &mut Vec<String>) -> Reference {
    let WrittenReference { id, title, source, note, read_off_chart, services, endpoints, rules, series } = written;
    if !services.is_sorted_by(|one, next| one < next) {
        problems.push(format!("{id}: services do not ascend"));
    }
    if !rules.is_empty() && rules.len() != services.len() {
        problems.push(format!("{id}: rules are {} for {} sizes", rules.len(), services.len()));
    }
    if endpoints.len() > 1 {
        problems.push(format!("{id}: several endpoints"));
    }
    let mut columns: Vec<Series> = Vec::new();
    for (key, written) in series {
        let Some((end, unit)) = UNITS.iter().find(|(end, _)| key.ends_with(end)) else {
            problems.push(format!("{id}: {key} is no known key, and ends in no known unit"));
            continue;
        };
        let stem = if unit.is_empty() { key.as_str() } else { key.trim_end_matches(end) };
        let curves = match written {
            WrittenSeries::Values(values) => vec![(String::new(), values)],
            WrittenSeries::Percentiles(curves) => {
                curves.into_iter().map(|(percentile, values)| (format!(" {percentile}"), values)).collect()
            }
        };
        for (percentile, values) in curves {
            let key = format!("{key}{percentile}");
            if values.len() != services.len() {
                problems.push(format!("{id}: {key} has {} values for {} sizes", values.len(), services.len()));
            }
            let values = values.into_iter().map(|value| self::value(value, &id, &key, problems)).collect();
            let name = format!("{}{percentile}", stem.replace('_', " "));
            columns.push(Series { key, name, unit, values });
        }
    }
    let endpoints = endpoints.first().copied();
    let note = note.map(|note| note.trim().to_owned());
    Reference {
        id,
        title,
        source,
        note,
        read_off_chart,
        services,
        endpoints,
        rules,
        series: columns,
        pairs: Vec::new(),
    }
}

fn value(written: WrittenValue, id: &str, key: &str, problems: &mut Vec<String>) -> Value {
    match written {
        None => Value::Absent,
        Some(WrittenFigure::Number(number)) if number >= 0.0 => Value::Number(number),
        Some(WrittenFigure::Range([low, high])) if 0.0 <= low && low < high => Value::Range(low, high),
        Some(WrittenFigure::Word(word)) if word == "oom" => Value::OutOfMemory,
        Some(WrittenFigure::Number(_) | WrittenFigure::Range(_) | WrittenFigure::Word(_)) => {
            problems.push(format!("{id}: a value of {key} is no number from 0, no range of them, no null and no oom"));
            Value::Absent
        }
    }
}
