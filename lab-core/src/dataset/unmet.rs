//! What was required of a run and was skipped.

use super::Dataset;
use crate::cell::Cell;
use crate::units::counted;
use crate::vocabulary::{BackendName, Outcome};
use std::collections::BTreeSet;
use std::fmt;

/// In the reason of a cell whose Service has nothing behind it: nothing is wanting there.
pub const NO_ENDPOINT: &str = "has no endpoint to";

/// A backend that was required, and of which cells were skipped for want of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// Which.
    pub backend: BackendName,
    /// How many of its cells were skipped.
    pub skipped: usize,
    /// How many were planned.
    pub planned: usize,
    /// What was wanting, of the first of them.
    pub why: String,
}

impl fmt::Display for Unmet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backend, skipped, planned, why } = self;
        match planned {
            0 => write!(out, "{backend} is required, and nothing was asked of it"),
            _ => {
                let planned = counted(*planned as u64, "cell");
                write!(out, "{backend} is required; skipped were {skipped} of its {planned}: {why}")
            }
        }
    }
}

/// Those of `required` of which something was skipped in `dataset`, or of which nothing was planned.
#[must_use]
pub fn unmet(required: impl IntoIterator<Item = BackendName>, dataset: &Dataset) -> Vec<Unmet> {
    let of = |backend: BackendName| {
        let planned = dataset.header.cells().filter(|cell| cell.variant.backend == backend).count();
        let skipped = dataset.cells.iter().filter(|record| {
            record.cell.variant.backend == backend
                && record.outcome == Outcome::Skipped
                && !record.reason.contains(NO_ENDPOINT)
        });
        let why = skipped.clone().next().map(|record| record.reason.clone()).unwrap_or_default();
        let skipped = skipped.map(|record| record.cell).collect::<BTreeSet<Cell>>().len();
        // Another shard may have all of its cells.
        let nowhere = !dataset.header.plan.cells.iter().any(|cell| cell.variant.backend == backend);
        (nowhere || skipped > 0).then_some(Unmet { backend, skipped, planned, why })
    };
    required.into_iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axes::Axes;
    use crate::dataset::{CellRecord, Header, Splits};
    use crate::metric::{Metric, Unit};
    use crate::plan::Plan;
    use crate::shard::{Part, Shard};
    use crate::vocabulary::TargetName;

    /// A run of iptables-legacy and nftables, in which every cell was skipped for this reason.
    fn skipped(reason: &str) -> Dataset {
        let backends = vec![BackendName::IptablesLegacy, BackendName::Nftables];
        let cells = Axes { services: vec![4], backends, ..Axes::default() }.expand();
        let record = |&cell| CellRecord {
            scenario: "test".to_owned(),
            target: TargetName::Host,
            cell,
            round: 0,
            replica: 0,
            outcome: Outcome::Skipped,
            reason: reason.to_owned(),
            metric: Metric::Connect,
            unit: Unit::Ns,
            samples: Vec::new(),
            split: Splits::default(),
        };
        let records = cells.iter().map(record).collect();
        let header = Header::example(Plan { cells, ..Plan::example(TargetName::Host) });
        Dataset { header, cells: records, end: None }
    }

    #[test]
    fn a_required_backend_that_was_skipped_is_named_with_the_reason() {
        let said = |required: &[BackendName], dataset: &Dataset| {
            unmet(required.iter().copied(), dataset).iter().map(Unmet::to_string).collect::<Vec<_>>()
        };
        let dataset = skipped("nft is not installed");
        let planned = dataset.cells.len() / 2;
        let expected =
            format!("nftables is required; skipped were {planned} of its {planned} cells: nft is not installed");
        assert_eq!(said(&[BackendName::Nftables], &dataset), [expected]);
        assert_eq!(said(&[BackendName::Ipvs], &dataset), ["ipvs is required, and nothing was asked of it"]);
        assert!(said(&[], &dataset).is_empty());
    }

    #[test]
    fn a_service_without_endpoints_wants_nothing() {
        let dataset = skipped(&format!("default/svc-1 {NO_ENDPOINT} connect to"));
        assert!(unmet([BackendName::Nftables], &dataset).is_empty());
    }

    #[test]
    fn a_backend_whose_cells_another_shard_has_is_not_missed() {
        let mut dataset = skipped("nft is not installed");
        let is_own = |cell: &Cell| cell.variant.backend == BackendName::IptablesLegacy;
        dataset.cells.retain(|record| is_own(&record.cell));
        let own = dataset.header.plan.cells.iter().enumerate().filter(|(_, cell)| is_own(cell)).map(|(place, _)| place);
        dataset.header.part = Some(Part { shard: Shard { number: 1, of: 2 }, cells: own.collect() });
        assert!(unmet([BackendName::Nftables], &dataset).is_empty());
        assert_eq!(unmet([BackendName::IptablesLegacy, BackendName::Ipvs], &dataset).len(), 2);
    }
}
