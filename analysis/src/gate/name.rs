//! What rows are called.

use lab_core::cell::Cell;
use lab_core::cell::Contender;
use lab_core::metric::Metric;
use lab_core::units;
use std::collections::BTreeSet;

/// What cells are beside each other, so that a name says no more than tells them apart.
pub(super) struct Names {
    variants: Vec<Contender>,
    endpoints: BTreeSet<u32>,
}

impl Names {
    pub(super) fn of<'a>(cells: impl Iterator<Item = &'a Cell>) -> Self {
        let (mut variants, mut endpoints) = (BTreeSet::new(), BTreeSet::new());
        for cell in cells {
            variants.insert(cell.contender());
            endpoints.insert(cell.cluster.endpoints);
        }
        Self { variants: variants.into_iter().collect(), endpoints }
    }

    /// `ipvs (batched) at 100 Services, connect (last)`; `nftables at 1 Service, tool_user of sync_full`.
    pub(super) fn row(&self, cell: &Cell, metric: Metric) -> String {
        let Cell { cluster, probe, position, .. } = *cell;
        let services = units::counted(cluster.services.into(), "Service");
        let mut name = format!("{} at {services}", cell.contender().name(&self.variants));
        if self.endpoints.len() > 1 {
            name.push_str(&format!(" of {}", units::counted(cluster.endpoints.into(), "endpoint")));
        }
        name.push_str(&format!(", {metric}"));
        if metric != Metric::of(probe) {
            name.push_str(&format!(" of {probe}"));
        }
        match position {
            Some(position) => format!("{name} ({position})"),
            None => name,
        }
    }
}
