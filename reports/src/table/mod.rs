//! Tables of data, for other programs: their columns, defined once for every format.
//!
//! `samples` has a row a sample, `summary` a row a cell and metric. Both begin with the same columns.

mod coordinates;
pub(crate) mod samples;
pub(crate) mod summary;

pub(crate) use coordinates::{of_cell, path};

use lab_core::cell::{Cell, Coordinate, CoordinateRead};

/// A column of a table whose rows are read from `Row`.
pub(crate) struct Column<Row> {
    pub(crate) name: &'static str,
    read: Read<Row>,
}

/// How a column's value is read from a row, which decides its type, too.
enum Read<Row> {
    Text(fn(&Row) -> &str),
    MaybeText(fn(&Row) -> Option<&str>),
    Whole(fn(&Row) -> u32),
    MaybeWhole(fn(&Row) -> Option<u32>),
    MaybeNumber(fn(&Row) -> Option<f64>),
    Coordinate(CoordinateRead, fn(&Row) -> &Cell),
}

/// What stands in every row of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    /// Words, in UTF-8.
    Text,
    /// A whole number that is not negative.
    Whole,
    Number,
}

/// Whether a row may have nothing in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Always,
    Sometimes,
}

/// What stands in one row of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Nothing,
    Text(&'a str),
    Whole(u32),
    Number(f64),
}

impl<Row> Column<Row> {
    pub(crate) fn text(name: &'static str, read: fn(&Row) -> &str) -> Self {
        Self { name, read: Read::Text(read) }
    }

    pub(crate) fn maybe_text(name: &'static str, read: fn(&Row) -> Option<&str>) -> Self {
        Self { name, read: Read::MaybeText(read) }
    }

    pub(crate) fn whole(name: &'static str, read: fn(&Row) -> u32) -> Self {
        Self { name, read: Read::Whole(read) }
    }

    pub(crate) fn maybe_whole(name: &'static str, read: fn(&Row) -> Option<u32>) -> Self {
        Self { name, read: Read::MaybeWhole(read) }
    }

    pub(crate) fn maybe_number(name: &'static str, read: fn(&Row) -> Option<f64>) -> Self {
        Self { name, read: Read::MaybeNumber(read) }
    }

    pub(crate) fn coordinate(coordinate: &Coordinate, cell: fn(&Row) -> &Cell) -> Self {
        Self { name: coordinate.name, read: Read::Coordinate(coordinate.read, cell) }
    }

    pub(crate) fn type_(&self) -> Type {
        match self.read {
            Read::Text(_) | Read::MaybeText(_) => Type::Text,
            Read::Coordinate(CoordinateRead::Word(_) | CoordinateRead::MaybeWord(_), _) => Type::Text,
            Read::Whole(_) | Read::MaybeWhole(_) | Read::Coordinate(CoordinateRead::Number(_), _) => Type::Whole,
            Read::MaybeNumber(_) => Type::Number,
        }
    }

    pub(crate) fn presence(&self) -> Presence {
        match self.read {
            Read::Coordinate(CoordinateRead::MaybeWord(_), _) => Presence::Sometimes,
            Read::Text(_) | Read::Whole(_) | Read::Coordinate(..) => Presence::Always,
            Read::MaybeText(_) | Read::MaybeWhole(_) | Read::MaybeNumber(_) => Presence::Sometimes,
        }
    }

    pub(crate) fn value<'a>(&self, row: &'a Row) -> Value<'a> {
        match self.read {
            Read::Text(read) => Value::Text(read(row)),
            Read::MaybeText(read) => read(row).map_or(Value::Nothing, Value::Text),
            Read::Whole(read) => Value::Whole(read(row)),
            Read::MaybeWhole(read) => read(row).map_or(Value::Nothing, Value::Whole),
            Read::MaybeNumber(read) => read(row).map_or(Value::Nothing, Value::Number),
            Read::Coordinate(read, cell) => match read {
                CoordinateRead::Word(read) => Value::Text(read(cell(row))),
                CoordinateRead::MaybeWord(read) => read(cell(row)).map_or(Value::Nothing, Value::Text),
                CoordinateRead::Number(read) => Value::Whole(read(cell(row))),
            },
        }
    }
}
