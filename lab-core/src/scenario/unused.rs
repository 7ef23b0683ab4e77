//! What a scenario asks for and some of its backends do not do.

use super::Scenario;
use crate::axes::Axes;
use crate::vocabulary::{Access, BackendName, LayoutName, Origin, Way, Word};
use std::fmt;

/// What is asked for and not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unused {
    /// A setting, and the scenario's backends that do not use it.
    Setting {
        /// The scenario's key.
        setting: &'static str,
        /// The backends, without `direct`, which uses no setting at all.
        backends: Vec<BackendName>,
    },
    /// A backend that has none of the releases, and takes an earlier one.
    Layout {
        /// The backend.
        backend: BackendName,
        /// What it takes.
        takes: LayoutName,
    },
}

impl fmt::Display for Unused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting { setting, backends } => {
                let backends: Vec<&str> = backends.iter().map(|backend| backend.name()).collect();
                write!(out, "{setting}: not used by {}", backends.join(", "))
            }
            Self::Layout { backend, takes } => write!(out, "layout: {backend} takes {takes}, its newest before"),
        }
    }
}

impl Scenario {
    /// What its axes ask for and no cell can: cluster IPs from outside.
    #[must_use]
    pub fn impossible(&self) -> Vec<String> {
        let said = |(access, from, why): (Access, Origin, &str)| format!("access {access} {}: {why}", from.phrase());
        self.axes.impossible().map(said).collect()
    }

    /// The settings that differ from the default and that some backends do not use, in the order of the keys.
    #[must_use]
    pub fn unused(&self) -> Vec<Unused> {
        let usual = Axes::default();
        let ipvs = |backend: BackendName| backend == BackendName::Ipvs;
        let has_way = |backend: BackendName| self.axes.ways.iter().any(|way| Way::of(backend).contains(way));
        let of = |setting, is_set: bool, uses: &dyn Fn(BackendName) -> bool| {
            let others = self.axes.backends.iter().copied().filter(|backend| *backend != BackendName::Direct);
            let backends: Vec<BackendName> = others.filter(|backend| !uses(*backend)).collect();
            (is_set && !backends.is_empty()).then_some(Unused::Setting { setting, backends })
        };
        let asked = &self.axes.layouts;
        let others = self.axes.backends.iter().filter(|backend| **backend != BackendName::Direct && !asked.is_empty());
        let earlier = others.filter_map(|&backend| match LayoutName::among(backend, asked)[..] {
            [takes] if !asked.contains(&takes) => Some(Unused::Layout { backend, takes }),
            _ => None,
        });
        let settings = [
            of("way", self.axes.ways != usual.ways, &has_way),
            of("scheduler", self.axes.schedulers != usual.schedulers, &ipvs),
            of("forwarding", self.axes.forwardings != usual.forwardings, &ipvs),
        ];
        earlier.chain(settings.into_iter().flatten()).collect()
    }
}
