//! On how many machines a merged run was measured.

use super::{Header, Merged};
use crate::vocabulary::Clock;
use std::collections::BTreeSet;

impl Header {
    /// How many different machines or kernels its times are of. Counted instructions are the same on every machine.
    ///
    /// Of more than one, each size of a cluster was measured on one of them: sizes cannot be compared.
    #[must_use]
    pub fn machines(&self) -> u64 {
        if self.clock == Clock::Instructions {
            return 1;
        }
        let machine = |merged: &Merged| ["cpu", "cpus", "kernel"].map(|name| merged.host.get(name).cloned());
        (self.merged.iter().map(machine).collect::<BTreeSet<_>>().len() as u64).max(1)
    }
}

impl Merged {
    /// A run with this `header` that has no end yet, as one of those that another is merged from.
    #[must_use]
    pub fn of(header: &Header) -> Self {
        Self {
            id: header.id.clone(),
            shard: header.part.as_ref().map(|part| part.shard),
            host: header.host.clone(),
            start: header.start,
            end: None,
        }
    }
}
