//! What a header says of machines: how busy one was, and on how many a merged run was measured.

use super::{Header, Merged};
use crate::shard::Shard;
use crate::vocabulary::Clock;
use std::collections::BTreeSet;

/// A machine is quiet while less than this share of its processors' time is used.
const QUIET: f64 = 0.25;

/// How busy a machine was when a run began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Busy {
    /// The load average of the minute before: how many tasks ran or waited for a processor.
    pub load: f64,
    /// The machine's processors.
    pub cpus: u32,
}

impl Header {
    /// How busy the machine was, where that changes the numbers: times are on a wall clock, and others had more than half of
    /// the processors, and still have some. `None` where it was quiet, or is not known.
    #[must_use]
    pub fn busy(&self) -> Option<Busy> {
        let load: f64 = self.host.get("load_average")?.split_whitespace().next()?.parse().ok()?;
        let cpus: u32 = self.host.get("cpus")?.parse().ok()?;
        let timed = self.clock != Clock::Instructions;
        // What made the load may have ended: the run before this one.
        let in_use = self.host.get("processors_in_use").and_then(|share| share.parse::<f64>().ok());
        let has_ended = in_use.is_some_and(|share| share < QUIET);
        (timed && load > f64::from(cpus) / 2.0 && !has_ended).then_some(Busy { load, cpus })
    }

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

    /// Which shards of the plan are in none of the runs that this one was merged from.
    #[must_use]
    pub fn missing_shards(&self) -> Vec<Shard> {
        let there: BTreeSet<Shard> = self.merged.iter().filter_map(|merged| merged.shard).collect();
        let Some(of) = there.first().map(|shard| shard.of) else { return Vec::new() };
        (1..=of).map(|number| Shard { number, of }).filter(|shard| !there.contains(shard)).collect()
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
