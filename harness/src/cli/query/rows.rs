//! Writes the rows of an answer as text, CSV or JSON. CSV and JSON keep every digit.

use anyhow::Result;
use polars::prelude::{AnyValue, Column, DataFrame};
use serde::ser::{SerializeMap, Serializer};
use serde::{Serialize, ser};

/// Columns of text under a header; numbers are right-aligned.
pub(super) fn table(rows: &DataFrame) -> String {
    let columns: Vec<Vec<String>> = rows.columns().iter().map(|column| written(column, shown)).collect();
    let widths: Vec<usize> = columns.iter().map(|column| widest(column)).collect();
    let numeric: Vec<bool> = rows.columns().iter().map(|column| column.dtype().is_primitive_numeric()).collect();
    let line = |row: usize| {
        let cells = columns.iter().zip(&widths).zip(&numeric).map(|((column, &width), &numeric)| {
            let text = &column[row];
            if numeric { format!("{text:>width$}") } else { format!("{text:<width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let rule = widths.iter().map(|width| "─".repeat(*width)).collect::<Vec<_>>().join("──");
    let mut text = line(0) + &rule + "\n";
    text.extend((1..=rows.height()).map(line));
    text
}

fn written(column: &Column, write: fn(&AnyValue) -> String) -> Vec<String> {
    let values = column.as_materialized_series().iter().map(|value| write(&value));
    std::iter::once(column.name().to_string()).chain(values).collect()
}

fn widest(column: &[String]) -> usize {
    column.iter().map(|text| text.chars().count()).max().unwrap_or(0)
}

/// A value as text; empty for none.
fn word(value: &AnyValue) -> String {
    match value {
        AnyValue::Null => String::new(),
        AnyValue::String(text) => (*text).to_owned(),
        AnyValue::StringOwned(text) => text.to_string(),
        AnyValue::Float64(number) => number.to_string(),
        other => other.to_string(),
    }
}

/// A value for people: twelve digits, so that 55295.00000000001 is 55295.
fn shown(value: &AnyValue) -> String {
    match value {
        AnyValue::Float64(number) => format!("{number:.11e}").parse().unwrap_or(*number).to_string(),
        other => word(other),
    }
}

/// A line for each row, with a header line.
pub(super) fn csv(rows: &DataFrame) -> Result<String> {
    let columns: Vec<Vec<String>> = rows.columns().iter().map(|column| written(column, word)).collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in 0..=rows.height() {
        writer.write_record(rows.columns().iter().zip(&columns).map(|(column, written)| {
            let is_text = row == 0 || !column.dtype().is_primitive_numeric();
            if is_text { reports::csv_cell(&written[row]).into_owned() } else { written[row].clone() }
        }))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// A list of objects, their keys in the order of the columns.
pub(super) fn json(rows: &DataFrame) -> Result<String> {
    let list: Vec<Row> = (0..rows.height()).map(|place| Row { rows, place }).collect();
    Ok(serde_json::to_string_pretty(&list)? + "\n")
}

struct Row<'a> {
    rows: &'a DataFrame,
    place: usize,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns = self.rows.columns();
        let mut map = serializer.serialize_map(Some(columns.len()))?;
        for column in columns {
            let name = column.name().as_str();
            match column.get(self.place).map_err(ser::Error::custom)? {
                AnyValue::Null => map.serialize_entry(name, &())?,
                AnyValue::Boolean(truth) => map.serialize_entry(name, &truth)?,
                value if value.is_integer() => map.serialize_entry(name, &value.extract::<i64>())?,
                value if value.is_primitive_numeric() => map.serialize_entry(name, &value.extract::<f64>())?,
                value => map.serialize_entry(name, &word(&value))?,
            }
        }
        map.end()
    }
}
