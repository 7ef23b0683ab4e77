//! Answers a query with polars, over the Parquet files that a report writes.

use anyhow::{Context, Result, anyhow};
use lab_core::dataset::Dataset;
use polars::prelude::{DataFrame, IntoLazy, PolarsError};
use polars::sql::SQLContext;
use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;
use std::io::Cursor;

/// The rows that `sql` selects from the samples and the summary of `datasets`.
///
/// # Errors
/// If it is no SQL, or names unknown columns: the error lists the tables and columns.
pub(super) fn to(sql: &str, datasets: &[Dataset]) -> Result<DataFrame> {
    let tables = [
        ("samples", read(reports::parquet::samples(datasets))?),
        ("summary", read(reports::parquet::summary(datasets))?),
    ];
    let known = tables.each_ref().map(|(name, table)| format!("{name} ({})", columns(table))).join("; ");
    let mut context = SQLContext::new();
    for (name, table) in tables {
        context.register(name, table.lazy());
    }
    let answer = context.execute(sql).and_then(|answer| answer.collect());
    answer.map_err(|error| anyhow!("the query cannot be answered: {}; the tables are {known}", problem(&error)))
}

/// The problem that polars found, without its advice for programmers.
fn problem(error: &PolarsError) -> String {
    let error = error.to_string();
    let problem = error.lines().next().unwrap_or_default();
    let problem = problem.split("; valid columns").next().unwrap_or_default();
    match problem.split_once(". It's possible that multiple expressions") {
        Some((problem, _)) => format!("{problem}; give each a name of its own: median(value) as middle"),
        None => problem.to_owned(),
    }
}

fn read(file: Vec<u8>) -> Result<DataFrame> {
    ParquetReader::new(Cursor::new(file)).finish().context("reading the tables back")
}

fn columns(table: &DataFrame) -> String {
    table.get_column_names().iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
}
