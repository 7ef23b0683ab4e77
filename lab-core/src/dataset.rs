//! A run's record: a JSONL file with a header, a line a cell, metric and round, and an end line.
//!
//! A file without its end line is a valid, shorter dataset. The format is versioned: see [`FORMAT`].

use crate::metric::{Metric, Unit};
use crate::plan::Plan;
use crate::vocabulary::{BackendName, Clock, Outcome, Position, ProbeName, TargetName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the format that this program writes.
pub const FORMAT: u32 = 1;

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
    /// The version of the format: [`FORMAT`] when written.
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
    /// The versions of the tools that were called, by name.
    pub tools: BTreeMap<String, String>,
    /// When the run began.
    pub start: Timestamp,
}

/// What one cell gave in one round, for one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellRecord {
    /// The scenario's name.
    pub scenario: String,
    /// Where it ran.
    pub target: TargetName,
    /// The backend.
    pub backend: BackendName,
    /// Whose rules: `kube-proxy-1.30`; `none` for `direct`.
    pub layout: String,
    /// The way changes were applied: `partial`, as kube-proxy does them; `none` for `direct`.
    pub way: String,
    /// The number of Services.
    pub services: u32,
    /// Endpoints a Service.
    pub endpoints: u32,
    /// Which Service was asked.
    pub position: Option<Position>,
    /// The probe.
    pub probe: ProbeName,
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
    pub samples: Vec<f64>,
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
    /// How many cells ended how; a cell counts once, by its worst round that is not `measured`, or as `measured`.
    pub cells: BTreeMap<Outcome, u32>,
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
