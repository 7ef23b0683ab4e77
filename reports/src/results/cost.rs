//! What a node pays for its Services, in the four ways by which one chooses a backend.

use super::variant::VariantRun;
use super::{Found, Results};
use lab_core::metric::Metric;
use lab_core::vocabulary::{Position, ProbeName};

/// Something that is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cost {
    /// An empty node to all Services.
    ColdStart,
    /// One Service more.
    Change,
    /// A connection to the last Service.
    Connection,
    /// What the rules hold in the kernel.
    Memory,
}

impl Cost {
    /// In the order in which tables show them.
    pub(crate) const ALL: [Self; 4] = [Self::ColdStart, Self::Change, Self::Connection, Self::Memory];

    /// What is paid again and again, as long as the node is there. It decides; the others are the price.
    pub(crate) const STEADY: [Self; 2] = [Self::Change, Self::Connection];

    /// Its metric, the probe that it is taken with, what it is called, and what that is in few words.
    fn row(self) -> (Metric, ProbeName, &'static str, &'static str) {
        match self {
            Self::ColdStart => (Metric::SyncFull, ProbeName::SyncFull, "a cold start", "empty node to all Services"),
            Self::Change => (Metric::SyncChange, ProbeName::SyncChange, "a change", "one Service added"),
            Self::Connection => (Metric::Connect, ProbeName::Connect, "a new connection", "to the last Service"),
            Self::Memory => (Metric::KernelMemory, ProbeName::SyncFull, "the rules' memory", "held in the kernel"),
        }
    }

    pub(crate) fn metric(self) -> Metric {
        self.row().0
    }

    pub(crate) fn probe(self) -> ProbeName {
        self.row().1
    }

    pub(crate) fn noun(self) -> &'static str {
        self.row().2
    }

    pub(crate) fn meaning(self) -> &'static str {
        self.row().3
    }
}

impl Results<'_> {
    /// What there is to say of what `variant` costs at `services`, at the Service that is the worst off.
    pub(crate) fn cost(&self, cost: Cost, variant: VariantRun, services: u32) -> Found<'_> {
        let position = (cost == Cost::Connection).then_some(Position::Last);
        self.at(variant, services, None, (cost.probe(), position), cost.metric())
    }
}
