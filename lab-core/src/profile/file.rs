//! A profile's file, `profile.jsonl`: a header, then one line for each cell and metric. Format 1 is read, too; its cells
//! are those of datasets of format 1.
//!
//! ```text
//! {"kind":"profile","format":2,"run":"smoke-20261121T210000000Z"}
//! {"kind":"functions","cell":{…},"replica":0,"metric":"sync_full","instructions":{"kernel":{"clear_page_rep":512},…}}
//! ```

use super::{Entry, Profile, Written};
use crate::cell::Cell;
use crate::dataset::format_1;
use crate::json::problem_in_line;
use crate::metric::Metric;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::error::Category;

/// The version of the format that this program writes.
pub const FORMAT: u32 = 2;

/// Why a text is not a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There is no first line that could be a header.
    #[error("line 1: the header is missing: this is no profile.jsonl")]
    NoHeader,
    /// Another version of the format.
    #[error(
        "line 1: the profile's format is {0}, this svclab reads 1 to {FORMAT}; read it with the svclab that wrote it"
    )]
    Format(String),
    /// A line that cannot be read.
    #[error("line {line}: {problem}; the file was damaged or edited: delete the line to read the rest")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line {
    Profile { format: u32, run: String },
    Functions { cell: Cell, replica: u32, metric: Metric, instructions: Written },
}

impl Line {
    fn text(&self) -> String {
        let mut text = serde_json::to_string(self).expect("a line has string keys and no failing parts");
        text.push('\n');
        text
    }
}

impl Entry {
    /// Its line of the file.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { cell, replica, metric, instructions } = self;
        Line::Functions { cell: *cell, replica: *replica, metric: *metric, instructions: instructions.into() }.text()
    }
}

impl Profile {
    /// The first line of the file of a run's profile.
    #[must_use]
    pub fn header(run: &str) -> String {
        Line::Profile { format: FORMAT, run: run.to_owned() }.text()
    }

    /// The whole file.
    #[must_use]
    pub fn text(&self) -> String {
        std::iter::once(Self::header(&self.run)).chain(self.entries.iter().map(Entry::line)).collect()
    }

    /// Reads the text of a `profile.jsonl`. A last line that was cut off is left out.
    ///
    /// # Errors
    /// When the header is missing or of an unknown format, or another line cannot be read.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        let mut lines = text.lines().enumerate();
        let header: Value = lines
            .next()
            .and_then(|(_, line)| serde_json::from_str(line).ok())
            .filter(|header: &Value| header["kind"] == "profile")
            .ok_or(ReadError::NoHeader)?;
        let is_old = header["format"] == 1;
        if !is_old && header["format"] != FORMAT {
            return Err(ReadError::Format(header["format"].to_string()));
        }
        let mut profile = Self { run: header["run"].as_str().unwrap_or_default().to_owned(), entries: Vec::new() };
        for (place, line) in lines {
            let problem = match read_line(line, is_old) {
                Ok(Line::Functions { instructions, .. }) if !instructions.can_be() => {
                    "it has more instructions than a machine makes".to_owned()
                }
                Ok(Line::Functions { cell, replica, metric, instructions }) => {
                    profile.entries.push(Entry { cell, replica, metric, instructions: instructions.into() });
                    continue;
                }
                Ok(Line::Profile { .. }) => "it is a second header".to_owned(),
                Err(error) if error.classify() == Category::Eof && !text.ends_with('\n') => continue,
                Err(error) => format!("it is not of a profile ({})", problem_in_line(&error)),
            };
            return Err(ReadError::Line { line: place + 1, problem });
        }
        Ok(profile)
    }
}

fn read_line(line: &str, is_old: bool) -> serde_json::Result<Line> {
    if !is_old {
        return serde_json::from_str(line);
    }
    let mut value: Value = serde_json::from_str(line)?;
    if let Some(cell) = value.get_mut("cell") {
        *cell = serde_json::to_value(format_1::cell(cell.take())?)?;
    }
    serde_json::from_value(value)
}
