//! A cluster that is asked about, as sizes on the run's axis: how many of the run's Services ask as much of each variant.

use super::curve::Estimate;
use super::standing::Verdict;
use lab_core::cell::{Contender, Settings, Source};
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, LayoutName};

/// What of a cluster a metric depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ground {
    /// The dispatch entries: a packet finds its way among them.
    Entries,
    /// All that is installed: rules, chains, elements, servers.
    Installed,
}

impl Ground {
    /// What `metric` depends on.
    #[must_use]
    pub fn of(metric: Metric) -> Self {
        match metric {
            Metric::Connect
            | Metric::FirstByte
            | Metric::ConnectionsPerSecond
            | Metric::Bandwidth
            | Metric::CpuSoftirq => Self::Entries,
            _ => Self::Installed,
        }
    }
}

/// How many Services of the run ask as much of a variant as the cluster does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Equivalent {
    /// The variant's backend.
    pub backend: BackendName,
    /// Whose rules.
    pub layout: LayoutName,
    /// What the backend was told besides.
    pub settings: Settings,
    /// What the run's Services are like.
    pub source: Source,
    /// Endpoints behind each of them.
    pub endpoints: u32,
    /// By dispatch entries.
    pub entries: u32,
    /// By all that is installed; `None` where the cluster's endpoints are not known.
    pub installed: Option<u32>,
}

impl Equivalent {
    /// The number of Services for `metric`.
    #[must_use]
    pub fn services(&self, metric: Metric) -> Option<u32> {
        match Ground::of(metric) {
            Ground::Entries => Some(self.entries),
            Ground::Installed => self.installed,
        }
    }

    /// Whether it is of `variant` with so many `endpoints`.
    pub(super) fn is_of(&self, variant: Contender, endpoints: u32) -> bool {
        let Contender { backend, layout, settings, source, .. } = variant;
        (self.backend, self.layout, self.settings, self.source, self.endpoints)
            == (backend, layout, settings, source, endpoints)
    }
}

/// Whether the cluster holds an objective.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AtCluster {
    /// As how many of the run's Services the cluster counts here; `None` where that is not known.
    pub services: Option<u32>,
    /// Whether the objective is held there.
    pub verdict: Verdict,
    /// What the metric is there, where that can be said.
    pub value: Option<Estimate>,
}
