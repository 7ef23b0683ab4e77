//! A backend as it was run: with its way, and with what IPVS was told.

use crate::plan::Cell;
use crate::vocabulary::{BackendName, Forwarding, Scheduler, Way, Word};

/// What a row, a line or an answer is about: a backend, its way, and how IPVS picks and forwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Variant {
    /// The backend.
    pub backend: BackendName,
    /// How changes are applied; `None` for what only sends packets through a node, to which it makes no difference.
    pub way: Option<Way>,
    /// How IPVS picks real servers; `None` for any other backend.
    pub scheduler: Option<Scheduler>,
    /// How IPVS hands packets on; `None` for any other backend.
    pub forwarding: Option<Forwarding>,
}

impl Variant {
    /// The variant that `cell` is of.
    #[must_use]
    pub fn of(cell: &Cell) -> Self {
        let Cell { backend, way, scheduler, forwarding, probe, .. } = *cell;
        Self { backend, way: probe.programs().then_some(way), scheduler, forwarding }
    }

    /// Whether what was measured of `self` holds for `other` too: a node's traffic does not know how it was programmed.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        let Self { backend, way, scheduler, forwarding } = self;
        (backend, scheduler, forwarding) == (other.backend, other.scheduler, other.forwarding)
            && (way.is_none() || way == other.way)
    }

    /// What it is called among `others`: `nftables`, `ipvs (batched)`. What is usual is said only where there is something
    /// else beside it.
    #[must_use]
    pub fn name(self, others: &[Self]) -> String {
        let alike = || others.iter().filter(|other| other.backend == self.backend);
        let mut parts = Vec::new();
        if let Some(way) = self.way
            && (way != Way::of(self.backend)[0] || alike().any(|other| other.way.is_some_and(|one| one != way)))
        {
            parts.push(way.name());
        }
        if let Some(scheduler) = self.scheduler
            && (scheduler != Scheduler::RoundRobin || alike().any(|other| other.scheduler != self.scheduler))
        {
            parts.push(scheduler.name());
        }
        if let Some(forwarding) = self.forwarding
            && (forwarding != Forwarding::Masquerading || alike().any(|other| other.forwarding != self.forwarding))
        {
            parts.push(forwarding.name());
        }
        match parts.as_slice() {
            [] => self.backend.name().to_owned(),
            parts => format!("{} ({})", self.backend, parts.join(", ")),
        }
    }
}
