//! Published figures, each with its source, and the measured figures that correspond to them.
//!
//! Published times are always on a wall clock.

mod beside;
pub mod upstream;
mod written;

use crate::metric::Metric;
use crate::vocabulary::{BackendName, Clock, Position, ProbeName, Quantile};
use std::sync::LazyLock;

/// The clock of every published time.
pub const CLOCK: Clock = Clock::Wall;

/// The figures of `data/published.yaml`, with the pairs of `data/measured-beside.yaml`.
static PUBLISHED: LazyLock<Vec<Reference>> = LazyLock::new(|| {
    let read = written::read(include_str!("../../data/published.yaml"))
        .and_then(|references| beside::read(include_str!("../../data/measured-beside.yaml"), references));
    read.unwrap_or_else(|problems| panic!("the files are part of the program: {}", problems.join("; ")))
});

/// One published table or chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// The name scenarios call it by.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// Who published it, where and when.
    pub source: String,
    /// What a reader must know of it.
    pub note: Option<String>,
    /// The error of reading a chart; `None` for printed figures.
    pub read_off_chart: Option<String>,
    /// The numbers of Services, ascending; a value of each series belongs to each.
    pub services: Vec<u32>,
    /// Endpoints behind each Service, where published.
    pub endpoints: Option<u32>,
    /// Rules at each number of Services, where published.
    pub rules: Vec<u64>,
    /// What was published, in the order of the names.
    pub series: Vec<Series>,
    /// What is measured beside it.
    pub pairs: Vec<Pair>,
}

/// One published column or curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The key in the file, with the percentile where there are several: `iptables_us p50`.
    pub key: String,
    /// The key without its unit: `iptables p50`.
    pub name: String,
    /// The unit, spelled out; empty where it was not published.
    pub unit: &'static str,
    /// A value for each of the reference's numbers of Services.
    pub values: Vec<Value>,
}

/// What was published at one number of Services.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A number, in the series' unit.
    Number(f64),
    /// From one number to another.
    Range(f64, f64),
    /// The node ran out of memory.
    OutOfMemory,
    /// Nothing.
    Absent,
}

/// A published series and the measured figures that correspond to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The [key](Series::key) of the series; `None` where no number was published.
    pub published: Option<String>,
    /// The measured figures, the nearest first.
    pub measured: Vec<Measured>,
    /// Why they correspond, and how far.
    pub because: Option<String>,
}

/// A measured figure, of every variant of its backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// The backend.
    pub backend: BackendName,
    /// What is measured.
    pub metric: Metric,
    /// The probe it is taken with.
    pub probe: ProbeName,
    /// Which Service is asked; `None` where the probe asks no single one.
    pub position: Option<Position>,
    /// Which quantile of the samples.
    pub quantile: Quantile,
}

impl Reference {
    /// The series with the key `key`.
    #[must_use]
    pub fn series(&self, key: &str) -> Option<&Series> {
        self.series.iter().find(|series| series.key == key)
    }

    /// What `series` has at `services`.
    #[must_use]
    pub fn value(&self, series: &Series, services: u32) -> Value {
        let at = self.services.iter().position(|&size| size == services);
        at.map_or(Value::Absent, |index| series.values[index])
    }
}

/// Every published table and chart that the lab knows.
#[must_use]
pub fn all() -> &'static [Reference] {
    &PUBLISHED
}

/// The one with the id `id`.
#[must_use]
pub fn find(id: &str) -> Option<&'static Reference> {
    all().iter().find(|reference| reference.id == id)
}

#[cfg(test)]
mod tests;
