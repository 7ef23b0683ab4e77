//! A claim: what is said, by whom, and the rule that judges it.

use super::evidence::Evidence;
use super::finding::Finding;
use lab_core::dataset::Dataset;
use lab_core::reference::{self, Reference};
use std::collections::BTreeSet;

/// What somebody says of a data plane, and how it is put to the test.
pub struct Claim {
    /// What a study calls it by.
    pub id: &'static str,
    /// What is claimed, in a sentence without its full stop.
    pub says: &'static str,
    /// The id of the reference that says so.
    pub source: &'static str,
    /// What the data say of it; `None` where they have nothing to do with it.
    pub(super) judge: fn(&Evidence) -> Option<Finding>,
}

impl Claim {
    /// What those of `datasets` say of it whose scenario names its source; `None` where they have nothing to do with it.
    #[must_use]
    pub fn judge(&self, datasets: &[&Dataset]) -> Option<Finding> {
        let names = |dataset: &&&Dataset| dataset.header.references.iter().any(|id| id == self.source);
        self.judge_by(&datasets.iter().filter(names).copied().collect::<Vec<_>>())
    }

    /// What `datasets` say of it, whatever their scenarios name; `None` where they have nothing to do with it.
    ///
    /// A run whose sizes were measured on different machines says nothing, unless it has only one size.
    #[must_use]
    pub fn judge_by(&self, datasets: &[&Dataset]) -> Option<Finding> {
        let judge = |of: &[&Dataset]| {
            let evidence = Evidence::of(of.iter().copied());
            let finding = (self.judge)(&evidence)?;
            // What ran beside all of it is no part of names.
            let beside = evidence.beside_all().map(|beside| format!("All of it is {beside}."));
            Some(finding.say(beside.unwrap_or_default()))
        };
        let (mixed, whole): (Vec<&Dataset>, Vec<&Dataset>) = datasets.iter().copied().partition(|one| mixes(one));
        let untold = || {
            let why = "The sizes were measured on different machines, so that a claim over sizes cannot be judged: run \
                       the scenario on one machine.";
            judge(&mixed).map(|_| Finding::untold(why))
        };
        judge(&whole).or_else(untold)
    }

    /// Who says so.
    ///
    /// # Panics
    /// When its source is no reference, which a test rules out.
    #[must_use]
    pub fn reference(&self) -> &'static Reference {
        reference::find(self.source).expect("every claim's source is a reference")
    }
}

/// Whether clusters of `dataset` were measured on different machines.
fn mixes(dataset: &Dataset) -> bool {
    let clusters: BTreeSet<_> = dataset.cells.iter().map(|record| record.cell.cluster).collect();
    clusters.len() > 1 && dataset.header.machines() > 1
}
