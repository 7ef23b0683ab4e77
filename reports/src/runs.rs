//! The runs that a report is on: one or several, all on one clock, each with what tells it apart.

use lab_core::dataset::{Dataset, Header};
use lab_core::vocabulary::{Clock, Word};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// At least one run, all on one clock, none of them twice.
#[derive(Debug, Clone, PartialEq)]
pub struct Runs {
    datasets: Vec<Dataset>,
    labels: Vec<String>,
}

/// Why runs cannot stand in one report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unlike {
    /// There is none.
    #[error("there is no run to report on; name the folder of one, or its run.jsonl")]
    NoRun,
    /// A run was given more than once.
    #[error("the run {0} was given twice; name it once")]
    Twice(String),
    /// A count of instructions stands beside no time, and an emulated time beside no real one.
    #[error("the runs are on different clocks: {}; report those of each clock apart", shown(.0))]
    Clocks(BTreeMap<&'static str, Vec<String>>),
}

/// `wall: one, another; instructions: a third`.
fn shown(clocks: &BTreeMap<&'static str, Vec<String>>) -> String {
    clocks.iter().map(|(clock, ids)| format!("{clock}: {}", ids.join(", "))).collect::<Vec<_>>().join("; ")
}

impl Runs {
    /// `datasets`, in their order.
    ///
    /// # Errors
    /// When there is none, one is there twice, or they are on different clocks.
    pub fn of(datasets: Vec<Dataset>) -> Result<Self, Unlike> {
        let mut ids = HashSet::new();
        let mut clocks: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        for Dataset { header, .. } in &datasets {
            if !ids.insert(&header.id) {
                return Err(Unlike::Twice(header.id.clone()));
            }
            clocks.entry(header.clock.name()).or_default().push(header.id.clone());
        }
        match clocks.len() {
            0 => Err(Unlike::NoRun),
            1 => Ok(Self { labels: labels(&datasets), datasets }),
            _ => Err(Unlike::Clocks(clocks)),
        }
    }

    /// The runs; at least one.
    #[must_use]
    pub fn datasets(&self) -> &[Dataset] {
        &self.datasets
    }

    /// What each run is called beside the others, in their order: what tells them apart.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The clock of every duration.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.datasets[0].header.clock
    }
}

impl From<Dataset> for Runs {
    fn from(dataset: Dataset) -> Self {
        Self { labels: labels(std::slice::from_ref(&dataset)), datasets: vec![dataset] }
    }
}

/// What runs may differ in, what tells most first.
const TRAITS: [fn(&Header) -> String; 5] = [
    |header| header.kernel().unwrap_or("kernel not known").to_owned(),
    |header| header.plan.target.to_string(),
    |header| header.host.get("cpu").cloned().unwrap_or_else(|| "cpu not known".to_owned()),
    |header| match header.revision.as_str() {
        "" => format!("svclab {}", header.version),
        revision => format!("svclab {} ({revision})", header.version),
    },
    |header| header.plan.scenario.clone(),
];

/// `labels` without the end that all of them have: of `6.1.0-56-amd64` and `6.12.5-amd64`, what comes before `-amd64`.
fn shortened(mut labels: Vec<String>) -> Vec<String> {
    while let Some(end) = labels.first().and_then(|label| Some(label[label.rfind('-')?..].to_owned()))
        && labels.len() > 1
        && labels.iter().all(|label| label.len() > end.len() && label.ends_with(&end))
    {
        labels.iter_mut().for_each(|label| label.truncate(label.len() - end.len()));
    }
    labels
}

/// What tells each run from the others: the first trait in which all differ, else as many as it takes, else the id.
fn labels(datasets: &[Dataset]) -> Vec<String> {
    let of = |of: fn(&Header) -> String| datasets.iter().map(|dataset| of(&dataset.header)).collect::<Vec<_>>();
    let distinct = |labels: &[String]| labels.iter().collect::<BTreeSet<_>>().len();
    let traits: Vec<Vec<String>> = TRAITS.iter().map(|of_header| of(*of_header)).collect();
    if let Some(alone) = traits.iter().find(|labels| distinct(labels) == datasets.len()) {
        return shortened(alone.clone());
    }
    let mut together: Vec<String> = vec![String::new(); datasets.len()];
    for labels in traits.iter().filter(|labels| distinct(labels) > 1) {
        for (label, more) in together.iter_mut().zip(labels) {
            *label = if label.is_empty() { more.clone() } else { format!("{label}, {more}") };
        }
        if distinct(&together) == datasets.len() {
            return together;
        }
    }
    of(|header| header.id.clone())
}
