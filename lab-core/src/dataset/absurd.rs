//! Samples that no machine gives: a damaged or edited file has them. They are named by their line and left out, so that
//! nothing behind the reader adds up what overflows.
//!
//! The bounds are far from anything that is measured, not near it: what is odd but possible must be read.

use super::{CellRecord, Splits};
use crate::metric::{Metric, Unit};
use crate::vocabulary::Outcome;
use serde::Deserializer;
use serde::de::{SeqAccess, Visitor};
use std::fmt;

/// The most samples that a line is read with: ten times what the longest round of a scenario takes.
pub(super) const MOST_SAMPLES: usize = 1_000_000;

/// The least that a sample is above zero: less is no share, and nothing else is a fraction.
const LEAST: f64 = 1e-9;

/// The reason of a record of which samples were left out.
pub const LEFT_OUT: &str = "samples that no machine gives were left out";

/// A sample that was left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Absurd {
    /// The number of its line, from 1.
    pub line: usize,
    /// What it is a sample of.
    pub metric: Metric,
    /// The sample.
    pub sample: f64,
    /// How many samples of the line were left out, this one included.
    pub of_line: usize,
}

/// `line 12: connect 1e300 ns; 3 of the line's samples`.
impl fmt::Display for Absurd {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, metric, sample, of_line } = self;
        if bounds(*metric).contains(sample) {
            return write!(out, "line {line}: {metric}: {of_line} samples more than a round has");
        }
        write!(out, "line {line}: {metric} {sample:e}")?;
        match metric.unit() {
            Unit::Count => Ok(()),
            unit => write!(out, " {unit}"),
        }?;
        if *of_line > 1 { write!(out, " and {} more of the line", of_line - 1) } else { Ok(()) }
    }
}

/// What a metric may be.
struct Bounds {
    low: f64,
    high: f64,
}

impl Bounds {
    fn contains(&self, sample: &f64) -> bool {
        (self.low..=self.high).contains(sample) && (*sample == 0.0 || sample.abs() >= LEAST)
    }
}

fn bounds(metric: Metric) -> Bounds {
    let high = match metric.unit() {
        // Twelve days; a cell may take one, or a tenth of that in instructions.
        Unit::Ns => 1e15,
        // A pebibyte; a petabit a second.
        Unit::Bytes | Unit::BitsPerSecond => 1e15,
        Unit::Count | Unit::PerSecond => 1e10,
        Unit::Share => 1e5,
    };
    // What starts a process or sends a packet takes some time. Parts of a sync may take none, nor a tool's share of ticks.
    let takes_time = [
        Metric::SyncFull,
        Metric::SyncChange,
        Metric::EndpointChange,
        Metric::RemoveService,
        Metric::AppendRule,
        Metric::Reload,
        Metric::ToolExec,
        Metric::Connect,
        Metric::FirstByte,
    ];
    let low = match metric {
        // It is what is free before less what is free after: other memory may be given back in between.
        Metric::KernelMemory | Metric::FailureMemory | Metric::BindMemory => -high,
        metric if takes_time.contains(&metric) => LEAST,
        _ => 0.0,
    };
    Bounds { low, high }
}

/// Leaves out of `record`, from `line`, what no machine gives; `more` is how many samples were not even kept.
///
/// A record whose samples were all left out is skipped, for that reason: other rounds of the cell count.
pub(super) fn sift(record: &mut CellRecord, more: usize, line: usize) -> Option<Absurd> {
    let metric = record.metric;
    let bounds = bounds(metric);
    let first = record.samples.iter().copied().find(|sample| !bounds.contains(sample));
    let all = record.samples.len();
    record.samples.retain(|sample| bounds.contains(sample));
    let of_line = all - record.samples.len() + more;
    // Parts that no sample goes with, or not the one that they were read for.
    if of_line > 0 || record.split.0.len() != record.samples.len() {
        record.split = Splits::default();
    }
    if of_line == 0 {
        return None;
    }
    if record.outcome == Outcome::Measured && record.samples.is_empty() {
        record.outcome = Outcome::Skipped;
    }
    record.reason =
        [record.reason.as_str(), LEFT_OUT].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
    let sample = first.or(record.samples.last().copied()).unwrap_or_default();
    Some(Absurd { line, metric, sample, of_line })
}

/// Samples as they are read: the first [`MOST_SAMPLES`], and how many more there were.
#[derive(Debug, Default)]
pub(super) struct Samples {
    pub(super) kept: Vec<f64>,
    pub(super) more: usize,
}

/// Reads samples without keeping more than [`MOST_SAMPLES`].
///
/// # Errors
/// When it is no list of numbers.
pub(super) fn read_samples<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Samples, D::Error> {
    struct List;
    impl<'de> Visitor<'de> for List {
        type Value = Samples;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("a list of numbers")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Samples, A::Error> {
            let mut samples = Samples::default();
            while let Some(sample) = list.next_element()? {
                if samples.kept.len() < MOST_SAMPLES { samples.kept.push(sample) } else { samples.more += 1 }
            }
            Ok(samples)
        }
    }
    deserializer.deserialize_seq(List)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Word;

    #[test]
    fn what_is_measured_is_within_every_bound() {
        for &metric in Metric::ALL {
            let usual = match metric.unit() {
                Unit::Ns => vec![1.0, 3e4, 1e9, 8.64e13, 1e14],
                Unit::Bytes => vec![0.0, 4096.0, 1e12],
                Unit::BitsPerSecond => vec![0.0, 1e3, 1e12],
                Unit::PerSecond => vec![0.0, 0.5, 1e7],
                Unit::Count => vec![0.0, 1.0, 5e7],
                Unit::Share => vec![0.0, 1e-7, 0.5, 4096.0],
            };
            assert!(usual.iter().all(|sample| bounds(metric).contains(sample)), "{metric}");
            let difference = matches!(metric, Metric::KernelMemory | Metric::FailureMemory | Metric::BindMemory);
            assert_eq!(bounds(metric).contains(&-1.0), difference, "{metric}");
            for sample in [-1e308, 1e300, f64::INFINITY, f64::NAN, 1e-300] {
                assert!(!bounds(metric).contains(&sample), "{metric} {sample}");
            }
        }
    }
}
