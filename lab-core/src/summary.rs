//! A dataset with its rounds aggregated: one row a cell and metric.

use crate::dataset::Dataset;
use crate::metric::Metric;
use crate::vocabulary::{BackendName, Outcome, Position, ProbeName};

/// One cell's metric over all rounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The backend.
    pub backend: BackendName,
    /// Whose rules.
    pub layout: String,
    /// The way changes were applied.
    pub way: String,
    /// The number of Services.
    pub services: u32,
    /// Endpoints a Service.
    pub endpoints: u32,
    /// Which Service was asked.
    pub position: Option<Position>,
    /// The probe.
    pub probe: ProbeName,
    /// `measured` when any round was, else how the cell ended.
    pub outcome: Outcome,
    /// Why it was not measured, or not as often as planned; empty otherwise.
    pub reason: String,
    /// What was measured.
    pub metric: Metric,
    /// The samples' figures; `None` when there are no samples.
    pub figures: Option<Figures>,
}

/// What is said of a row's samples, in the metric's base unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// How many samples.
    pub n: usize,
    /// The smallest.
    pub min: f64,
    /// The median.
    pub p50: f64,
    /// The 90th percentile.
    pub p90: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The largest.
    pub max: f64,
    /// The median absolute deviation from the median.
    pub mad: f64,
    /// The bootstrap 95 % interval of the median; `None` for a single sample.
    pub interval: Option<(f64, f64)>,
    /// The median over rounds of this cell's median against `direct`'s in the same round, size and position.
    pub ratio_to_direct: Option<f64>,
}

/// Aggregates the rounds of `dataset`.
#[must_use]
pub fn summarise(dataset: &Dataset) -> Vec<Row> {
    let _ = dataset;
    Vec::new()
}
