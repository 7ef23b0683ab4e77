//! A table of data as comma-separated values.

use crate::table::{Column, Value};
use std::borrow::Cow;

/// `text` as a cell that no spreadsheet takes for a formula: with an apostrophe before what would begin one, as OWASP has
/// it. Numbers are no texts.
#[must_use]
pub fn cell(text: &str) -> Cow<'_, str> {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}").into(),
        false => text.into(),
    }
}

/// `rows` as CSV, a head first. What there is nothing for is empty, and so is a ratio from zero;
/// numbers have every digit.
pub(crate) fn render<Row>(columns: &[Column<Row>], rows: impl Iterator<Item = Row>) -> String {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let written = "a row of the same length, written to memory";
    writer.write_record(columns.iter().map(|column| column.name)).expect(written);
    for row in rows {
        let fields = columns.iter().map(|column| match column.value(&row) {
            Value::Nothing => String::new(),
            Value::Text(text) => cell(text).into_owned(),
            Value::Whole(number) => number.to_string(),
            Value::Number(number) if number.is_finite() => number.to_string(),
            Value::Number(_) => String::new(),
        });
        writer.write_record(fields).expect(written);
    }
    let bytes = writer.into_inner().expect("memory takes every write");
    String::from_utf8(bytes).expect("made of strings")
}
