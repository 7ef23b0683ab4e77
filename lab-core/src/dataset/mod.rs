//! A run's dataset: a JSONL file with a header, one line for each cell, metric and round, and an end line.
//!
//! A file without its end line is a valid, shorter dataset. [`FORMAT`] is the version of the format; older ones are
//! read.

mod absurd;
pub(crate) mod format_1;
mod machines;
mod reading;
mod short;
mod split;
mod unmet;

pub use absurd::{Absurd, LEFT_OUT};
pub use machines::Busy;
pub use reading::{NAMED, Read, ReadError, Reading};
pub use split::{Split, Splits};
pub use unmet::{NO_ENDPOINT, Unmet, unmet};

use crate::cell::{Cell, Interned};
use crate::metric::{Metric, Unit};
use crate::plan::{Plan, Visit};
use crate::shard::{Part, Shard};
use crate::vocabulary::{BackendName, Clock, Outcome, TargetName, Word};
use jiff::Timestamp;
use serde::ser::{SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The version of the format that this program writes.
pub const FORMAT: u32 = 2;

/// One line of `run.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Record {
    /// The first line.
    Run(Box<Header>),
    /// What one cell gave in one round, for one metric.
    Cell(CellRecord),
    /// The last line.
    End(End),
}

/// What ran, where, with what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The format that it was read in. What is written is always of [`FORMAT`].
    #[serde(serialize_with = "write_format")]
    pub format: u32,
    /// The run's name, unique on a machine.
    pub id: String,
    /// svclab's version.
    pub version: String,
    /// The revision svclab was built from; empty when it is not known.
    pub revision: String,
    /// The command line, as it was typed.
    pub command: Vec<String>,
    /// The scenario's YAML text.
    pub scenario: String,
    /// The question the scenario asks.
    pub question: String,
    /// Every cell that was to run.
    pub plan: Plan,
    /// The clock of every duration.
    pub clock: Clock,
    /// The machine: kernel, processor, memory and the like, by name.
    pub host: BTreeMap<String, String>,
    /// The guests, in the `vm` and `exact` targets: kernel, its package and checksum, memory, QEMU, by name. Where several
    /// kernels are compared, also the facts of each: see [`kernel_fact`](Self::kernel_fact).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub guest: BTreeMap<String, String>,
    /// The versions of the tools that were called, by name. Where they are not the machine's, also `tools_name`,
    /// `tools_packages` and `tools_sha256`: where they are from.
    pub tools: BTreeMap<String, String>,
    /// The ids of the published figures that stand beside the measured ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// Which part of the plan this is, where it is not the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// The runs that it was merged from, if it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<Merged>,
    /// Present in a baseline's file: see `analysis::gate::condense`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// When the run began.
    pub start: Timestamp,
}

impl Header {
    /// A header for a run of `plan`, for examples and tests.
    #[must_use]
    pub fn example(plan: Plan) -> Self {
        let clock = if plan.target.is_exact() { Clock::Instructions } else { Clock::Wall };
        Self {
            format: FORMAT,
            id: "test".to_owned(),
            version: "0.1.0".to_owned(),
            revision: String::new(),
            command: vec!["svclab".to_owned()],
            scenario: String::new(),
            question: String::new(),
            plan,
            clock,
            host: BTreeMap::new(),
            guest: BTreeMap::new(),
            tools: BTreeMap::new(),
            references: Vec::new(),
            part: None,
            merged: Vec::new(),
            baseline: None,
            start: Timestamp::UNIX_EPOCH,
        }
    }
}

/// One of the runs that a dataset was merged from: what is not the same for all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// Its id.
    pub id: String,
    /// Which shard it was; `None` for the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// The machine, as in a header.
    pub host: BTreeMap<String, String>,
    /// When it began.
    pub start: Timestamp,
    /// When it ended; `None` where it broke off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
}

/// Why a run is a baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// Why it replaced the previous one.
    pub reason: String,
    /// When it did.
    pub updated: Timestamp,
}

/// What one cell gave in one round, for one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellRecord {
    /// The scenario's name.
    pub scenario: String,
    /// Where it ran.
    pub target: TargetName,
    /// The point of the plan it was taken at.
    pub cell: Cell,
    /// The round, from 0.
    pub round: u32,
    /// The replica, from 0; on wall clocks there is only one.
    pub replica: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it is not `measured`, or why it was measured less often than planned; empty otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What the samples are of.
    pub metric: Metric,
    /// The samples' unit.
    pub unit: Unit,
    /// The raw samples, in the order in which they were taken.
    ///
    /// Whole numbers are written as integers; NaN and infinite numbers are left out.
    #[serde(serialize_with = "write_samples")]
    pub samples: Vec<f64>,
    /// Where the samples' time went; empty where that is not counted.
    #[serde(default, skip_serializing_if = "Splits::is_empty")]
    pub split: Splits,
}

/// How the run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// When.
    pub end: Timestamp,
    /// svclab's own largest resident memory, in bytes.
    pub peak_rss: u64,
    /// Whether it was interrupted before the plan was through.
    pub interrupted: bool,
    /// How many cells ended how: `failed` if any round failed, else `measured` if any was.
    pub cells: BTreeMap<Outcome, u32>,
    /// How long each guest took from its start to its first cell, in nanoseconds of real time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub boots: Vec<u64>,
}

impl End {
    /// The end of a run that was through, for examples and tests.
    #[must_use]
    pub fn example() -> Self {
        Self { end: Timestamp::UNIX_EPOCH, peak_rss: 1, interrupted: false, cells: BTreeMap::new(), boots: Vec::new() }
    }
}

/// A run as it was read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// What ran.
    pub header: Header,
    /// Every line in between, in order.
    pub cells: Vec<CellRecord>,
    /// How it ended; `None` when the file was cut off.
    pub end: Option<End>,
}

impl CellRecord {
    /// The visit that it is of.
    #[must_use]
    pub fn visit(&self) -> Visit {
        Visit { round: self.round, replica: self.replica, cell: self.cell }
    }

    /// The record as a line of the file, its newline included.
    ///
    /// # Panics
    /// Never: its keys are strings.
    #[must_use]
    pub fn line(&self) -> String {
        #[derive(Serialize)]
        #[serde(tag = "kind", rename_all = "lowercase")]
        enum Line<'a> {
            Cell(&'a CellRecord),
        }
        let mut line = serde_json::to_string(&Line::Cell(self)).expect("a record has string keys and no failing parts");
        line.push('\n');
        line
    }
}

impl Record {
    /// The record as a line of the file, its newline included.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = serde_json::to_string(self).expect("a record has string keys and no failing parts");
        line.push('\n');
        line
    }
}

impl Dataset {
    /// The text of a [baseline](Header::baseline): its lines leave out what the header says.
    #[must_use]
    pub fn short(&self) -> String {
        let mut text = Record::Run(Box::new(self.header.clone())).line();
        for record in &self.cells {
            text.push_str(&short::ShortRecord::of(record, &self.header).line());
        }
        if let Some(end) = &self.end {
            text.push_str(&Record::End(end.clone()).line());
        }
        text
    }
}

impl Dataset {
    /// What an old format does not say, and had to be assumed; `None` if nothing was.
    ///
    /// Format 1 names the layout in records only, not in the plan.
    #[must_use]
    pub fn assumed(&self) -> Option<String> {
        let recorded: BTreeSet<BackendName> = self.cells.iter().map(|record| record.cell.variant.backend).collect();
        let planned = self.header.plan.cells.iter().map(|cell| cell.variant.backend);
        let told = |backend: &BackendName| *backend == BackendName::Direct || recorded.contains(backend);
        let assumed: BTreeSet<BackendName> = planned.filter(|backend| !told(backend)).collect();
        let names: Vec<&str> = assumed.iter().map(|backend| backend.name()).collect();
        (self.header.format == 1 && !names.is_empty()).then(|| {
            format!(
                "format 1 does not say the layout of cells without a record; that of {} is assumed",
                names.join(", ")
            )
        })
    }
}

impl Header {
    /// The cells that were to run: those of the plan, or of its part.
    pub fn cells(&self) -> impl Iterator<Item = Cell> {
        let all = &self.plan.cells;
        let part = self.part.as_ref().map(|part| part.cells.iter().filter_map(|&place| all.get(place)).copied());
        let whole = if part.is_none() { &all[..] } else { &[] };
        whole.iter().copied().chain(part.into_iter().flatten())
    }

    /// The kernel that the run's numbers are of: the guests', where there are guests, and all of them where several are
    /// compared; `None` when it is not known.
    #[must_use]
    pub fn kernel(&self) -> Option<&str> {
        let facts = if self.plan.target == TargetName::Host { &self.host } else { &self.guest };
        facts.get("kernel").map(String::as_str)
    }

    /// The kernel that the numbers of `cell` are of; `None` when it is not known.
    #[must_use]
    pub fn kernel_of(&self, cell: &Cell) -> Option<&str> {
        let Some(kernel) = cell.variant.kernel else { return self.kernel() };
        self.guest.get(&Self::kernel_fact("kernel", kernel)).map(String::as_str)
    }

    /// What the fact `name` of the kernel called `kernel` is called among the guests', where several kernels are compared.
    #[must_use]
    pub fn kernel_fact(name: &str, kernel: Interned) -> String {
        format!("{name} of {}", kernel.as_str())
    }
}

/// Writes [`FORMAT`], whatever format the header was read in.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn write_format<S: Serializer>(_: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u32(FORMAT)
}

/// Writes whole numbers without a fraction if that is exact. Leaves out infinite numbers and NaN: JSON has no words for
/// them.
fn write_samples<S: Serializer>(samples: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    let mut sequence = serializer.serialize_seq(None)?;
    for &sample in samples.iter().filter(|sample| sample.is_finite()) {
        if sample.fract() == 0.0 && sample.abs() <= EXACT {
            #[allow(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
            sequence.serialize_element(&(sample as i64))?;
        } else {
            sequence.serialize_element(&sample)?;
        }
    }
    sequence.end()
}

#[cfg(test)]
mod tests;
