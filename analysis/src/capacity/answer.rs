//! The answer to a question of capacity: for each variant, up to how many Services it holds every objective.

use super::calibration::Calibration;
use super::crossover::{Comparison, pairs};
use super::curve::Estimate;
use super::fitted::Fitted;
use super::objective::{Misfitting, Objective};
use super::series::{Absence, Missing};
use super::standing::{Capacity, Standing, Verdict};
use lab_core::cell::Contender;
use lab_core::dataset::Dataset;
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, Clock, Position, ProbeName, Quantile};
use std::collections::BTreeSet;

/// What is asked of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The objectives, at least one.
    pub objectives: Vec<Objective>,
    /// By which share every limit is tightened, from 0 to below 1.
    pub headroom: f64,
    /// Sizes at which it is to be said whether the objectives are held.
    pub sizes: Vec<u32>,
    /// Endpoints a Service; the largest number that every objective was measured at unless given.
    pub endpoints: Option<u32>,
    /// Whether to go on past twice the largest size that was measured.
    pub extrapolate: bool,
}

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
    /// What was asked and gave no figure.
    pub missing: Vec<Missing>,
}

/// What a connection without any Service costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// The objective's place in the question.
    pub objective: usize,
    /// The metric of `direct`, at the largest size that was measured.
    pub value: Estimate,
    /// Whether it is within the limit.
    pub verdict: Verdict,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Unanswerable {
    /// Nothing was asked.
    #[error("nothing is asked: give objectives, such as --slo connect_p99=1ms --slo sync_change=1s")]
    NoObjective,
    /// A limit is not a number of what the clock counts.
    #[error(transparent)]
    Misfitting(#[from] Misfitting),
    /// The run has no such metric.
    #[error("{objective}: the run {run} has no figure of it; it has {known}")]
    NotMeasured {
        /// The objective.
        objective: String,
        /// The run's id.
        run: String,
        /// What it has.
        known: String,
    },
    /// The run has too few samples for a quantile.
    #[error(
        "{objective}: a {quantile} needs {needed} samples a size, of which one is expected to lie beyond it, and the run \
         {run} has {samples} at most: ask for another quantile, or run it with more {more}"
    )]
    TooFewSamples {
        /// The objective.
        objective: String,
        /// Its quantile.
        quantile: Quantile,
        /// How many samples it needs.
        needed: usize,
        /// The run's id.
        run: String,
        /// How many there are.
        samples: usize,
        /// What gives more samples.
        more: &'static str,
    },
    /// That many endpoints were not measured.
    #[error("--endpoints {given}: the run {run} was measured with {measured}")]
    Endpoints {
        /// What was given.
        given: u32,
        /// The run's id.
        run: String,
        /// What was measured.
        measured: String,
    },
}

/// Answers `question` from `dataset`, in time if `calibration` is there.
///
/// # Errors
/// When an objective cannot be held against what the run measured: another clock, no such metric, too few samples of it in
/// every cell, or none with so many endpoints. That a single variant lacks it is part of the answer instead.
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
    let mut fitted = Fitted::all(dataset, &question.wanted());
    for objective in &question.objectives {
        check(dataset, objective, &fitted)?;
    }
    let (endpoints, other_endpoints) = endpoints(dataset, question, &fitted)?;
    fitted.retain(|fitted| fitted.series.endpoints == endpoints);
    if let Some(calibration) = calibration {
        fitted = fitted.into_iter().map(|fitted| calibration.apply(fitted)).collect();
    }
    let figures = || fitted.iter().flat_map(|fitted| &fitted.series.figures);
    let sizes: BTreeSet<u32> = figures().map(|figure| figure.services).collect();
    let passes = figures().map(|figure| figure.passes).max().unwrap_or(0);
    let asking = Asking { question, fitted: &fitted };
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

impl Question {
    /// What has to be measured for it.
    #[must_use]
    pub fn wanted(&self) -> Vec<(Metric, Quantile)> {
        let wanted = self.objectives.iter().map(|objective| (objective.metric, objective.quantile));
        wanted.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

impl Objective {
    fn asks(&self, fitted: &Fitted) -> bool {
        let series = &fitted.series;
        (series.metric, series.quantile) == (self.metric, self.quantile)
            && self.probe.is_none_or(|probe| probe == series.probe)
    }
}

/// Whether anything of the run can be held against `objective`.
fn check(dataset: &Dataset, objective: &Objective, fitted: &[Fitted]) -> Result<(), Unanswerable> {
    let of = || fitted.iter().filter(|fitted| objective.asks(fitted)).map(|fitted| &fitted.series);
    if of().any(|series| !series.figures.is_empty()) {
        return Ok(());
    }
    let run = dataset.header.id.clone();
    let few = |missing: &Missing| if let Absence::TooFew(samples) = missing.why { Some(samples) } else { None };
    if let Some(samples) = of().flat_map(|series| &series.missing).filter_map(few).max() {
        let dials = [Metric::Connect, Metric::FirstByte].contains(&objective.metric);
        return Err(Unanswerable::TooFewSamples {
            objective: objective.name(),
            quantile: objective.quantile,
            needed: objective.quantile.samples(),
            run,
            samples,
            more: if dials { "dials" } else { "rounds" },
        });
    }
    // Whatever became of its cells, what was asked of some variant is part of the answer.
    if of().any(|series| !series.missing.is_empty()) {
        return Ok(());
    }
    let measured = dataset.cells.iter().filter(|record| !record.samples.is_empty());
    let known: BTreeSet<Metric> = measured.map(|record| record.metric).collect();
    let known: Vec<String> = known.iter().map(Metric::to_string).collect();
    let known = if known.is_empty() { "nothing at all".to_owned() } else { known.join(", ") };
    Err(Unanswerable::NotMeasured { objective: objective.name(), run, known })
}

/// The number of endpoints the answer is about, and the others that were measured.
fn endpoints(dataset: &Dataset, question: &Question, fitted: &[Fitted]) -> Result<(u32, Vec<u32>), Unanswerable> {
    let of = |objective: &Objective| -> BTreeSet<u32> {
        fitted.iter().filter(|fitted| objective.asks(fitted)).map(|fitted| fitted.series.endpoints).collect()
    };
    let all: BTreeSet<u32> = question.objectives.iter().flat_map(of).collect();
    let common = |endpoints: &&u32| question.objectives.iter().all(|objective| of(objective).contains(endpoints));
    let chosen = match question.endpoints {
        Some(given) if all.contains(&given) => given,
        Some(given) => {
            let measured = all.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
            return Err(Unanswerable::Endpoints { given, run: dataset.header.id.clone(), measured });
        }
        None => all.iter().rev().find(common).or(all.last()).copied().unwrap_or(0),
    };
    Ok((chosen, all.into_iter().filter(|endpoints| *endpoints != chosen).collect()))
}

struct Asking<'a> {
    question: &'a Question,
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
            None => Capacity::of(&all),
        };
        let broken =
            |objective: &usize| standings[*objective].iter().filter_map(|one| one.breaks.0).min_by(f64::total_cmp);
        let binding = (0..parts.len())
            .filter_map(|objective| Some((objective, broken(&objective)?)))
            .min_by(|one, other| one.1.total_cmp(&other.1))
            .map(|(objective, _)| objective)
            .filter(|_| matches!(capacity, Capacity::UpTo { .. }));
        let verdicts = (0..self.question.sizes.len())
            .map(|size| Verdict::of_all(parts.iter().map(|part| part.verdicts[size].0)))
            .collect();
        VariantAnswer { variant, name, capacity, binding, parts, verdicts }
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
            return ObjectiveAnswer { fitted: None, among: 0, capacity, largest: None, verdicts, missing };
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
            capacity: Capacity::of(&all),
            largest: worst.value(largest).map(|value| (largest, value)),
            verdicts: self.question.sizes.iter().map(verdict).collect(),
            missing,
        }
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
            let standing = self.fitted.iter().find(direct).and_then(|fitted| Standing::of(fitted, limit, false));
            if let Some(standing) = standing
                && let Some(value) = standing.value(standing.largest())
            {
                baselines.push(Baseline { objective: place, value, verdict: standing.verdict(standing.largest()) });
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
