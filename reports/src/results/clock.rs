//! What the run's clock makes of its numbers: how they are labelled, and what may be concluded from them.

use super::Results;
use analysis::summary::Figures;
use lab_core::metric::{Metric, Unit};
use lab_core::units::{self, Scale};
use lab_core::vocabulary::Clock;

/// What must be said of the clock before any number; empty where a number is what one expects.
pub(crate) fn caution(clock: Clock) -> String {
    match clock {
        Clock::Wall => "",
        Clock::WallEmulated => {
            "Emulated wall clock: ratios only. The guest's processor was emulated, slower than a real one by factors \
             that differ from instruction to instruction: compare within this run, and take no time as one."
        }
        Clock::Instructions => {
            "Counted, not timed: one guest instruction is one nanosecond of a virtual clock. Instructions are not \
             time; cache and memory effects, which grow with long rule lists, are not in them."
        }
    }
    .to_owned()
}

/// `title` with the word that numbers of an emulated clock always carry.
pub(crate) fn label(clock: Clock, title: &str) -> String {
    match clock {
        Clock::WallEmulated => format!("{title} (emulated)"),
        Clock::Wall | Clock::Instructions => title.to_owned(),
    }
}

/// `, median in ms`, `, median as share of instructions`; on an emulated clock `, emulated median in ms`.
pub(crate) fn unit(metric: Metric, clock: Clock, what: &str, scale: &Scale) -> String {
    let what = match clock {
        Clock::WallEmulated if metric.unit().is_clocked() => format!("emulated {what}").trim_end().to_owned(),
        _ => what.to_owned(),
    };
    let comma = if what.is_empty() { "" } else { ", " };
    let unit = match (scale.label(), metric.unit(), clock) {
        ("", ..) => String::new(),
        (label, Unit::Share, Clock::Instructions) => format!(" as {label}"),
        (label, Unit::PerSecond, Clock::Instructions) => format!(" {label}"),
        (label, ..) => format!(" in {label}"),
    };
    format!("{comma}{what}{unit}")
}

impl Results<'_> {
    /// The clock of every duration.
    pub(crate) fn clock(&self) -> Clock {
        self.runs.clock()
    }

    /// Whether a number is the same every time, so that it stands alone.
    pub(crate) fn is_exact(&self) -> bool {
        self.clock() == Clock::Instructions
    }

    /// What all cells are measured in once: a round, or a replica where one round is exact.
    pub(crate) fn pass(&self) -> &'static str {
        if self.is_exact() { "replica" } else { "round" }
    }

    /// What stands beside a median.
    pub(crate) fn spread(&self) -> &'static str {
        if self.is_exact() { "its range over replicas, where they differ" } else { "its 95 % interval" }
    }

    /// `value` of `metric` with its unit on the run's clock.
    pub(crate) fn human(&self, metric: Metric, value: f64) -> String {
        units::human(metric.unit(), self.clock(), value)
    }

    /// From `low` to `high`, in one unit: `3.10 to 3.83 ms`; one number where they are written alike.
    pub(crate) fn span(&self, metric: Metric, low: f64, high: f64) -> String {
        let scale = Scale::fit(metric.unit(), self.clock(), [low, high]);
        match (scale.number(low), scale.number(high)) {
            (from, to) if from == to => self.human(metric, high),
            (from, to) => format!("{from} to {to} {}", scale.label()).trim_end().to_owned(),
        }
    }

    /// Between which numbers the median lies; `None` where nothing is known of that.
    ///
    /// A count of instructions is exact in its guest; guests with another entropy differ, within the range over replicas.
    pub(crate) fn bounds(&self, figures: &Figures) -> Option<(f64, f64)> {
        if self.is_exact() { Some(figures.range.unwrap_or((figures.p50, figures.p50))) } else { figures.interval }
    }

    /// How two medians stand to each other. On a wall clock a single sample tells nothing; counted instructions differ
    /// when a reader would see it.
    pub(crate) fn between(&self, one: &Figures, other: &Figures) -> Between {
        let (Some(one_bounds), Some(other_bounds)) = (self.bounds(one), self.bounds(other)) else {
            return Between::Unknown;
        };
        let apart = one_bounds.1 < other_bounds.0 || other_bounds.1 < one_bounds.0;
        let seen = !(self.is_exact() && other.p50 != 0.0 && (one.p50 / other.p50 - 1.0).abs() < VISIBLE);
        let (low, high) = (one_bounds.0.min(other_bounds.0), one_bounds.1.max(other_bounds.1));
        match apart {
            true if seen => Between::Different,
            // Nothing, or less than none, has no ratio to anything.
            _ if low == high || (low > 0.0 && high / low <= NARROW) => Between::Alike,
            _ => Between::Unknown,
        }
    }

    /// Whether two medians are known to differ.
    pub(crate) fn differ(&self, one: &Figures, other: &Figures) -> bool {
        self.between(one, other) == Between::Different
    }
}

/// What is known of how two medians stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Between {
    /// Their intervals lie apart.
    Different,
    /// Their intervals overlap, and are so narrow that no large difference hides in them.
    Alike,
    /// Neither can be said: they have no intervals, or wide ones.
    Unknown,
}

/// Up to what ratio intervals that overlap may reach, from the lowest end to the highest, for "no difference" to be said
/// of them: absence of evidence is no evidence of absence.
const NARROW: f64 = 1.5;

/// The least difference that three digits show.
const VISIBLE: f64 = 0.005;
