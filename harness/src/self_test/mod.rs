//! The gate's self-test: how often it cries wolf, and how often it finds what was planted, on this machine and target.
//!
//! ```text
//! baseline/001 …      the plan in many rounds ────────┐
//! plain/001 …         the plan, again and again ──────┼─ each beside each baseline ─► false alarms
//! calibration/001 …   rules ahead of every dispatch   │    └─ what a rule costs
//! planted/001 …       some cells made slower      ────┴─ each beside a baseline ────► found, named as that cell
//! ```
//!
//! Where instructions are counted one run knows all that many would: there are no baselines, every two plain runs are
//! compared, and a planted one is judged beside a plain one.
//!
//! Everything is run for real, and stays in a folder: a self-test that was interrupted goes on there, and the same runs can
//! be judged by another policy.

mod amount;
mod burner;
pub(crate) mod fault;
mod pool;
mod told;
mod trials;

use crate::process::exit::Failure;
use crate::session::child::ChildRun;
use crate::session::reruns::Reruns;
use crate::session::spec::Profiling;
use amount::{Amount, carriers};
use analysis::gate::{self, Policy};
use burner::Burner;
use lab_core::cell::Cell;
use lab_core::dataset::Dataset;
use lab_core::plan::Plan;
use lab_core::scenario::Scenario;
use pool::{Kind, Pool};
use std::path::PathBuf;
use trials::Trials;

/// What is to be tried.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) scenario: Scenario,
    /// The plan of a plain run.
    pub(crate) plan: Plan,
    /// Plain runs that there are to be; 0 to judge what there is.
    pub(crate) runs: u32,
    /// Planted runs that there are to be.
    pub(crate) planted: u32,
    /// Baselines that there are to be.
    pub(crate) baselines: u32,
    /// The rounds of each.
    pub(crate) baseline_rounds: u32,
    /// By how much a planted cell is made slower, as a share of what it costs.
    pub(crate) share: f64,
    pub(crate) policy: Policy,
    /// The guests' kernel; `None` for the default.
    pub(crate) kernel: Option<String>,
    /// Where the runs are, or are to be.
    pub(crate) folder: PathBuf,
}

/// Makes the runs that are not there yet, judges all of them, and says what came of it.
///
/// # Errors
/// When a run cannot be made, breaks off or is interrupted: the others are kept.
pub(crate) fn run(asked: &Asked) -> Result<String, Failure> {
    let mut pool = Pool::open(&asked.folder).map_err(Failure::usage)?;
    Collector { asked, pool: &mut pool }.collect()?;
    Ok(told::tell(asked, &Trials::of(&pool, &asked.policy)?))
}

/// Makes the runs.
struct Collector<'a> {
    asked: &'a Asked,
    pool: &'a mut Pool,
}

impl Collector<'_> {
    /// Baselines, plain and planted runs in turn, so that what drifts on the machine meets all of them.
    fn collect(&mut self) -> Result<(), Failure> {
        if self.asked.runs == 0 {
            return Ok(());
        }
        self.baseline(1)?;
        self.plain(1)?;
        for rules in amount::calibrations(self.asked.plan.target) {
            self.calibrate(*rules)?;
        }
        let turns = self.asked.runs.max(self.asked.planted);
        for turn in 1..=turns {
            self.baseline((turn * self.asked.baselines).div_ceil(turns))?;
            if turn <= self.asked.runs {
                self.plain(turn)?;
            }
            if turn <= self.asked.planted {
                self.planted(turn)?;
            }
        }
        Ok(())
    }

    fn baseline(&mut self, number: u32) -> Result<(), Failure> {
        if number > self.asked.baselines || self.pool.count(Kind::Baseline) >= number {
            return Ok(());
        }
        self.make(Kind::Baseline, self.asked.plan.in_rounds(self.asked.baseline_rounds)).map(drop)
    }

    fn plain(&mut self, number: u32) -> Result<(), Failure> {
        if self.pool.count(Kind::Plain) >= number {
            return Ok(());
        }
        // A plan that counts instructions is to come out the same under any load.
        let _burner = self.asked.plan.target.is_exact().then(Burner::light);
        self.make(Kind::Plain, self.asked.plan.clone()).map(drop)
    }

    /// With so many `rules` ahead of every dispatch, wherever packets are sent.
    fn calibrate(&mut self, rules: u32) -> Result<(), Failure> {
        let slowdowns = amount::calibration(&self.asked.plan, &self.asked.policy, rules);
        if slowdowns.is_empty() || self.pool.runs(Kind::Calibration).any(|run| run.header.plan.slowdowns == slowdowns) {
            return Ok(());
        }
        self.make(Kind::Calibration, Plan { slowdowns, ..self.asked.plan.clone() }).map(drop)
    }

    fn planted(&mut self, number: u32) -> Result<(), Failure> {
        if self.pool.count(Kind::Planted) < number {
            let amount = Amount::of(self.pool, self.asked.share);
            let plan = amount.plan(&self.asked.plan, &self.asked.policy, number);
            if plan.slowdowns.is_empty() {
                return Ok(());
            }
            self.make(Kind::Planted, plan)?;
        }
        // The gate runs again what looks worse, on a wall clock.
        let rounds = self.asked.policy.reruns;
        if self.asked.plan.target.is_exact() || rounds == 0 || self.pool.again(number).is_some() {
            return Ok(());
        }
        let Some((place, header)) =
            self.pool.planted(number).map(|run| (run.place.clone(), run.dataset.header.clone()))
        else {
            return Ok(());
        };
        let planted = carriers(&header.plan);
        let beside = planted.iter().copied().filter_map(gate::beside);
        let cells: Vec<Cell> = planted.iter().copied().chain(beside).collect();
        let again = ChildRun::again(&header, &cells, rounds, Reruns::of(&place, &header.id).free());
        self.pool.confirm(number, again.run()?.dataset);
        Ok(())
    }

    fn make(&mut self, kind: Kind, plan: Plan) -> Result<&Dataset, Failure> {
        let out = self.pool.next(kind);
        eprintln!("{}", out.display());
        let child = ChildRun {
            scenario: self.asked.scenario.text.clone(),
            plan,
            kernel: self.asked.kernel.clone(),
            jobs: None,
            profiling: Profiling::Off,
            command: std::env::args().collect(),
            out: out.clone(),
        };
        let made = child.run()?;
        Ok(self.pool.add(kind, out, made.dataset))
    }
}

#[cfg(test)]
mod tests;
