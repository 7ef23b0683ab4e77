//! Objectives: what a metric may cost at most, or must reach at least.

use super::limit::{self, Measure};
use lab_core::foreign::quoted;
use lab_core::metric::{Better, Metric, Unit};
use lab_core::units;
use lab_core::vocabulary::{Clock, ProbeName, Quantile, Unknown, Word};
use std::fmt;
use std::str::FromStr;

/// A limit on a figure of a metric: `connect_p99=1ms`, `sync_full.tool_user=2s`.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// The metric's probe, where it is named; any probe that takes the metric otherwise.
    pub probe: Option<ProbeName>,
    /// What is limited.
    pub metric: Metric,
    /// Which figure of its samples.
    pub quantile: Quantile,
    /// The limit, in the metric's base unit: an upper one, unless more of the metric is better.
    pub limit: f64,
    /// What the limit is a number of.
    pub measure: Measure,
}

/// Why a text is no objective.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// There is no limit in it.
    #[error("{} has no limit: give metric=limit, such as connect_p99=1ms or sync_change=1s", quoted(.0))]
    NoLimit(String),
    /// The metric is not known.
    #[error("{}: {unknown}; add _p90 or _p99 for a quantile other than the median", quoted(.text))]
    Metric {
        /// What was given.
        text: String,
        /// Which name is not known.
        unknown: Unknown,
    },
    /// The limit cannot be read.
    #[error("{}: the limit {problem}", quoted(.text))]
    Limit {
        /// What was given.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// An objective whose limit is not a number of what a run's clock counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{objective}: {problem}")]
pub struct Misfitting {
    objective: String,
    problem: &'static str,
}

impl FromStr for Objective {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let (what, limit) = text.split_once('=').ok_or_else(|| Unreadable::NoLimit(text.to_owned()))?;
        let unknown = |unknown| Unreadable::Metric { text: text.to_owned(), unknown };
        let (probe, what) = match what.trim().split_once('.') {
            Some((probe, what)) => (Some(ProbeName::find(probe).map_err(unknown)?), what),
            None => (None, what.trim()),
        };
        let suffix = |quantile: &&Quantile| what.ends_with(&format!("_{quantile}"));
        let quantile = Quantile::ALL.iter().find(suffix).copied();
        let name = quantile.map_or(what, |quantile| &what[..what.len() - quantile.name().len() - 1]);
        let metric = Metric::find(name).map_err(unknown)?;
        let (limit, measure) = limit::read(limit, metric.unit())
            .map_err(|problem| Unreadable::Limit { text: text.to_owned(), problem })?;
        Ok(Self { probe, metric, quantile: quantile.unwrap_or(Quantile::P50), limit, measure })
    }
}

impl Objective {
    /// Whether its limit is a number of what `clock` counts.
    ///
    /// # Errors
    /// When it is not: says what to give, or to do, instead.
    pub fn fit(&self, clock: Clock) -> Result<(), Misfitting> {
        let problem = match (clock, self.measure) {
            (Clock::Instructions, Measure::Time) => {
                "a time, where the run counted instructions: give instructions such as 60M, or --calibrate HOST_RUN"
            }
            (Clock::Wall, Measure::Instructions) => {
                "a number of instructions, where answers are in times: give a time such as 60ms"
            }
            (Clock::WallEmulated, Measure::Time | Measure::Instructions) => {
                "the run's times are those of an emulated processor, which no time can be held against: use a run on \
                 the host, or in the target exact"
            }
            (Clock::WallEmulated, Measure::Plain) if self.metric.unit() == Unit::Share => {
                "the run's shares are those of an emulated processor: use a run on the host"
            }
            _ => return Ok(()),
        };
        Err(Misfitting { objective: self.name(), problem })
    }

    /// What is limited: `connect_p99`, `sync_full.tool_user`.
    #[must_use]
    pub fn name(&self) -> String {
        let probe = self.probe.map(|probe| format!("{probe}.")).unwrap_or_default();
        format!("{probe}{}", self.quantile.of(self.metric))
    }

    /// The limit tightened by `headroom`, a share of it: lowered, or raised where more is better.
    #[must_use]
    pub fn tightened(&self, headroom: f64) -> f64 {
        match self.metric.better() {
            Better::Higher => self.limit * (1.0 + headroom),
            Better::Lower | Better::Neither => self.limit * (1.0 - headroom),
        }
    }

    /// The objective in words, its limit tightened by `headroom`: `99 % of connect at most 1.00 ms`.
    #[must_use]
    pub fn words(&self, clock: Clock, headroom: f64) -> String {
        let least = if self.metric.better() == Better::Higher { "at least" } else { "at most" };
        let limit = units::human(self.metric.unit(), clock, self.tightened(headroom));
        format!("{} {least} {limit}", self.name())
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Objective {
        text.parse().unwrap()
    }

    #[test]
    fn an_objective_names_a_metric_a_quantile_and_a_limit() {
        let objective = read("connect_p99=1ms");
        assert_eq!((objective.metric, objective.quantile, objective.limit), (Metric::Connect, Quantile::P99, 1e6));
        assert_eq!(read("sync_change=1s").quantile, Quantile::P50);
        assert_eq!(read("sync_change_p50 = 1s").name(), "sync_change");
        let named = read("sync_full.tool_peak_rss=1GiB");
        assert_eq!((named.probe, named.name().as_str()), (Some(ProbeName::SyncFull), "sync_full.tool_peak_rss"));
    }

    #[test]
    fn what_cannot_be_read_is_answered_with_what_can() {
        let said = |text: &str| text.parse::<Objective>().unwrap_err().to_string();
        assert_eq!(
            said("connect_p99"),
            "\"connect_p99\" has no limit: give metric=limit, such as connect_p99=1ms or sync_change=1s"
        );
        assert!(said("conect=1ms").contains("(did you mean \"connect\"?)"), "{}", said("conect=1ms"));
        assert!(said("sync.connect=1ms").contains("unknown probe \"sync\""), "{}", said("sync.connect=1ms"));
        assert!(said("bandwidth=1ms").contains("the limit is in \"ms\": give a bandwidth"));
    }

    #[test]
    fn a_limit_must_be_of_what_the_clock_counts() {
        let fits = |text: &str, clock| read(text).fit(clock).is_ok();
        for (text, wall, emulated, instructions) in [
            ("connect=1ms", true, false, false),
            ("connect=60M", false, false, true),
            ("bandwidth=5Gbit/s", true, false, false),
            ("tool_peak_rss=1GiB", true, true, true),
            ("cpu_sync=0.5", true, false, true),
        ] {
            let found = [Clock::Wall, Clock::WallEmulated, Clock::Instructions].map(|clock| fits(text, clock));
            assert_eq!(found, [wall, emulated, instructions], "{text}");
        }
        let said = read("connect=1ms").fit(Clock::Instructions).unwrap_err().to_string();
        assert!(said.contains("--calibrate"), "{said}");
    }

    #[test]
    fn headroom_tightens_a_limit_in_its_own_direction() {
        assert!((read("connect=1ms").tightened(0.2) - 0.8e6).abs() < 1e-6);
        assert!((read("bandwidth=5Gbit/s").tightened(0.2) - 6e9).abs() < 1e-3);
        assert_eq!(read("bandwidth=5Gbit/s").words(Clock::Wall, 0.2), "bandwidth at least 6.00 Gbit/s");
    }
}
