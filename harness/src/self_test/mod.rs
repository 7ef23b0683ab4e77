//! The gate's self-test: how often it gives a false alarm, and how often it finds an injected fault, on this machine and
//! target.
//!
//! ```text
//! baseline/001 …      the plan in many rounds ────────┐
//! plain/001 …         the plan, again and again ──────┼─ each beside each baseline ─► false alarms
//! calibration/001 …   rules ahead of every dispatch   │    └─ the cost of a rule
//! planted/001 …       faults in some cells        ────┴─ each beside a baseline ────► found, named as that cell
//! ```
//!
//! Where instructions are counted, one run is as good as many. There are no baselines: every two plain runs are compared,
//! and a run with faults is judged beside a plain one.
//!
//! All runs are real, and stay in a folder. An interrupted self-test continues there, and the same runs can be judged by
//! another policy.

mod amount;
mod burner;
pub(crate) mod fault;
mod pool;
mod told;
mod trials;

use crate::process::exit::Failure;
use crate::process::standard::arguments;
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

#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) scenario: Scenario,
    /// The plan of a plain run.
    pub(crate) plan: Plan,
    /// The number of plain runs; 0 to judge the runs that are there.
    pub(crate) runs: u32,
    /// The number of runs with faults.
    pub(crate) faulty: u32,
    pub(crate) baselines: u32,
    pub(crate) baseline_rounds: u32,
    /// By how much a fault makes a cell slower, as a share of its cost.
    pub(crate) share: f64,
    pub(crate) policy: Policy,
    /// The guests' kernel; `None` for the default.
    pub(crate) kernel: Option<String>,
    /// The tools; `None` for this machine's.
    pub(crate) tools: Option<String>,
    pub(crate) folder: PathBuf,
}

/// Makes the runs that are missing, judges all of them, and returns a report.
///
/// # Errors
/// When a run cannot be made, breaks off or is interrupted. The other runs are kept.
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
    /// Baselines, plain runs and runs with faults take turns, so that a drift of the machine affects all of them.
    fn collect(&mut self) -> Result<(), Failure> {
        if self.asked.runs == 0 {
            return Ok(());
        }
        self.baseline(1)?;
        self.plain(1)?;
        for rules in amount::calibrations(self.asked.plan.target) {
            self.calibrate(*rules)?;
        }
        let turns = self.asked.runs.max(self.asked.faulty);
        for turn in 1..=turns {
            self.baseline((turn * self.asked.baselines).div_ceil(turns))?;
            if turn <= self.asked.runs {
                self.plain(turn)?;
            }
            if turn <= self.asked.faulty {
                self.faulty(turn)?;
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
        // Counted instructions must be the same under any load.
        let _burner = self.asked.plan.target.is_exact().then(Burner::light);
        self.make(Kind::Plain, self.asked.plan.clone()).map(drop)
    }

    /// A run with so many `rules` ahead of every dispatch, in every cell that sends packets.
    fn calibrate(&mut self, rules: u32) -> Result<(), Failure> {
        let slowdowns = amount::calibration(&self.asked.plan, &self.asked.policy, rules);
        if slowdowns.is_empty() || self.pool.runs(Kind::Calibration).any(|run| run.header.plan.slowdowns == slowdowns) {
            return Ok(());
        }
        self.make(Kind::Calibration, Plan { slowdowns, ..self.asked.plan.clone() }).map(drop)
    }

    fn faulty(&mut self, number: u32) -> Result<(), Failure> {
        if self.pool.count(Kind::Faulty) < number {
            let amount = Amount::of(self.pool, self.asked.share);
            let plan = amount.plan(&self.asked.plan, &self.asked.policy, number);
            if plan.slowdowns.is_empty() {
                return Ok(());
            }
            self.make(Kind::Faulty, plan)?;
        }
        // On a wall clock, the gate runs again what looks worse.
        let rounds = self.asked.policy.reruns;
        if self.asked.plan.target.is_exact() || rounds == 0 || self.pool.again(number).is_some() {
            return Ok(());
        }
        let Some((place, header)) = self.pool.faulty(number).map(|run| (run.place.clone(), run.dataset.header.clone()))
        else {
            return Ok(());
        };
        let faulty = carriers(&header.plan);
        let beside = faulty.iter().copied().filter_map(gate::beside);
        let cells: Vec<Cell> = faulty.iter().copied().chain(beside).collect();
        let again = ChildRun::again(&header, &cells, rounds, Reruns::of(&place, &header.id).free());
        self.pool.confirm(number, again.run()?.dataset);
        Ok(())
    }

    fn make(&mut self, kind: Kind, plan: Plan) -> Result<&Dataset, Failure> {
        let out = self.pool.next(kind);
        tell!("{}", out.display());
        let child = ChildRun {
            scenario: self.asked.scenario.text.clone(),
            plan,
            kernel: self.asked.kernel.clone(),
            base: None,
            tools: self.asked.tools.clone(),
            jobs: None,
            profiling: Profiling::Off,
            command: arguments(),
            out: out.clone(),
        };
        let made = child.run()?;
        Ok(self.pool.add(kind, out, made.dataset))
    }
}

#[cfg(test)]
mod tests;
