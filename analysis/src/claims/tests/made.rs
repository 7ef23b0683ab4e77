//! Made-up runs, and their cells.

use super::super::*;
use lab_core::cell::{Activity, Cell, Churn, ClusterSpec, Variant};
use lab_core::dataset::{CellRecord, Dataset, Header, Merged, Splits};
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::{BackendName, Clock, Outcome, Position, ProbeName, TargetName};

/// A run on a wall clock whose scenario names `claim`'s source.
pub(super) struct Made {
    pub(super) dataset: Dataset,
}

impl Made {
    pub(super) fn of(claim: &str) -> Self {
        Self::on(claim, TargetName::Host)
    }

    pub(super) fn on(claim: &str, target: TargetName) -> Self {
        let mut header = Header::example(Plan::example(target));
        header.references = vec![find(claim).unwrap().source.to_owned()];
        header.clock = if target.is_exact() { Clock::Instructions } else { Clock::Wall };
        Self { dataset: Dataset { header, cells: Vec::new(), end: None } }
    }

    /// Adds what a round gave: `value`, and a hundredth more and less, many times.
    pub(super) fn with(self, cell: Cell, metric: Metric, value: f64) -> Self {
        let samples: Vec<f64> = (0..300).map(|number| value * (0.99 + 0.01 * f64::from(number % 3))).collect();
        self.samples(cell, metric, &samples)
    }

    pub(super) fn samples(mut self, cell: Cell, metric: Metric, samples: &[f64]) -> Self {
        let record = CellRecord {
            scenario: "made".to_owned(),
            target: self.dataset.header.plan.target,
            cell,
            round: 0,
            replica: 0,
            outcome: Outcome::Measured,
            reason: String::new(),
            metric,
            unit: metric.unit(),
            samples: samples.to_vec(),
            split: Splits::default(),
        };
        self.dataset.cells.push(record);
        self
    }

    /// Adds that a cell came to nothing.
    pub(super) fn without(mut self, cell: Cell, outcome: Outcome, reason: &str) -> Self {
        self = self.samples(cell, Metric::of(cell.probe), &[]);
        let last = self.dataset.cells.last_mut().unwrap();
        (last.outcome, last.reason) = (outcome, reason.to_owned());
        self
    }

    /// As if merged from a run on a machine with each of these processors.
    pub(super) fn merged(mut self, cpus: &[&str]) -> Self {
        let header = &mut self.dataset.header;
        header.merged = cpus
            .iter()
            .map(|cpu| Merged { host: [("cpu".to_owned(), (*cpu).to_owned())].into(), ..Merged::of(header) })
            .collect();
        self
    }

    pub(super) fn told(mut self, reason: &str) -> Self {
        self.dataset.cells.last_mut().unwrap().reason = reason.to_owned();
        self
    }

    pub(super) fn finding(&self, claim: &str) -> Finding {
        let finding = find(claim).unwrap().judge(&[&self.dataset]).expect("the data have to do with it");
        assert!(finding.verdict == Verdict::CannotBeTold || !finding.figures.is_empty(), "{finding:?}");
        for figure in &finding.figures {
            let Estimate { low, value, high, .. } = figure.estimate;
            assert!(low <= value && value <= high, "{figure}");
        }
        assert!(!finding.sentences.is_empty(), "{finding:?}");
        finding
    }

    pub(super) fn verdict(&self, claim: &str) -> Verdict {
        self.finding(claim).verdict
    }
}

pub(super) fn cell(backend: BackendName, services: u32, probe: ProbeName) -> Cell {
    Cell::new(ClusterSpec::uniform(services, 2), Variant::usual(backend), probe, None)
}

pub(super) fn legacy(services: u32, probe: ProbeName) -> Cell {
    cell(BackendName::IptablesLegacy, services, probe)
}

pub(super) fn at(position: Position, cell: Cell) -> Cell {
    Cell { position: Some(position), ..cell }
}

pub(super) fn beside(churn: Churn, cell: Cell) -> Cell {
    Cell { activity: Activity { churn: Some(churn), ..cell.activity }, ..cell }
}
