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

    pub(crate) fn metric(self) -> Metric {
        match self {
            Self::ColdStart => Metric::SyncFull,
            Self::Change => Metric::SyncChange,
            Self::Connection => Metric::Connect,
            Self::Memory => Metric::KernelMemory,
        }
    }

    /// The probe that it is taken with.
    pub(crate) fn probe(self) -> ProbeName {
        match self {
            Self::ColdStart | Self::Memory => ProbeName::SyncFull,
            Self::Change => ProbeName::SyncChange,
            Self::Connection => ProbeName::Connect,
        }
    }

    /// Which Service is asked: the one that is the worst off.
    pub(crate) fn position(self) -> Option<Position> {
        (self == Self::Connection).then_some(Position::Last)
    }

    /// `a change`.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::ColdStart => "a cold start",
            Self::Change => "a change",
            Self::Connection => "a new connection",
            Self::Memory => "the rules' memory",
        }
    }

    /// What that is, in few words.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::ColdStart => "empty node to all Services",
            Self::Change => "one Service added",
            Self::Connection => "to the last Service",
            Self::Memory => "held in the kernel",
        }
    }
}

impl Results<'_> {
    /// What there is to say of what `variant` costs at `services`.
    pub(crate) fn cost(&self, cost: Cost, variant: VariantRun, services: u32) -> Found<'_> {
        let Some(endpoints) = self.endpoints(variant, cost.probe()) else { return Found::NotAsked };
        self.find(variant.place(services, endpoints, cost.probe(), cost.position()), cost.metric())
    }
}
