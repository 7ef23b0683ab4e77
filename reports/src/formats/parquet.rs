//! The tables of data as Parquet files, for notebooks, data frames and SQL.
//!
//! The same datasets give the same bytes. Strings have the logical type UTF8 and a dictionary; whole numbers are unsigned
//! 32 bits. What may be missing is nullable.

use crate::table::{self, Column, Presence, Type, Value};
use lab_core::dataset::Dataset;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type as Schema;
use std::sync::Arc;

/// The version of the tables' columns: it changes when a column goes, or means something else.
pub const FORMAT: u32 = 1;

/// Rows that are written together: what is in memory twice.
const GROUP: usize = 1 << 17;

/// `samples.parquet`: a row a sample.
#[must_use]
pub fn samples(datasets: &[Dataset]) -> Vec<u8> {
    render("samples", &table::samples::columns(), table::samples::rows(datasets), datasets)
}

/// `summary.parquet`: a row a cell and metric.
#[must_use]
pub fn summary(datasets: &[Dataset]) -> Vec<u8> {
    render("summary", &table::summary::columns(), table::summary::rows(datasets), datasets)
}

fn render<Row>(name: &str, columns: &[Column<Row>], rows: impl Iterator<Item = Row>, datasets: &[Dataset]) -> Vec<u8> {
    write(name, columns, rows, datasets).expect("values of the schema's types, written to memory")
}

fn write<Row>(
    name: &str,
    columns: &[Column<Row>],
    mut rows: impl Iterator<Item = Row>,
    datasets: &[Dataset],
) -> Result<Vec<u8>, ParquetError> {
    let mut file = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut file, schema(name, columns)?, Arc::new(properties(datasets)))?;
    loop {
        let group: Vec<Row> = rows.by_ref().take(GROUP).collect();
        if group.is_empty() {
            break;
        }
        let mut group_writer = writer.next_row_group()?;
        for column in columns {
            let mut column_writer = group_writer.next_column()?.expect("a writer for every column of the schema");
            write_column(&mut column_writer, column, &group)?;
            column_writer.close()?;
        }
        group_writer.close()?;
    }
    writer.close()?;
    Ok(file)
}

fn schema<Row>(name: &str, columns: &[Column<Row>]) -> Result<Arc<Schema>, ParquetError> {
    let field = |column: &Column<Row>| {
        let (physical, logical) = match column.type_() {
            Type::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Type::Whole => (Physical::INT32, Some(LogicalType::integer(32, false))),
            Type::Number => (Physical::DOUBLE, None),
        };
        let repetition = match column.presence() {
            Presence::Always => Repetition::REQUIRED,
            Presence::Sometimes => Repetition::OPTIONAL,
        };
        let field = Schema::primitive_type_builder(column.name, physical);
        field.with_logical_type(logical).with_repetition(repetition).build().map(Arc::new)
    };
    let fields: Result<_, _> = columns.iter().map(field).collect();
    Schema::group_type_builder(name).with_fields(fields?).build().map(Arc::new)
}

/// What a reader is told beside the columns. Nothing of it depends on when or where the file is made.
fn properties(datasets: &[Dataset]) -> WriterProperties {
    let ids: Vec<&str> = datasets.iter().map(|dataset| dataset.header.id.as_str()).collect();
    let ids = serde_json::to_string(&ids).expect("a list of strings");
    let facts = [("svclab.format", FORMAT.to_string()), ("svclab.version", VERSION.to_owned()), ("svclab.runs", ids)];
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(format!("svclab version {VERSION}"))
        .set_key_value_metadata(Some(facts.map(|(key, value)| KeyValue::new(key.to_owned(), value)).to_vec()))
        .build()
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn write_column<Row>(
    writer: &mut SerializedColumnWriter<'_>,
    column: &Column<Row>,
    rows: &[Row],
) -> Result<(), ParquetError> {
    let levels: Option<Vec<i16>> = (column.presence() == Presence::Sometimes)
        .then(|| rows.iter().map(|row| i16::from(column.value(row) != Value::Nothing)).collect());
    let levels = levels.as_deref();
    match column.type_() {
        Type::Text => writer.typed::<ByteArrayType>().write_batch(&texts(column, rows), levels, None)?,
        Type::Whole => {
            // The bits of an unsigned number, as its logical type says.
            let whole =
                |row| if let Value::Whole(number) = column.value(row) { Some(number.cast_signed()) } else { None };
            let numbers: Vec<i32> = rows.iter().filter_map(whole).collect();
            writer.typed::<Int32Type>().write_batch(&numbers, levels, None)?
        }
        Type::Number => {
            let number = |row| if let Value::Number(number) = column.value(row) { Some(number) } else { None };
            let numbers: Vec<f64> = rows.iter().filter_map(number).collect();
            writer.typed::<DoubleType>().write_batch(&numbers, levels, None)?
        }
    };
    Ok(())
}

/// The column's words. Rows of one record have the same ones, which are then shared rather than copied.
fn texts<Row>(column: &Column<Row>, rows: &[Row]) -> Vec<ByteArray> {
    let mut texts = Vec::with_capacity(rows.len());
    let mut last: Option<(&str, ByteArray)> = None;
    for row in rows {
        let Value::Text(text) = column.value(row) else { continue };
        let same = last.take().filter(|(before, _)| *before == text);
        let (_, array) = last.insert(same.unwrap_or_else(|| (text, ByteArray::from(text))));
        texts.push(array.clone());
    }
    texts
}
