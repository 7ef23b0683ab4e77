//! The summary of a dataset: one row for each cell and metric, over all rounds.

use lab_core::cell::Cell;
use lab_core::dataset::{CellRecord, Dataset, Split};
use lab_core::metric::Metric;
use lab_core::stats;
use lab_core::vocabulary::{BackendName, Outcome, Quantile};
use std::collections::{BTreeMap, HashMap};

/// One cell's metric over all rounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The point of the plan.
    pub cell: Cell,
    /// `failed` when any round did, else `measured` when any was, else how the cell ended.
    pub outcome: Outcome,
    /// Why it was not measured, or not as often as planned; empty otherwise.
    pub reason: String,
    /// What was measured.
    pub metric: Metric,
    /// The samples' figures; `None` when there are no samples.
    pub figures: Option<Figures>,
}

/// The figures of a row's samples, in the metric's base unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// How many samples.
    pub n: usize,
    /// The smallest.
    pub min: f64,
    /// The median.
    pub p50: f64,
    /// The 90th percentile.
    pub p90: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The largest.
    pub max: f64,
    /// The median absolute deviation from the median.
    pub mad: f64,
    /// The bootstrap 95 % interval of the median; `None` for a single sample.
    pub interval: Option<(f64, f64)>,
    /// The smallest and the largest median of a round, or of a replica; `None` for a single one.
    pub range: Option<(f64, f64)>,
    /// The median over rounds of this cell's median against `direct`'s in the same round, size and position.
    pub ratio_to_direct: Option<f64>,
}

impl Figures {
    /// That quantile of the samples.
    #[must_use]
    pub fn at(&self, quantile: Quantile) -> f64 {
        match quantile {
            Quantile::P50 => self.p50,
            Quantile::P90 => self.p90,
            Quantile::P99 => self.p99,
        }
    }
}

/// The reason of a planned cell without a record.
pub const NEVER_REACHED: &str = "the run ended before it";

/// The bootstrap's seed: fixed, so that a dataset has one summary.
const SEED: u64 = 0;

/// Aggregates the rounds of `dataset`: rows in the order of the plan, and in a cell in the order of the metrics.
///
/// Every cell of the plan has a row of its probe's [own metric](Metric::of), measured or not. A record without samples
/// counts for its metric; if that is the probe's own, it counts for every metric of the cell. A failed row keeps the
/// figures of the rounds that did not fail.
#[must_use]
pub fn summarise(dataset: &Dataset) -> Vec<Row> {
    let context = Context { dataset, direct: round_medians(dataset) };
    by_cell(dataset).iter().flat_map(|(cell, records)| context.rows(*cell, records)).collect()
}

/// One cell's metric with all its samples, from which a [`Row`] is made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Gathered {
    pub(crate) cell: Cell,
    pub(crate) metric: Metric,
    pub(crate) outcome: Outcome,
    pub(crate) reason: String,
    /// The samples of each round and replica that has any.
    pub(crate) passes: BTreeMap<Pass, Vec<f64>>,
    /// Where the samples' time went, as far as that was counted.
    pub(crate) splits: Vec<Split>,
}

/// The cells and metrics of `dataset` with their outcomes as in [`summarise`], and all samples.
pub(crate) fn gather(dataset: &Dataset) -> Vec<Gathered> {
    let mut gathered = Vec::new();
    for (cell, records) in by_cell(dataset) {
        for (metric, records, said) in by_metric(cell, &records) {
            let passes = passes(&records);
            let (outcome, reason) = judge(&said, !passes.is_empty());
            let splits = records.iter().flat_map(|record| record.split.0.iter().copied()).collect();
            gathered.push(Gathered { cell, metric, outcome, reason, passes, splits });
        }
    }
    gathered
}

/// The records of each cell, in the order of the plan.
fn by_cell(dataset: &Dataset) -> Vec<(Cell, Vec<&CellRecord>)> {
    let mut places: HashMap<Cell, usize> = HashMap::new();
    let mut cells: Vec<(Cell, Vec<&CellRecord>)> = Vec::new();
    let planned = dataset.header.cells().map(|cell| (cell, None));
    for (cell, record) in planned.chain(dataset.cells.iter().map(|record| (record.cell, Some(record)))) {
        let place = *places.entry(cell).or_insert_with(|| {
            cells.push((cell, Vec::new()));
            cells.len() - 1
        });
        cells[place].1.extend(record);
    }
    cells
}

/// A cell's metrics, each with its own records, and with those that decide its outcome.
fn by_metric<'a>(cell: Cell, records: &[&'a CellRecord]) -> Vec<(Metric, Vec<&'a CellRecord>, Vec<&'a CellRecord>)> {
    let own = Metric::of(cell.probe);
    let mut metrics: BTreeMap<Metric, Vec<&CellRecord>> = BTreeMap::from([(own, Vec::new())]);
    for record in records {
        metrics.entry(record.metric).or_default().push(record);
    }
    let of_the_cell: Vec<&CellRecord> =
        metrics[&own].iter().copied().filter(|record| finite(record).next().is_none()).collect();
    let said = |metric, records: &Vec<&'a CellRecord>| match metric == own {
        true => records.clone(),
        false => [records.as_slice(), &of_the_cell].concat(),
    };
    metrics.iter().map(|(&metric, records)| (metric, records.clone(), said(metric, records))).collect()
}

/// A round and a replica of it.
pub(crate) type Pass = (u32, u32);

/// What a row needs beside its own records.
struct Context<'a> {
    dataset: &'a Dataset,
    /// `direct`'s medians.
    direct: HashMap<(Cell, Metric, Pass), f64>,
}

/// The median of each of `direct`'s cells, metrics and passes.
fn round_medians(dataset: &Dataset) -> HashMap<(Cell, Metric, Pass), f64> {
    let mut samples: HashMap<_, Vec<f64>> = HashMap::new();
    for record in dataset.cells.iter().filter(|record| record.cell.variant.backend == BackendName::Direct) {
        let key = (record.cell, record.metric, (record.round, record.replica));
        samples.entry(key).or_default().extend(finite(record));
    }
    samples.into_iter().filter_map(|(key, samples)| Some((key, stats::median(&samples)?))).collect()
}

impl Context<'_> {
    fn rows(&self, cell: Cell, records: &[&CellRecord]) -> Vec<Row> {
        let row = |(metric, records, said): (Metric, Vec<&CellRecord>, Vec<&CellRecord>)| {
            let figures = self.figures(cell, metric, &passes(&records));
            let (outcome, mut reason) = judge(&said, figures.is_some());
            if metric == Metric::of(cell.probe) && outcome == Outcome::Measured && reason.is_empty() {
                reason = self.too_few_rounds(&records);
            }
            Row { cell, outcome, reason, metric, figures }
        };
        by_metric(cell, records).into_iter().map(row).collect()
    }

    /// The figures of one cell's metric; `None` when there are no samples.
    fn figures(&self, cell: Cell, metric: Metric, passes: &BTreeMap<Pass, Vec<f64>>) -> Option<Figures> {
        let ratio = |(&pass, samples): (&Pass, &Vec<f64>)| {
            let direct = self.direct.get(&(cell.direct(), metric, pass)).filter(|median| **median != 0.0)?;
            Some(stats::median(samples)? / direct)
        };
        let ratios: Vec<f64> = passes.iter().filter_map(ratio).collect();
        let rounds: Vec<Vec<f64>> = passes.values().cloned().collect();
        let sorted = stats::sorted(&rounds.concat());
        let at = |q| stats::quantile_of_sorted(&sorted, q);
        let medians = stats::sorted(&rounds.iter().filter_map(|round| stats::median(round)).collect::<Vec<_>>());
        Some(Figures {
            n: sorted.len(),
            min: at(0.0)?,
            p50: at(0.5)?,
            p90: at(0.9)?,
            p99: at(0.99)?,
            max: at(1.0)?,
            mad: stats::mad(&sorted)?,
            interval: stats::interval(&rounds, SEED),
            range: if let [first, .., last] = medians[..] { Some((first, last)) } else { None },
            ratio_to_direct: stats::median(&ratios),
        })
    }

    /// The reason of a cell that was measured in fewer rounds than planned, if its records give none.
    fn too_few_rounds(&self, records: &[&CellRecord]) -> String {
        let rounds = self::passes(records).len();
        let plan = &self.dataset.header.plan;
        let planned = plan.passes();
        let passes = if plan.replicas > 1 { "replicas" } else { "rounds" };
        if rounds >= planned as usize {
            return String::new();
        }
        let why = match &self.dataset.end {
            Some(end) if !end.interrupted => "no reason was recorded",
            _ => "the run ended before the others",
        };
        format!("measured in {rounds} of {planned} {passes}: {why}")
    }
}

/// The outcome of a row and its reason, from the records that decide it.
fn judge(said: &[&CellRecord], measured: bool) -> (Outcome, String) {
    let ended = |outcome| said.iter().any(|record| record.outcome == outcome);
    let outcome = match () {
        () if said.is_empty() => return (Outcome::Skipped, NEVER_REACHED.to_owned()),
        () if ended(Outcome::Failed) => Outcome::Failed,
        () if measured => Outcome::Measured,
        () if ended(Outcome::OverBudget) => Outcome::OverBudget,
        () if ended(Outcome::Unanswered) => Outcome::Unanswered,
        () if ended(Outcome::Skipped) => Outcome::Skipped,
        () => return (Outcome::Failed, "it gave no sample".to_owned()),
    };
    // A failed row gives the reasons of its failures; any other row every reason there is.
    let mut reasons: Vec<&str> = Vec::new();
    for record in said.iter().filter(|record| outcome != Outcome::Failed || record.outcome == outcome) {
        if !record.reason.is_empty() && !reasons.contains(&record.reason.as_str()) {
            reasons.push(&record.reason);
        }
    }
    (outcome, reasons.join("; "))
}

/// The samples that are numbers.
fn finite(record: &CellRecord) -> impl Iterator<Item = f64> + '_ {
    record.samples.iter().copied().filter(|sample| sample.is_finite())
}

/// The samples of `records` by pass; a pass without any is left out.
fn passes(records: &[&CellRecord]) -> BTreeMap<Pass, Vec<f64>> {
    let mut passes: BTreeMap<Pass, Vec<f64>> = BTreeMap::new();
    for record in records {
        passes.entry((record.round, record.replica)).or_default().extend(finite(record));
    }
    passes.retain(|_, samples| !samples.is_empty());
    passes
}

#[cfg(test)]
mod tests;
