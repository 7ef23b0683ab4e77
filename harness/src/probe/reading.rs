//! What a probe, or what runs beside it, has read.

use guests::mark::Accounts;
use lab_core::metric::Metric;

/// Samples of one metric, taken in one round.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reading {
    pub(crate) metric: Metric,
    pub(crate) samples: Vec<f64>,
    /// The accounts with the instructions of the sample, if it is a time; of several samples, of the middle one.
    pub(crate) accounts: Option<Accounts>,
    /// What a tool said, if that is a part of what was found.
    pub(crate) said: String,
}

impl Reading {
    /// Samples of `metric`.
    pub(crate) fn new(metric: Metric, samples: Vec<f64>) -> Self {
        Self { metric, samples, accounts: None, said: String::new() }
    }

    /// With the accounts of its instructions.
    pub(super) fn on(self, accounts: Option<Accounts>) -> Self {
        Self { accounts, ..self }
    }
}
