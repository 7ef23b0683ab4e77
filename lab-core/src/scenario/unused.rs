//! Settings of a scenario that some of its backends do not use.

use super::Scenario;
use crate::axes::Axes;
use crate::vocabulary::{BackendName, Way, Word};
use std::fmt;

/// A setting, and the scenario's backends that do not use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// The scenario's key.
    pub setting: &'static str,
    /// The backends, without `direct`, which uses no setting at all.
    pub backends: Vec<BackendName>,
}

impl fmt::Display for Unused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let backends: Vec<&str> = self.backends.iter().map(|backend| backend.name()).collect();
        write!(out, "{}: not used by {}", self.setting, backends.join(", "))
    }
}

impl Scenario {
    /// The settings that differ from the default and that some backends do not use, in the order of the keys.
    #[must_use]
    pub fn unused(&self) -> Vec<Unused> {
        let usual = Axes::default();
        let ipvs = |backend: BackendName| backend == BackendName::Ipvs;
        let has_way = |backend: BackendName| self.axes.ways.iter().any(|way| Way::of(backend).contains(way));
        let of = |setting, is_set: bool, uses: &dyn Fn(BackendName) -> bool| {
            let others = self.axes.backends.iter().copied().filter(|backend| *backend != BackendName::Direct);
            let backends: Vec<BackendName> = others.filter(|backend| !uses(*backend)).collect();
            (is_set && !backends.is_empty()).then_some(Unused { setting, backends })
        };
        [
            of("way", self.axes.ways != usual.ways, &has_way),
            of("scheduler", self.axes.schedulers != usual.schedulers, &ipvs),
            of("forwarding", self.axes.forwardings != usual.forwardings, &ipvs),
            of("persistence", self.persistence.is_some(), &ipvs),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
