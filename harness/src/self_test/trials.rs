//! The gate's verdicts on a self-test's runs.

use super::amount::carriers;
use super::pool::{Kind, Pool, Run};
use crate::process::cores::in_parallel;
use crate::process::exit::Failure;
use analysis::gate::{self, Gating, Judged, Judgement, Policy, Verdict};
use analysis::rate::Rate;
use anyhow::{anyhow, ensure};
use lab_core::cell::Cell;
use lab_core::dataset::Dataset;
use lab_core::metric::Metric;
use lab_core::slowdown::Slowdown;
use std::collections::{BTreeMap, BTreeSet};

/// The gate's verdicts on all runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Trials {
    pub(super) plain: usize,
    /// The rounds of each baseline that plain runs were compared with; empty if they were compared with each other.
    pub(super) baselines: Vec<u32>,
    /// Comparisons of equal runs that failed, or named something as worse.
    pub(super) alarms: Rate,
    /// Their verdicts on cells that gate.
    pub(super) verdicts: BTreeMap<Verdict, usize>,
    /// What they named as worse, and how often.
    pub(super) named: BTreeMap<String, usize>,
    pub(super) faults: Vec<Trial>,
    /// Runs with faults in which a cell without a fault was named as worse.
    pub(super) besides: Rate,
    /// What these cells were, and how often.
    pub(super) named_besides: BTreeMap<String, usize>,
}

/// A fault, and the gate's verdict on its cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trial {
    pub(super) slowdown: Slowdown,
    pub(super) name: String,
    pub(super) gating: Gating,
    pub(super) verdict: Verdict,
    /// How much slower it was measured, as a share; `None` without a figure.
    pub(super) slower: Option<f64>,
}

impl Trials {
    /// Judges every plain run beside every baseline, and every run with faults beside one of them. Without baselines it
    /// judges every two plain runs, and every run with faults beside the plain run that was made before it.
    ///
    /// # Errors
    /// When there are too few runs, or they cannot be compared.
    pub(super) fn of(pool: &Pool, policy: &Policy) -> Result<Self, Failure> {
        let all: Vec<&Dataset> = pool.faultless().collect();
        let baselines = pool.count(Kind::Baseline) as usize;
        check(baselines, all.len() - baselines).map_err(Failure::usage)?;
        let pairs: Vec<(usize, usize)> = match baselines {
            0 => (0..all.len()).flat_map(|before| (before + 1..all.len()).map(move |after| (before, after))).collect(),
            _ => (0..baselines).flat_map(|before| (baselines..all.len()).map(move |after| (before, after))).collect(),
        };
        let alike = in_parallel(&pairs, |(before, after)| {
            let others = Others { all: &all, baselines, but: [*before, *after] };
            others.judge(all[*before], all[*after], None, policy)
        });
        let numbered: Vec<(usize, &Run)> = pool.of(Kind::Faulty).enumerate().collect();
        let found = in_parallel(&numbered, |(number, run)| {
            let before = if baselines == 0 { (*number).min(all.len() - 1) } else { number % baselines };
            let others = Others { all: &all, baselines, but: [before, before] };
            let baseline = only(all[before], &run.dataset.header.plan.cells);
            others.judge(&baseline, &run.dataset, run.again.as_ref(), policy)
        });
        let rounds = all[..baselines].iter().map(|run| run.header.plan.rounds).collect();
        let mut trials = Self { plain: all.len() - baselines, baselines: rounds, ..Self::default() };
        for judgement in alike {
            trials.compare(&comparable(judgement).map_err(Failure::not_comparable)?);
        }
        for (judgement, (_, run)) in found.into_iter().zip(&numbered) {
            trials.find(&comparable(judgement).map_err(Failure::not_comparable)?, &run.dataset);
        }
        Ok(trials)
    }

    fn compare(&mut self, judgement: &Judgement) {
        let worse: Vec<&Judged> = judgement.judged.iter().filter(|judged| is_named(judged)).collect();
        self.alarms.add(!worse.is_empty() || judgement.passes() == Some(false));
        worse.iter().for_each(|judged| *self.named.entry(judged.compared.name.clone()).or_default() += 1);
        for (verdict, count) in judgement.tally() {
            *self.verdicts.entry(verdict).or_default() += count;
        }
    }

    fn find(&mut self, judgement: &Judgement, run: &Dataset) {
        let faulty: BTreeSet<Cell> = carriers(&run.header.plan).into_iter().collect();
        for &slowdown in &run.header.plan.slowdowns {
            let own = |judged: &&Judged| {
                let row = &judged.compared;
                row.cell == slowdown.cell && row.metric == Metric::of(slowdown.cell.probe)
            };
            let Some(judged) = judgement.judged.iter().find(own) else { continue };
            self.faults.push(Trial {
                slowdown,
                name: judged.compared.name.clone(),
                gating: judged.gating,
                verdict: judged.verdict,
                slower: slower(judged),
            });
        }
        let besides: Vec<&Judged> = judgement
            .judged
            .iter()
            .filter(|judged| is_named(judged) && !faulty.contains(&judged.compared.cell))
            .collect();
        self.besides.add(!besides.is_empty());
        besides.iter().for_each(|judged| *self.named_besides.entry(judged.compared.name.clone()).or_default() += 1);
    }

    /// How many of the faults in cells that gate have this `verdict`.
    pub(super) fn came_to(&self, verdict: Verdict) -> Rate {
        let mut rate = Rate::default();
        self.gating().for_each(|trial| rate.add(trial.verdict == verdict));
        rate
    }

    /// The faults in cells that gate.
    pub(super) fn gating(&self) -> impl Iterator<Item = &Trial> {
        self.faults.iter().filter(|trial| trial.gating == Gating::Gates)
    }
}

/// Runs that are used as reruns of suspicious cells.
struct Others<'a> {
    /// Baselines, then plain runs.
    all: &'a [&'a Dataset],
    /// How many of them are baselines.
    baselines: usize,
    /// The two that are being judged.
    but: [usize; 2],
}

impl Others<'_> {
    /// As the gate does it: a suspicious cell is run again, and must be worse again. `again` has real reruns of some cells.
    fn judge(&self, before: &Dataset, after: &Dataset, again: Option<&Dataset>, policy: &Policy) -> Judgement {
        let judgement = gate::judge(before, after, &[], policy);
        let confirmed: BTreeSet<Cell> = again.iter().flat_map(|run| carriers(&run.header.plan)).collect();
        let suspicious: Vec<Cell> =
            judgement.suspicious().into_iter().filter(|cell| !confirmed.contains(cell)).collect();
        if policy.reruns == 0 || judgement.suspicious().is_empty() {
            return judgement;
        }
        // A cell with a fault is only ever confirmed by its own rerun.
        let mut reruns: Vec<Dataset> = again.cloned().into_iter().collect();
        if !suspicious.is_empty() {
            reruns.extend(self.rounds(policy.reruns).map(|run| only(run, &suspicious)));
        }
        gate::judge(before, after, &reruns, policy)
    }

    /// So many of the following runs that they have `rounds` in sum: first other baselines, then plain runs.
    fn rounds(&self, rounds: u32) -> impl Iterator<Item = &Dataset> {
        let after = self.but[usize::from(self.baselines == 0)] + 1;
        let around = |from: usize, to: usize| (after.clamp(from, to)..to).chain(from..after.clamp(from, to));
        let places = around(0, self.baselines).chain(around(self.baselines, self.all.len()));
        let mut left = rounds;
        places.filter(|place| !self.but.contains(place)).map_while(move |place| {
            let enough = left == 0;
            left = left.saturating_sub(self.all[place].header.plan.rounds);
            (!enough).then(|| self.all[place])
        })
    }
}

fn check(baselines: usize, plain: usize) -> anyhow::Result<()> {
    ensure!(
        baselines.min(1) + plain >= 2,
        "a self-test compares plain runs with each other, or with baselines, and there are {plain} and {baselines}; make \
         more with --runs"
    );
    Ok(())
}

fn comparable(judgement: Judgement) -> anyhow::Result<Judgement> {
    let Some(difference) = judgement.incomparable.first() else { return Ok(judgement) };
    Err(anyhow!(
        "the self-test's runs {} and {} cannot be compared: the {} was {} and is {}; begin another folder with --out",
        judgement.comparison.before,
        judgement.comparison.after,
        difference.aspect,
        difference.before,
        difference.after
    ))
}

/// A dataset with nothing but `cells`.
fn only(dataset: &Dataset, cells: &[Cell]) -> Dataset {
    let wanted: BTreeSet<&Cell> = cells.iter().collect();
    let mut dataset = dataset.clone();
    dataset.header.plan.cells.retain(|cell| wanted.contains(cell));
    dataset.cells.retain(|record| wanted.contains(&record.cell));
    dataset
}

/// Whether the gate names it as worse.
fn is_named(judged: &Judged) -> bool {
    judged.gating == Gating::Gates && judged.verdict == Verdict::Regressed
}

/// How much more it costs, as a share; for a rate, how much more time one takes.
fn slower(judged: &Judged) -> Option<f64> {
    Some(judged.compared.metric.cost(judged.compared.change?.ratio) - 1.0)
}
