//! A timed row's two sides: what it is to be compared by, and what comes of it.

use super::compared::{Basis, Delta};
use super::evidence::{Evidence, Key};
use super::timed::{self, Round};
use super::verdict::Verdict;
use lab_core::metric::Metric;
use lab_core::units;

/// The rounds of both sides of a row.
pub(super) struct Times {
    metric: Metric,
    programs: bool,
    before: Vec<Round>,
    after: Vec<Round>,
    /// Whether both are held against yardsticks.
    related: bool,
}

impl Times {
    /// Of one run and of some others together. Starting a tool tells the machine's speed only where the kernel and the tools
    /// are the same in all of them: else it would be part of the change.
    pub(super) fn of(before: &Evidence, after: &[&Evidence], key: Key, same_software: bool) -> Self {
        let (cell, metric) = key;
        let programs = cell.probe.programs();
        let mut yardsticks = before.yardsticks(key);
        yardsticks.retain(|_| same_software || !programs);
        for run in after.iter().filter(|run| run.passes(key).is_some()) {
            let known = run.yardsticks(key);
            yardsticks.retain(|yardstick| known.contains(yardstick));
        }
        let after: Vec<Round> = after.iter().flat_map(|run| run.rounds(key, &yardsticks)).collect();
        let before = before.rounds(key, &yardsticks);
        let related = !yardsticks.is_empty();
        Self { metric, programs, before, after, related }
    }

    /// What the row is best compared by.
    pub(super) fn basis(&self) -> Basis {
        let tools = |rounds: &[Round]| rounds.iter().any(|round| !round.processor.is_empty());
        match self.programs {
            true if tools(&self.before) && tools(&self.after) => Basis::Processor,
            false if self.related => Basis::RatioToDirect,
            _ => Basis::Timed,
        }
    }

    /// Its change by `basis`; runs of the same thing differ by `noise`.
    pub(super) fn change(&self, basis: Basis, noise: f64) -> Option<Delta> {
        self.cost(basis, noise).map(|change| timed::turned(self.metric, change))
    }

    /// The verdict, why, and the change that led to it, with its basis.
    pub(super) fn judge(&self, minimum_effect: f64, noise: f64) -> Option<Ruling> {
        match self.basis() {
            Basis::RatioToDirect => self.beside_direct(minimum_effect, noise),
            Basis::Processor => self.by_tools(minimum_effect, noise),
            basis => self.ruling(basis, minimum_effect, noise),
        }
    }

    /// Traffic is worse if it is so beside `direct` and by itself: where only its ratio grew, `direct` may have been unlucky
    /// in the baseline.
    fn beside_direct(&self, minimum_effect: f64, noise: f64) -> Option<Ruling> {
        let beside = self.ruling(Basis::RatioToDirect, minimum_effect, noise)?;
        let alone = timed::cost(&self.before, &self.after, false, noise)?.ratio;
        if beside.verdict == Verdict::Regressed && alone <= 1.0 + minimum_effect / 2.0 {
            let why =
                "beside direct only: by itself it took no longer, so that direct may have been slow before".to_owned();
            return Some(Ruling { verdict: Verdict::Inconclusive, why, ..beside });
        }
        Some(beside)
    }

    /// A sync is worse if its tools' processor time says so, or if it took so much longer as a whole that the noise cannot be
    /// why. It is unchanged only if, as a whole, it does not look worse either.
    fn by_tools(&self, minimum_effect: f64, noise: f64) -> Option<Ruling> {
        let ruling = |basis| self.ruling(basis, minimum_effect, noise);
        let (tools, whole) = (ruling(Basis::Processor)?, ruling(Basis::Timed)?);
        let mut decisive = match (tools.verdict, whole.verdict) {
            (Verdict::Regressed, _) => tools,
            (_, Verdict::Regressed) => {
                let why = "as a whole, though not surely by what its tools spent".to_owned();
                Ruling { why, ..whole }
            }
            (Verdict::Unchanged | Verdict::Improved, _) if whole.cost > 1.0 + minimum_effect => {
                let looks = units::ratio(whole.change.ratio);
                let why = format!("its tools took no longer, but as a whole it looks {looks}, which may be noise");
                Ruling { verdict: Verdict::Inconclusive, why, ..tools }
            }
            _ => tools,
        };
        // What looks worse in either way is worth another look.
        decisive.cost = decisive.cost.max(whole.cost);
        Some(decisive)
    }

    /// What the rounds come to by `basis` alone.
    fn ruling(&self, basis: Basis, minimum_effect: f64, noise: f64) -> Option<Ruling> {
        let cost = self.cost(basis, noise)?;
        let verdict = timed::judge(cost, minimum_effect);
        let change = timed::turned(self.metric, cost);
        let why = if verdict == Verdict::Inconclusive { self.open(change) } else { String::new() };
        Some(Ruling { verdict, cost: cost.ratio, change, basis, why })
    }

    /// How many times as much it costs by `basis`.
    fn cost(&self, basis: Basis, noise: f64) -> Option<Delta> {
        match basis {
            Basis::Processor => timed::processor(&self.before, &self.after, self.related),
            _ => timed::cost(&self.before, &self.after, self.related, noise),
        }
    }

    /// What the rounds leave open.
    fn open(&self, change: Delta) -> String {
        let [low, high] = [change.low, change.high].map(units::ratio);
        let (before, after) = (units::counted(self.before.len() as u64, "round"), self.after.len());
        format!("it may be {low} or {high}: {before} in the baseline and {after} since tell no more")
    }
}

/// What rounds come to.
pub(super) struct Ruling {
    pub(super) verdict: Verdict,
    /// How many times as much it costs, by whichever says more.
    pub(super) cost: f64,
    pub(super) change: Delta,
    pub(super) basis: Basis,
    pub(super) why: String,
}
