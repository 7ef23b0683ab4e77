//! What the data say of a claim: a verdict, sentences, and the figures that say so.

use super::estimate::Estimate;
use lab_core::metric::{Metric, Unit};
use lab_core::units;
use lab_core::vocabulary::{Clock, words};
use std::fmt;

/// What becomes of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It comes out.
    Reproduced,
    /// It does not.
    NotReproduced,
    /// Its figures are of something else than it says, or it holds of some only.
    MeansSomethingElse,
    /// The data do not say.
    CannotBeTold,
}

words!("verdict", Verdict {
    Reproduced = "reproduced",
    NotReproduced = "not reproduced",
    MeansSomethingElse = "means something else",
    CannotBeTold = "cannot be told",
});

/// What the data say of a claim.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What becomes of it.
    pub verdict: Verdict,
    /// Why, and what is missing.
    pub sentences: Vec<String>,
    /// What says so.
    pub figures: Vec<Figure>,
}

/// A figure that a verdict rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What it is of.
    pub what: String,
    /// The number and its interval.
    pub estimate: Estimate,
    /// What it is a number of.
    pub measure: Measure,
}

/// What a figure is a number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// A metric's unit, on a clock.
    Of(Unit, Clock),
    /// The same, for each rule.
    ARule(Clock),
    /// So many times as much.
    Ratio,
    /// A part of a whole.
    Share,
}

impl Measure {
    /// What a sample of `metric` on `clock` is a number of.
    #[must_use]
    pub fn of(metric: Metric, clock: Clock) -> Self {
        Self::Of(metric.unit(), clock)
    }

    /// `value` of it, as people write it.
    fn human(self, value: f64) -> String {
        match self {
            Self::Of(unit, clock) => units::human(unit, clock, value),
            Self::ARule(clock) => format!("{} a rule", units::human(Unit::Ns, clock, value)),
            Self::Ratio => units::ratio(value),
            Self::Share => {
                units::percent(if value < 0.1 { (value * 1e4).round() / 1e4 } else { (value * 1e3).round() / 1e3 })
            }
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Estimate { low, value, high, exact } = self.estimate;
        let [low, value, high] = [low, value, high].map(|number| self.measure.human(number));
        write!(out, "{}: {value} ", self.what)?;
        if exact { out.write_str("(exact)") } else { write!(out, "({low} to {high})") }
    }
}

impl Finding {
    /// That `verdict`, by `figures`.
    pub(super) fn new(verdict: Verdict, figures: Vec<Figure>) -> Self {
        Self { verdict, sentences: Vec::new(), figures }
    }

    /// Nothing can be told, because of `why`; empty where that is still to be said.
    #[must_use]
    pub fn untold(why: impl Into<String>) -> Self {
        Self::new(Verdict::CannotBeTold, Vec::new()).say(why)
    }

    /// It, and a sentence more.
    #[must_use]
    pub fn say(mut self, sentence: impl Into<String>) -> Self {
        let sentence = sentence.into();
        if !sentence.is_empty() {
            self.sentences.push(sentence);
        }
        self
    }

    /// It, and what was not measured.
    pub(super) fn lacking(self, lacks: &[String]) -> Self {
        /// So many are named.
        const NAMED: usize = 3;
        let more = lacks.len().saturating_sub(NAMED);
        let mut named = lacks.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
        if more > 0 {
            named = format!("{named}; and {}", units::counted(more as u64, "more cell"));
        }
        if named.is_empty() { self } else { self.say(format!("Missing: {named}.")) }
    }
}
