//! What a gate lets pass: tolerances, what gates at all, and what becomes of what cannot be told.

mod reader;
mod written;

use super::difference::{Aspect, Bearing, Difference};
use lab_core::cell::Cell;
use lab_core::metric::{Better, Metric};
use lab_core::vocabulary::{BackendName, Clock, ProbeName, words};
use std::collections::BTreeSet;

/// What a gate lets pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// By how much an exact number may be worse, as a share: 0.005 is half a percent.
    pub tolerance: f64,
    /// By how much a timed one must be worse to matter, as a share.
    pub minimum_effect: f64,
    /// What timed runs of the same thing differ by that their own rounds do not show, as a share.
    pub noise: f64,
    /// Rounds in which suspicious cells are run again, on a wall clock.
    pub reruns: u32,
    /// What becomes of what cannot be told.
    pub inconclusive: Consequence,
    /// What becomes of what was measured before and is not now.
    pub missing: Consequence,
    /// Backends of which nothing may be skipped, whatever the baseline has of them.
    pub require: BTreeSet<BackendName>,
    /// Differences that are the subject of the comparison.
    pub allow: BTreeSet<Aspect>,
    /// What is otherwise for some cells and metrics; of several that match, each decides what those behind it leave open.
    pub rules: Vec<Rule>,
}

/// What is otherwise for some cells and metrics. An empty set matches all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rule {
    /// Of these metrics.
    pub metrics: BTreeSet<Metric>,
    /// Of cells of these probes.
    pub probes: BTreeSet<ProbeName>,
    /// Of cells of these backends.
    pub backends: BTreeSet<BackendName>,
    /// Of exact numbers, or of timed ones; `None` for both.
    pub numbers: Option<Numbers>,
    /// Whether they gate.
    pub gating: Option<Gating>,
    /// In place of the policy's tolerance.
    pub tolerance: Option<f64>,
    /// In place of the policy's minimum effect.
    pub minimum_effect: Option<f64>,
    /// In place of the policy's noise; of exact numbers, what guests of other files differ by.
    pub noise: Option<f64>,
    /// The reason, which is printed where the rule decides; may be empty.
    pub why: String,
}

/// What a number is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Numbers {
    /// Things installed, or instructions: the same whenever they are counted.
    Exact,
    /// Time, on a wall clock.
    Timed,
}

impl Numbers {
    /// Those that a run on `clock` has of `metric`.
    #[must_use]
    pub fn of(metric: Metric, clock: Clock) -> Self {
        let exact = clock == Clock::Instructions || metric.better() == Better::Neither;
        if exact { Self::Exact } else { Self::Timed }
    }
}

words!("kind of number", Numbers { Exact = "exact", Timed = "timed" });

/// Whether a metric has a say in what the gate comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gating {
    /// It has.
    Gates,
    /// It is compared, and shown where it explains another's change.
    Explains,
}

words!("gating", Gating { Gates = "gates", Explains = "explains" });

/// What becomes of a verdict that is neither good nor bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Consequence {
    /// Nothing.
    Pass,
    /// It is pointed out, and passes.
    Warn,
    /// The gate fails.
    Fail,
}

words!("consequence", Consequence { Pass = "pass", Warn = "warn", Fail = "fail" });

/// What a policy says of one cell's metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Allowed {
    /// Whether it gates.
    pub gating: Gating,
    /// By how much it may be worse, as a share: the tolerance of an exact number, the minimum effect of a timed one.
    pub allowance: f64,
    /// The reasons of the rules that decided either; empty where none did.
    pub why: String,
}

/// What tells where a change comes from, but is too coarse, or too much a matter of luck, to be held against anybody.
const EXPLAINING: &[Metric] = &[
    Metric::SyncVirtualServers,
    Metric::SyncAddresses,
    Metric::SyncSets,
    Metric::SyncRules,
    Metric::SyncRead,
    Metric::SyncWrite,
    Metric::SyncConntrack,
    Metric::ToolUser,
    Metric::ToolSystem,
    Metric::ToolExec,
    Metric::ToolPeakRss,
    Metric::CpuSync,
    Metric::CpuUser,
    Metric::CpuSystem,
    Metric::CpuSoftirq,
    Metric::KernelMemory,
];

impl Default for Policy {
    fn default() -> Self {
        let explains = |metrics: &[Metric], why: &str| Rule {
            metrics: metrics.iter().copied().collect(),
            gating: Some(Gating::Explains),
            why: why.to_owned(),
            ..Rule::default()
        };
        let timed = |rule| Rule { numbers: Some(Numbers::Timed), ..rule };
        let noise = |numbers, metrics: &[Metric], noise| Rule {
            metrics: metrics.iter().copied().collect(),
            numbers: Some(numbers),
            noise: Some(noise),
            ..Rule::default()
        };
        Self {
            tolerance: 0.005,
            minimum_effect: 0.1,
            noise: 0.1,
            reruns: 20,
            inconclusive: Consequence::Warn,
            missing: Consequence::Fail,
            require: BTreeSet::new(),
            allow: BTreeSet::new(),
            rules: vec![
                explains(EXPLAINING, "a part of what gates already, or counted by ticks"),
                timed(Rule {
                    backends: [BackendName::Direct].into(),
                    ..explains(&[], "on a wall clock direct is the yardstick")
                }),
                timed(explains(
                    &[Metric::ConnectionsPerSecond, Metric::Bandwidth],
                    "on a wall clock one sample a round, which other work moves by a third: connect gates the same path",
                )),
                noise(Numbers::Timed, &[Metric::Connect, Metric::FirstByte], 0.02),
                noise(Numbers::Timed, &[Metric::SyncFull, Metric::Reload], 0.5),
                Rule {
                    tolerance: Some(0.25),
                    why: "segments and timers meet otherwise as soon as anything before them takes longer".to_owned(),
                    ..noise(Numbers::Exact, &[Metric::Bandwidth], 0.2)
                },
                noise(Numbers::Exact, &[Metric::SyncChange], 0.08),
                noise(Numbers::Exact, &[Metric::AppendRule, Metric::RemoveService, Metric::EndpointChange], 0.06),
                noise(Numbers::Exact, &[Metric::SyncFull, Metric::Reload, Metric::Connect, Metric::FirstByte], 0.015),
            ],
        }
    }
}

impl Policy {
    /// Whether runs that differ in this cannot be compared.
    #[must_use]
    pub fn bars(&self, difference: &Difference) -> bool {
        match difference.bearing {
            Bearing::Forbids => true,
            Bearing::Asks => !self.allow.contains(&difference.aspect),
            Bearing::Explains => false,
        }
    }

    /// What it says of `metric` of `cell`.
    #[must_use]
    pub fn of(&self, cell: &Cell, metric: Metric, numbers: Numbers) -> Allowed {
        let matching: Vec<&Rule> = self.rules.iter().filter(|rule| rule.matches(cell, metric, numbers)).collect();
        let allowance = |rule: &Rule| match numbers {
            Numbers::Exact => rule.tolerance,
            Numbers::Timed => rule.minimum_effect,
        };
        let usual = match numbers {
            Numbers::Exact => self.tolerance,
            Numbers::Timed => self.minimum_effect,
        };
        let gated_by = matching.iter().find(|rule| rule.gating.is_some());
        let allowed_by = matching.iter().find(|rule| allowance(rule).is_some());
        let mut reasons: Vec<&str> = Vec::new();
        for rule in gated_by.iter().chain(&allowed_by) {
            if !rule.why.is_empty() && !reasons.contains(&rule.why.as_str()) {
                reasons.push(&rule.why);
            }
        }
        Allowed {
            gating: gated_by.and_then(|rule| rule.gating).unwrap_or(Gating::Gates),
            allowance: allowed_by.and_then(|rule| allowance(rule)).unwrap_or(usual),
            why: reasons.join("; "),
        }
    }
}

impl Policy {
    /// What timed runs of `metric` of `cell` differ by that their own rounds do not show, as a share.
    #[must_use]
    pub fn noise_of(&self, cell: &Cell, metric: Metric) -> f64 {
        self.noise_among(cell, metric, Numbers::Timed).unwrap_or(self.noise)
    }

    /// What counted instructions of `metric` of `cell` differ by between guests of other files, where their replicas do not
    /// show it, as a share.
    #[must_use]
    pub fn luck_of(&self, cell: &Cell, metric: Metric) -> f64 {
        self.noise_among(cell, metric, Numbers::Exact).unwrap_or(0.0)
    }

    fn noise_among(&self, cell: &Cell, metric: Metric, numbers: Numbers) -> Option<f64> {
        let mut matching = self.rules.iter().filter(|rule| rule.matches(cell, metric, numbers));
        matching.find_map(|rule| rule.noise)
    }
}

impl Rule {
    /// Whether it is about `metric` of `cell`, of such numbers.
    #[must_use]
    pub fn matches(&self, cell: &Cell, metric: Metric, numbers: Numbers) -> bool {
        (self.metrics.is_empty() || self.metrics.contains(&metric))
            && (self.probes.is_empty() || self.probes.contains(&cell.probe))
            && (self.backends.is_empty() || self.backends.contains(&cell.variant.backend))
            && self.numbers.is_none_or(|one| one == numbers)
    }
}
