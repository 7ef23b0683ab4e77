//! A question of capacity, and whether a run can answer it at all.

use super::cluster::Equivalent;
use super::fitted::Fitted;
use super::objective::{Misfitting, Objective};
use super::series::{Absence, Missing};
use lab_core::dataset::Dataset;
use lab_core::metric::Metric;
use lab_core::vocabulary::Quantile;
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
    /// The cluster that is asked about, for each variant; empty when there is none.
    pub cluster: Vec<Equivalent>,
    /// Endpoints a Service; the largest number that every objective was measured at unless given.
    pub endpoints: Option<u32>,
    /// Whether to go on past twice the largest size that was measured.
    pub extrapolate: bool,
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
    /// Each size is of another machine.
    #[error(
        "the sizes of the run {run} were measured on {machines} machines, so that how a cost grows cannot be told; ask one \
         shard, or a run of one machine"
    )]
    SeveralMachines {
        /// The run's id.
        run: String,
        /// How many.
        machines: u64,
    },
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

impl Question {
    /// What has to be measured for it.
    #[must_use]
    pub fn wanted(&self) -> Vec<(Metric, Quantile)> {
        let wanted = self.objectives.iter().map(|objective| (objective.metric, objective.quantile));
        wanted.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The largest size that is asked about.
    pub(super) fn wanted_size(&self) -> Option<u32> {
        let cluster = self.cluster.iter().flat_map(|one| [Some(one.entries), one.installed]).flatten();
        self.sizes.iter().copied().chain(cluster).max()
    }
}

impl Objective {
    /// Whether `fitted` is what it limits.
    pub(super) fn asks(&self, fitted: &Fitted) -> bool {
        let series = &fitted.series;
        (series.metric, series.quantile) == (self.metric, self.quantile)
            && self.probe.is_none_or(|probe| probe == series.probe)
    }
}

/// Whether anything of the run can be held against `objective`.
pub(super) fn check(dataset: &Dataset, objective: &Objective, fitted: &[Fitted]) -> Result<(), Unanswerable> {
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
pub(super) fn endpoints(
    dataset: &Dataset,
    question: &Question,
    fitted: &[Fitted],
) -> Result<(u32, Vec<u32>), Unanswerable> {
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
