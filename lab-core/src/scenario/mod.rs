//! A scenario: a question and the axes to answer it over, read from YAML.
//!
//! Every key is documented in `scenarios/README.md`. Reading reports every problem, not only the first.

mod activity;
mod guests;
mod mix;
mod proxy;
mod reader;
mod unused;

pub use crate::document::Problems;
pub use guests::Guests;
pub use mix::choose_mix;
pub use unused::Unused;

use crate::axes::Axes;
use crate::cell::Cell;
use crate::cluster::{Base, Shape};
use crate::document::Reader;
use crate::foreign::quoted;
use crate::plan::Plan;
use crate::proxy_config::ProxyConfig;
use crate::vocabulary::{BackendName, ProbeName, TargetName};
use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

/// The most endpoints a Service may have.
pub const MOST_ENDPOINTS: u32 = 100_000;
/// Sensible numbers of rounds.
pub const ROUNDS: RangeInclusive<u32> = 1..=1000;
/// Sensible numbers of connections that `connect` opens in a round.
pub const DIALS: RangeInclusive<u32> = 1..=100_000;
/// Sensible times for one cell.
pub const BUDGET: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(24 * 3600);
/// Sensible times for traffic to flow in a round.
pub const TRAFFIC: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(60);

/// Sensible numbers of replicas.
pub const REPLICAS: RangeInclusive<u32> = 1..=100;
/// Sensible numbers of instructions for one cell.
pub const INSTRUCTIONS: RangeInclusive<u64> = 1_000_000_000..=100_000_000_000_000;
/// Sensible times for endpoints to keep changing in a round.
pub const CHURN: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(600);
/// Sensible numbers of connections that are opened in a second.
pub const RATE: RangeInclusive<u32> = 1..=10_000;
/// Sensible times for session affinity: the API's limits.
pub const AFFINITY: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(86_400);
/// Sensible sizes of a guest's memory, in MiB.
pub const MEMORY: RangeInclusive<u32> = 512..=1_048_576;

/// What a scenario's YAML says, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// The question it answers, in a sentence.
    pub question: String,
    /// What a reader should know about the answer, in prose.
    pub about: String,
    /// Where it runs; `None` leaves it to the program.
    pub target: Option<TargetName>,
    /// What guests are made of, besides the kernels that are compared.
    pub guests: Guests,
    /// The backends without which the run fails.
    pub require: Vec<BackendName>,
    /// The axes, without what the parts say.
    pub axes: Axes,
    /// The files of the cluster whose Services are repeated; empty for none. Relative to the scenario's own file.
    pub cluster: Vec<String>,
    /// What is asked at which sizes; at least one. Without sizes it is the cluster's own.
    pub parts: Vec<Part>,
    /// Passes over all cells, on a wall clock.
    pub rounds: u32,
    /// Guests that each cell is measured in, each with its own entropy, in the `exact` target.
    pub replicas: u32,
    /// Time that one cell may take over all rounds, on a wall clock.
    pub budget: Duration,
    /// Instructions that one cell may take in the `exact` target.
    pub instructions: u64,
    /// Connections that `connect` opens in a round.
    pub dials: u32,
    /// How long `bandwidth`, `connections_per_second` and `open_loop` send in a round.
    pub traffic: Duration,
    /// How long `churn` goes on in a round.
    pub churn: Duration,
    /// Connections that `open_loop` opens in a second.
    pub rate: u32,
    /// Session affinity of every Service: for how long a client stays with its endpoint.
    pub affinity: Option<Duration>,
    /// kube-proxy's settings.
    pub proxy: ProxyConfig,
    /// Memory of each guest, in MiB.
    pub memory: u32,
    /// Ids of the published figures that reports put beside the measured ones.
    pub references: Vec<String>,
    /// The YAML it was read from.
    pub text: String,
}

/// Some of a scenario's cells: probes, and the sizes they are asked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The numbers of Services.
    pub services: Vec<u32>,
    /// What is asked.
    pub probes: Vec<ProbeName>,
}

impl Scenario {
    /// Reads the YAML `text` of `file`, a name for messages.
    ///
    /// # Errors
    /// Every problem found, each with its line.
    pub fn read(file: &str, text: &str) -> Result<Self, Problems> {
        Reader::read(file, text, |reader, node| reader.scenario(node, text))
    }

    /// The same scenario with the Services of `base`, in its own size where no other was given.
    #[must_use]
    pub fn with_base(mut self, base: Arc<Base>) -> Self {
        for part in self.parts.iter_mut().filter(|part| part.services.is_empty()) {
            part.services.push(base.count());
        }
        self.axes.base = Some(base);
        self
    }

    /// The described mix that `plan`'s clusters are of, made again; `None` if they are of none.
    #[must_use]
    pub fn described(&self, plan: &Plan) -> Option<Base> {
        let realistic = || Shape::realistic().base(Shape::REALISTIC);
        let is_used = |base: &Base| plan.cells.iter().any(|cell| cell.cluster.source == base.source);
        let described = self.axes.base.as_deref().cloned().filter(is_used);
        described.or_else(|| Some(realistic()).filter(is_used))
    }

    /// The plan of a run on `target` with `seed`.
    #[must_use]
    pub fn plan(&self, target: TargetName, seed: u64) -> Plan {
        let exact = target.is_exact();
        Plan {
            scenario: self.name.clone(),
            target,
            require: self.require.clone(),
            seed,
            rounds: if exact { 1 } else { self.rounds },
            replicas: if exact { self.replicas } else { 1 },
            budget: if exact { Duration::from_nanos(self.instructions) } else { self.budget },
            dials: self.dials,
            traffic: self.traffic,
            churn: self.churn,
            rate: self.rate,
            persistence: self.affinity,
            proxy: self.proxy.clone(),
            kube_proxies: self.axes.kube_proxies.clone(),
            memory: self.memory,
            base: self.axes.base.clone(),
            cells: self.cells(),
            slowdowns: Vec::new(),
        }
    }

    /// The cells of all parts, each once.
    fn cells(&self) -> Vec<Cell> {
        let mut seen = HashSet::new();
        let part = |Part { services, probes }: &Part| {
            Axes { services: services.clone(), probes: probes.clone(), ..self.axes.clone() }.expand()
        };
        self.parts.iter().flat_map(part).filter(|&cell| seen.insert(cell)).collect()
    }
}

/// Reads a duration as people write it: `90s`, `2m`, `1m 30s`, `500ms`.
///
/// # Errors
/// When it is not one, or is negative.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("found {text}; a time has a unit, such as 90s, 2m or 500ms", text = quoted(text));
    let signed: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(signed).map_err(|_| wrong())
}

/// Reads a number of instructions as people write it: `60G`, `500M`, `2000000000`.
///
/// # Errors
/// When it is not one.
pub fn parse_instructions(text: &str) -> Result<u64, String> {
    let wrong = || {
        format!(
            "found {text}; a number of instructions is a whole number, with G for billions or M for millions",
            text = quoted(text)
        )
    };
    let (number, factor) = match text.trim() {
        text if text.ends_with('G') => (&text[..text.len() - 1], 1_000_000_000),
        text if text.ends_with('M') => (&text[..text.len() - 1], 1_000_000),
        text => (text, 1),
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).ok_or_else(wrong)
}

#[cfg(test)]
mod mix_tests;
#[cfg(test)]
mod tests;
