//! The record of a run, `run.jsonl`: read a line at a time, and written as a whole.

use crate::process::cores::in_parallel;
use anyhow::{Result, ensure};
use guests::named;
use lab_core::cell::Cell;
use lab_core::dataset::{CellRecord, End, Header, Read, Reading, Record};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read as _, Seek, SeekFrom};
use std::path::Path;

/// The dataset in a run's folder. All reports are made from it.
pub(crate) const RECORD: &str = "run.jsonl";

/// The longest line that is read of a record, in bytes: a million samples take a third of it.
const LONGEST_LINE: u64 = 64 << 20;

/// The header of the `run.jsonl` at `path`, without the rest.
///
/// # Errors
/// When it cannot be read, or is not a dataset.
pub(crate) fn header(path: &Path) -> Result<Header> {
    let (mut lines, mut line) = (BufReader::new(named::open(path)?), Vec::new());
    lines.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    let mut reading = Reading::default();
    reading.line(&line)?;
    Ok(reading.end()?.dataset.header)
}

/// Reads the `run.jsonl` at `path`, a line at a time.
///
/// # Errors
/// When it cannot be read, or is not a dataset.
pub(crate) fn read(path: &Path) -> Result<Read> {
    let mut lines = BufReader::with_capacity(1 << 20, named::open(path)?);
    let (mut reading, mut line) = (Reading::default(), Vec::new());
    for number in 1.. {
        line.clear();
        if lines.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        ensure!(
            line.len() as u64 <= LONGEST_LINE,
            "line {number} is longer than {} MiB, which no record is; the file was damaged or edited",
            LONGEST_LINE >> 20
        );
        reading.line(&line)?;
    }
    Ok(reading.end()?)
}

/// Puts records of a run with this `header` into the order of its plan; a visit's metrics stay in theirs.
pub(crate) fn in_order(header: &Header, records: &mut [CellRecord]) {
    let places: HashMap<Cell, usize> = header.plan.cells.iter().enumerate().map(|(at, cell)| (*cell, at)).collect();
    // Cached: a cell's place costs a hash of all its coordinates.
    records.sort_by_cached_key(|record| (places.get(&record.cell).copied(), record.replica, record.round));
}

/// How many records a core writes at a time.
const CHUNK: usize = 10_000;

/// How a record ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// With a whole line.
    Whole,
    /// Within a line, behind others.
    Torn,
    /// Within its first line, or it is empty: there is not even a header.
    None,
}

/// How the record at `path` ends.
///
/// # Errors
/// When it cannot be read.
pub(super) fn tail(path: &Path) -> Result<Tail> {
    let mut file = named::open(path)?;
    let mut last = [0];
    if file.seek(SeekFrom::End(-1)).is_ok() && file.read(&mut last)? == 1 && last == *b"\n" {
        return Ok(Tail::Whole);
    }
    file.rewind()?;
    let mut first = Vec::new();
    BufReader::new(file).take(LONGEST_LINE).read_until(b'\n', &mut first)?;
    Ok(if first.ends_with(b"\n") { Tail::Torn } else { Tail::None })
}

/// A dataset's text. All cores write it: a merged one may have a million records.
pub(crate) fn text(header: &Header, records: &[CellRecord], end: Option<&End>) -> String {
    let mut text = Record::Run(Box::new(header.clone())).line();
    let chunks: Vec<&[CellRecord]> = records.chunks(CHUNK).collect();
    text.extend(in_parallel(&chunks, |chunk| chunk.iter().map(CellRecord::line).collect::<String>()));
    text.extend(end.map(|end| Record::End(end.clone()).line()));
    text
}
