//! What a probe, or what runs beside it, has read.

use guests::mark::Accounts;
use lab_core::metric::Metric;

/// Samples of one metric, taken in one round.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reading {
    pub(crate) metric: Metric,
    pub(crate) samples: Vec<f64>,
    /// The accounts with the instructions of each sample, or none.
    pub(crate) accounts: Vec<Accounts>,
    /// What a tool said, if that is a part of what was found.
    pub(crate) said: String,
}

impl Reading {
    /// Samples of `metric`.
    pub(crate) fn new(metric: Metric, samples: Vec<f64>) -> Self {
        Self { metric, samples, accounts: Vec::new(), said: String::new() }
    }

    /// With the accounts of its samples' instructions. Where only some samples have any, they have none.
    pub(crate) fn on(self, accounts: impl IntoIterator<Item = Accounts>) -> Self {
        let accounts: Vec<Accounts> = accounts.into_iter().collect();
        let accounts = if accounts.len() == self.samples.len() { accounts } else { Vec::new() };
        Self { accounts, ..self }
    }
}

/// The place of the median of `samples`; of two in the middle, the place of the smaller.
pub(crate) fn middle(samples: &[f64]) -> Option<usize> {
    let mut places: Vec<usize> = (0..samples.len()).collect();
    places.sort_by(|&one, &other| samples[one].total_cmp(&samples[other]));
    places.get(samples.len().checked_sub(1)? / 2).copied()
}
