//! The answer to a question of capacity: for each variant, up to how many Services it holds every objective.

use super::calibration::Calibration;
use super::cluster::{AtCluster, Equivalent};
use super::crossover::{Comparison, pairs};
use super::curve::Estimate;
use super::fitted::Fitted;
use super::objective::Objective;
use super::question::{Question, Unanswerable, check, endpoints};
use super::series::Missing;
use super::standing::{Capacity, Standing, Verdict};
use lab_core::cell::{Contender, Interned};
use lab_core::dataset::Dataset;
use lab_core::vocabulary::{BackendName, Clock, Position, ProbeName};
use std::collections::{BTreeMap, BTreeSet};

/// The answer of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What was asked.
    pub question: Question,
    /// The clock of every number in it.
    pub clock: Clock,
    /// Endpoints a Service.
    pub endpoints: u32,
    /// The other numbers of endpoints that were measured.
    pub other_endpoints: Vec<u32>,
    /// The sizes that were measured, ascending.
    pub sizes: Vec<u32>,
    /// Rounds, or replicas, at most.
    pub passes: usize,
    /// An answer a variant, in the order of tables.
    pub variants: Vec<VariantAnswer>,
    /// What no Service at all costs, for each objective that has such a figure.
    pub baselines: Vec<Baseline>,
    /// How the variants stand to each other in what the objectives are about.
    pub comparisons: Vec<Comparison>,
    /// What turned instructions into time, if anything did.
    pub calibration: Option<Calibration>,
}

/// What is said of one variant.
#[derive(Debug, Clone, PartialEq)]
pub struct VariantAnswer {
    /// Which.
    pub variant: Contender,
    /// What it is called.
    pub name: String,
    /// Up to how many Services it holds every objective.
    pub capacity: Capacity,
    /// The objective that is broken first, by its place in the question; `None` where none is.
    pub binding: Option<usize>,
    /// What is said of each objective by itself, in the question's order.
    pub parts: Vec<ObjectiveAnswer>,
    /// For each size of the question: whether every objective is held there.
    pub verdicts: Vec<Verdict>,
    /// Whether the cluster holds every objective; `None` when none is asked about.
    pub at_cluster: Option<Verdict>,
}

/// What is said of one variant and one objective.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectiveAnswer {
    /// What was measured, with its law: at the position (and in the probe) that breaks the limit first. `None` when nothing
    /// was.
    pub fitted: Option<Fitted>,
    /// At how many positions and in how many probes it was measured; the worst of them is `fitted`.
    pub among: usize,
    /// Up to how many Services it holds this objective.
    pub capacity: Capacity,
    /// What the metric is at the largest size that was measured.
    pub largest: Option<(u32, Estimate)>,
    /// For each size of the question: whether it is held there, and what the metric is where that can be said.
    pub verdicts: Vec<(Verdict, Option<Estimate>)>,
    /// The same for the cluster; `None` when none is asked about.
    pub at_cluster: Option<AtCluster>,
    /// What was asked and gave no figure.
    pub missing: Vec<Missing>,
}

/// What a connection without any Service costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// The objective's place in the question.
    pub objective: usize,
    /// The kernel, where several were compared.
    pub kernel: Option<Interned>,
    /// The metric of `direct`, at the largest size that was measured.
    pub value: Estimate,
    /// Whether it is within the limit.
    pub verdict: Verdict,
}

/// Answers `question` from `dataset`, in time if `calibration` is there.
///
/// # Errors
/// When the sizes were measured on different machines, or an objective cannot be held against what the run measured: another
/// clock, no such metric, too few samples of it in every cell, or none with so many endpoints. That a single variant lacks it is part of the answer instead.
pub fn answer(
    dataset: &Dataset,
    question: &Question,
    calibration: Option<&Calibration>,
) -> Result<Answer, Unanswerable> {
    let clock = calibration.map_or(dataset.header.clock, |calibration| calibration.clock);
    if question.objectives.is_empty() {
        return Err(Unanswerable::NoObjective);
    }
    for objective in &question.objectives {
        objective.fit(clock)?;
    }
    let machines = dataset.header.machines();
    if machines > 1 {
        return Err(Unanswerable::SeveralMachines { run: dataset.header.id.clone(), machines });
    }
    let mut fitted = Fitted::all(dataset, &question.wanted(), calibration);
    for objective in &question.objectives {
        check(dataset, objective, &fitted)?;
    }
    let (endpoints, other_endpoints) = endpoints(dataset, question, &fitted)?;
    fitted.retain(|fitted| fitted.series.endpoints == endpoints);
    let figures = || fitted.iter().flat_map(|fitted| &fitted.series.figures);
    let sizes: BTreeSet<u32> = figures().map(|figure| figure.services).collect();
    let passes = figures().map(|figure| figure.passes).max().unwrap_or(0);
    let asking = Asking { question, endpoints, fitted: &fitted };
    let asked: Vec<&Fitted> = fitted.iter().filter(|fitted| asking.is_asked(fitted)).collect();
    Ok(Answer {
        question: question.clone(),
        clock,
        endpoints,
        other_endpoints,
        sizes: sizes.into_iter().collect(),
        passes,
        variants: asking.variants(),
        baselines: asking.baselines(),
        comparisons: pairs(&asked, question.extrapolate),
        calibration: calibration.cloned(),
    })
}

struct Asking<'a> {
    question: &'a Question,
    endpoints: u32,
    fitted: &'a [Fitted],
}

impl Asking<'_> {
    fn is_asked(&self, fitted: &Fitted) -> bool {
        self.question.objectives.iter().any(|objective| objective.asks(fitted))
    }

    fn variants(&self) -> Vec<VariantAnswer> {
        let asked = || self.fitted.iter().filter(|fitted| self.is_asked(fitted)).map(|fitted| fitted.series.variant);
        let ways: BTreeSet<Contender> = asked().filter(|variant| variant.way.is_some()).collect();
        // What only sends packets says nothing of ways, and stands for itself where no way was asked.
        let others = asked().filter(|variant| !ways.iter().any(|way| variant.covers(*way)));
        let variants: BTreeSet<Contender> = ways.iter().copied().chain(others).collect();
        let variants: Vec<Contender> =
            variants.into_iter().filter(|variant| variant.backend != BackendName::Direct).collect();
        variants.iter().map(|variant| self.variant(*variant, variant.name(&variants))).collect()
    }

    fn variant(&self, variant: Contender, name: String) -> VariantAnswer {
        let standings: Vec<Vec<Standing>> =
            self.question.objectives.iter().map(|objective| self.standings(variant, objective)).collect();
        let parts: Vec<ObjectiveAnswer> = self
            .question
            .objectives
            .iter()
            .zip(&standings)
            .map(|(objective, standings)| self.part(variant, objective, standings))
            .collect();
        let all: Vec<&Standing> = standings.iter().flatten().collect();
        let unknown = parts.iter().position(|part| matches!(part.capacity, Capacity::Unknown { .. }));
        let capacity = match unknown {
            Some(objective) => Capacity::Unknown {
                why: match &parts[objective].capacity {
                    Capacity::Unknown { why } => format!("{}: {why}", self.question.objectives[objective]),
                    _ => String::new(),
                },
            },
            None => Capacity::of(&all, self.question.wanted_size()),
        };
        let broken =
            |objective: &usize| standings[*objective].iter().filter_map(|one| one.breaks.0).min_by(f64::total_cmp);
        let binding = (0..parts.len())
            .filter_map(|objective| Some((objective, broken(&objective)?)))
            .min_by(|one, other| one.1.total_cmp(&other.1))
            .map(|(objective, _)| objective)
            .filter(|_| matches!(capacity, Capacity::UpTo { .. } | Capacity::Unsettled { .. }));
        let verdicts = (0..self.question.sizes.len())
            .map(|size| Verdict::of_all(parts.iter().map(|part| part.verdicts[size].0)))
            .collect();
        let at_cluster = parts.iter().map(|part| part.at_cluster.map(|at| at.verdict));
        let at_cluster = at_cluster.collect::<Option<Vec<_>>>().map(|all| Verdict::of_all(all.into_iter()));
        VariantAnswer { variant, name, capacity, binding, parts, verdicts, at_cluster }
    }

    fn standings(&self, variant: Contender, objective: &Objective) -> Vec<Standing<'_>> {
        let limit = objective.tightened(self.question.headroom);
        let standing = |fitted| Standing::of(fitted, limit, self.question.extrapolate);
        self.of(variant, objective).filter_map(standing).collect()
    }

    /// What was measured that `objective` asks of `variant`.
    fn of(&self, variant: Contender, objective: &Objective) -> impl Iterator<Item = &Fitted> {
        self.fitted.iter().filter(move |fitted| objective.asks(fitted) && fitted.series.variant.covers(variant))
    }

    fn part(&self, variant: Contender, objective: &Objective, standings: &[Standing]) -> ObjectiveAnswer {
        let mut missing: Vec<Missing> = Vec::new();
        for one in self.of(variant, objective).flat_map(|fitted| &fitted.series.missing) {
            if !missing.contains(one) {
                missing.push(one.clone());
            }
        }
        missing.sort_by_key(|missing| missing.services);
        let Some(worst) = standings.iter().min_by(|one, other| one.compare(other)) else {
            let why = match missing.first() {
                Some(missing) => format!("nothing was measured ({})", missing.why),
                None => "it was not asked of it".to_owned(),
            };
            let verdicts = self.question.sizes.iter().map(|_| (Verdict::NoData, None)).collect();
            let capacity = Capacity::Unknown { why };
            let at_cluster = self.at_cluster(variant, objective, &[]);
            return ObjectiveAnswer { fitted: None, among: 0, capacity, largest: None, verdicts, at_cluster, missing };
        };
        let all: Vec<&Standing> = standings.iter().collect();
        let verdict = |services: &u32| {
            let verdict = Verdict::of_all(standings.iter().map(|standing| standing.verdict(*services)));
            (verdict, worst.value(*services))
        };
        let largest = worst.largest();
        ObjectiveAnswer {
            fitted: Some(worst.fitted.clone()),
            among: standings.len(),
            capacity: Capacity::of(&all, self.question.wanted_size()),
            largest: worst.value(largest).map(|value| (largest, value)),
            verdicts: self.question.sizes.iter().map(verdict).collect(),
            at_cluster: self.at_cluster(variant, objective, standings),
            missing,
        }
    }

    /// Whether the cluster holds `objective`, if one is asked about.
    fn at_cluster(&self, variant: Contender, objective: &Objective, standings: &[Standing]) -> Option<AtCluster> {
        self.question.cluster.first()?;
        let same = |one: &&Equivalent| one.is_of(variant, self.endpoints);
        let services = self.question.cluster.iter().find(same).and_then(|one| one.services(objective.metric));
        let worst = standings.iter().min_by(|one, other| one.compare(other));
        let (Some(services), Some(worst)) = (services, worst) else {
            return Some(AtCluster { services, verdict: Verdict::NoData, value: None });
        };
        let verdict = Verdict::of_all(standings.iter().map(|standing| standing.verdict(services)));
        Some(AtCluster { services: Some(services), verdict, value: worst.value(services) })
    }

    fn baselines(&self) -> Vec<Baseline> {
        let mut baselines = Vec::new();
        for (place, objective) in self.question.objectives.iter().enumerate() {
            let direct = |fitted: &&Fitted| {
                objective.asks(fitted)
                    && fitted.series.variant.backend == BackendName::Direct
                    && fitted.series.position.is_none_or(|position| position == Position::Last)
            };
            let limit = objective.tightened(self.question.headroom);
            let mut first: BTreeMap<Option<Interned>, &Fitted> = BTreeMap::new();
            for fitted in self.fitted.iter().filter(direct) {
                first.entry(fitted.series.variant.kernel).or_insert(fitted);
            }
            for (kernel, fitted) in first {
                if let Some(standing) = Standing::of(fitted, limit, false)
                    && let Some(value) = standing.value(standing.largest())
                {
                    let verdict = standing.verdict(standing.largest());
                    baselines.push(Baseline { objective: place, kernel, value, verdict });
                }
            }
        }
        baselines
    }
}

impl ObjectiveAnswer {
    /// Which probe and position the figures are of.
    #[must_use]
    pub fn place(&self) -> Option<(ProbeName, Option<Position>)> {
        self.fitted.as_ref().map(|fitted| (fitted.series.probe, fitted.series.position))
    }
}
