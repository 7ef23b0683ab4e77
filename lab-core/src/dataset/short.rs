//! A cell's line in a baseline: it leaves out what the header says, and default values.

use super::absurd::{Samples, read_samples};
use super::{CellRecord, Header, Splits, write_samples};
use crate::cell::Cell;
use crate::metric::{Metric, Unit};
use crate::vocabulary::{Outcome, TargetName};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

/// [`CellRecord`] with optional fields.
#[derive(Serialize, Deserialize)]
pub(super) struct ShortRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scenario: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<TargetName>,
    cell: Cell,
    #[serde(default, skip_serializing_if = "is_zero")]
    round: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    replica: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
    metric: Metric,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<Unit>,
    #[serde(serialize_with = "write_kept", deserialize_with = "read_samples")]
    samples: Samples,
    #[serde(default, skip_serializing_if = "Splits::is_empty")]
    split: Splits,
}

fn write_kept<S: Serializer>(samples: &Samples, serializer: S) -> Result<S::Ok, S::Error> {
    write_samples(&samples.kept, serializer)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl ShortRecord {
    /// `record` without what `header` says.
    pub(super) fn of(record: &CellRecord, header: &Header) -> Self {
        let CellRecord { cell, round, replica, outcome, metric, unit, target, .. } = *record;
        Self {
            scenario: Some(record.scenario.clone()).filter(|scenario| *scenario != header.plan.scenario),
            target: Some(target).filter(|target| *target != header.plan.target),
            cell,
            round,
            replica,
            outcome: Some(outcome).filter(|outcome| *outcome != Outcome::Measured),
            reason: record.reason.clone(),
            metric,
            unit: Some(unit).filter(|unit| *unit != metric.unit()),
            samples: Samples { kept: record.samples.clone(), more: 0 },
            split: record.split.clone(),
        }
    }

    /// The whole record, completed from `header`, and how many of its samples were too many.
    pub(super) fn whole(self, header: &Header) -> (CellRecord, usize) {
        let Self { cell, round, replica, reason, metric, samples, split, .. } = self;
        let record = CellRecord {
            scenario: self.scenario.unwrap_or_else(|| header.plan.scenario.clone()),
            target: self.target.unwrap_or(header.plan.target),
            cell,
            round,
            replica,
            outcome: self.outcome.unwrap_or(Outcome::Measured),
            reason,
            metric,
            unit: self.unit.unwrap_or(metric.unit()),
            samples: samples.kept,
            split,
        };
        (record, samples.more)
    }

    /// The record as a line of the file, its newline included.
    pub(super) fn line(&self) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            kind: &'static str,
            #[serde(flatten)]
            record: &'a ShortRecord,
        }
        let line = Line { kind: "cell", record: self };
        let mut line = serde_json::to_string(&line).expect("a record has string keys and no failing parts");
        line.push('\n');
        line
    }
}
