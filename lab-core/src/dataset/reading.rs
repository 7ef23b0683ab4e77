//! Reads a `run.jsonl` line by line, so that a long file is never in memory as text.
//!
//! A newer svclab may add to the format. Unknown fields are ignored. Records of an unknown kind or metric are skipped
//! and counted. Any other unknown word is an error, because the record would be half understood.

use super::absurd::{self, Absurd};
use super::short::ShortRecord;
use super::{Dataset, End, FORMAT, Header, format_1};
use crate::encoding::{self, NotText};
use crate::foreign::quoted;
use crate::json::{problem, problem_in_line};
use crate::metric::Metric;
use crate::vocabulary::Word;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The version that compares itself with the one a file was written by.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A dataset as it was read, with what was passed over.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// What was read.
    pub dataset: Dataset,
    /// Skipped lines, counted by the unknown word: `metric "rtt"`.
    pub passed_over: BTreeMap<String, usize>,
    /// Samples that were left out, the first of each line, of at most [`NAMED`] lines.
    pub absurd: Vec<Absurd>,
    /// How many more lines have such.
    pub more_absurd: usize,
}

/// The most lines with samples that no machine gives that are named.
pub const NAMED: usize = 20;

/// Why a text is not a dataset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There is no first line that could be a header.
    #[error("line 1: the header is missing ({0}): this is not a run.jsonl, or the run was cut off before it began")]
    NoHeader(String),
    /// A version of the format that this program does not know.
    #[error(
        "line 1: the dataset is of format {format}, written by svclab {version}; this is svclab {VERSION}, which reads \
             the formats 1 to {FORMAT}: read it with svclab {version}, or a newer one"
    )]
    Format {
        /// Which version.
        format: String,
        /// Which svclab wrote it.
        version: String,
    },
    /// A header with an unknown word.
    #[error(
        "line 1: the header says what svclab {VERSION} cannot read ({problem}); read it with svclab {version}, \
             which wrote it"
    )]
    Header {
        /// What is wrong with it.
        problem: String,
        /// Which svclab wrote it.
        version: String,
    },
    /// A line that is no record, or not in its place.
    #[error("line {line}: {problem}; the file was damaged or edited: delete the line to read the rest")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The same, in a file of another svclab, which may know it.
    #[error("line {line}: {problem}; this is svclab {VERSION}: read it with svclab {version}, which wrote it")]
    Foreign {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
        /// Which svclab wrote it.
        version: String,
    },
}

impl Dataset {
    /// Reads the text of a `run.jsonl`, without the count of [skipped lines](Read::passed_over).
    ///
    /// # Errors
    /// When the header is missing or of a newer format, or another line is no record or not in its place.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        let mut reading = Reading::default();
        for line in text.split_inclusive('\n') {
            reading.line(line.as_bytes())?;
        }
        Ok(reading.end()?.dataset)
    }
}

/// The state of reading a `run.jsonl`.
#[derive(Debug, Default)]
pub struct Reading {
    dataset: Option<Dataset>,
    passed_over: BTreeMap<String, usize>,
    absurd: Vec<Absurd>,
    more_absurd: usize,
    /// Lines so far.
    lines: usize,
}

/// The part of a line that is read first.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
}

/// The part of the first line that is read first.
#[derive(Deserialize)]
struct Version {
    kind: Option<Value>,
    format: Option<Value>,
    version: Option<String>,
}

impl Reading {
    /// Takes the next line, its newline included.
    ///
    /// A last line that has no newline and cannot be read was cut off; it is left out.
    ///
    /// # Errors
    /// When it is not a record that can stand there.
    pub fn line(&mut self, line: &[u8]) -> Result<(), ReadError> {
        self.lines += 1;
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let Some(dataset) = &mut self.dataset else {
            self.dataset = Some(Dataset { header: read_header(line)?, cells: Vec::new(), end: None });
            return Ok(());
        };
        let problem = match read_record(line, dataset, self.lines) {
            Ok(absurd) => {
                let named = NAMED - self.absurd.len().min(NAMED);
                self.more_absurd += absurd.iter().skip(named).count();
                self.absurd.extend(absurd.into_iter().take(named));
                return Ok(());
            }
            Err(_) if !line.ends_with(b"\n") && serde_json::from_slice::<IgnoredAny>(line).is_err() => return Ok(()),
            Err(problem) => problem,
        };
        if let Some(unknown) = unknown(line) {
            *self.passed_over.entry(unknown).or_default() += 1;
            return Ok(());
        }
        let (line, version) = (self.lines, &dataset.header.version);
        if version == VERSION {
            return Err(ReadError::Line { line, problem });
        }
        Err(ReadError::Foreign { line, problem, version: version.clone() })
    }

    /// There are no more lines.
    ///
    /// # Errors
    /// When there was not even a header.
    pub fn end(self) -> Result<Read, ReadError> {
        let nothing = || ReadError::NoHeader("the file is empty".to_owned());
        let Self { dataset, passed_over, absurd, more_absurd, .. } = self;
        Ok(Read { dataset: dataset.ok_or_else(nothing)?, passed_over, absurd, more_absurd })
    }
}

/// The header in the first line. The format is checked first.
fn read_header(line: &[u8]) -> Result<Header, ReadError> {
    let line = encoding::text(line).map_err(|problem| ReadError::NoHeader(problem.to_string()))?.as_bytes();
    let first: Version = serde_json::from_slice(line).map_err(|error| ReadError::NoHeader(problem(&error)))?;
    if first.kind != Some(Value::from("run")) {
        return Err(ReadError::NoHeader("the first line is not of kind \"run\"".to_owned()));
    }
    let version = first.version.unwrap_or_else(|| "of another version".to_owned());
    let format = first.format.unwrap_or_default();
    let header = match format.as_u64() {
        Some(1) => format_1::header(line),
        Some(format) if format == u64::from(FORMAT) => serde_json::from_slice(line),
        _ => return Err(ReadError::Format { format: format.to_string(), version }),
    };
    header.map_err(|error| ReadError::Header { problem: problem(&error), version })
}

/// Adds the record in `line` to `dataset`; the first of its samples that no machine gives. The error says what is wrong
/// with it. The line is the file's `number`th.
fn read_record(line: &[u8], dataset: &mut Dataset, number: usize) -> Result<Option<Absurd>, String> {
    let text = encoding::text(line).map_err(|problem| match problem {
        // It is the line's own first line.
        NotText::NotUtf8 { byte, .. } => format!("its byte {byte} is not in UTF-8"),
        NotText::Nul { .. } => "it has a byte 0, which no text has".to_owned(),
        NotText::Utf16 => problem.to_string(),
    })?;
    let line = text.as_bytes();
    let no_record = |error: serde_json::Error| format!("it is not a record ({})", problem_in_line(&error));
    // The kind stands first in what svclab writes, and of a million records nearly all are cells.
    let Kind { kind } = match line.starts_with(br#"{"kind":"cell","#) {
        true => Kind { kind: "cell".into() },
        false => serde_json::from_slice(line).map_err(no_record)?,
    };
    if dataset.end.is_some() {
        return Err("it stands after the end line".to_owned());
    }
    match kind.as_ref() {
        "cell" => {
            let (mut cell, more) = match dataset.header.format {
                1 => format_1::record(line, &dataset.header).map_err(no_record)?,
                _ => serde_json::from_slice::<ShortRecord>(line).map_err(no_record)?.whole(&dataset.header),
            };
            if cell.unit != cell.metric.unit() {
                return Err(format!("{} is in {}, not in {}", cell.metric, cell.metric.unit(), cell.unit));
            }
            let absurd = absurd::sift(&mut cell, more, number);
            dataset.cells.push(cell);
            return Ok(absurd);
        }
        "end" => dataset.end = Some(serde_json::from_slice::<End>(line).map_err(no_record)?),
        "run" => return Err("it is a second header".to_owned()),
        other => return Err(format!("it is not a record (unknown kind {other})", other = quoted(other))),
    }
    Ok(None)
}

/// The unknown kind or metric of `line`, which a newer svclab may have added.
fn unknown(line: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(line).ok()?;
    match value.get("kind")?.as_str()? {
        "cell" => {
            let metric = value.get("metric")?.as_str()?;
            Metric::find(metric).is_err().then(|| format!("metric {metric}", metric = quoted(metric)))
        }
        "run" | "end" => None,
        kind => Some(format!("kind {kind}", kind = quoted(kind))),
    }
}
