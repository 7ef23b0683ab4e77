//! New starts, refused loads, bound cluster IPs, and which endpoint is chosen for whom, on this machine's kernel.

use super::{dataset, expect, scenario, workplace};
use anyhow::{Result, ensure};
use lab_core::cell::Cell;
use lab_core::dataset::Dataset;
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, Outcome, ProbeName};

const ASKED: &str = "\
name: quick
question: Which endpoint is chosen?
target: host
services: [4]
backends: [direct, iptables-legacy, iptables-nft, nftables]
probes: [restart, load_after_failure, bind_alias, bind_routes, bind_range, spread, affinity]
affinity: 3s
rounds: 1
dials: 40
";

fn sample(dataset: &Dataset, cell: &Cell, metric: Metric) -> Option<f64> {
    let record = dataset.cells.iter().find(|record| record.cell == *cell && record.metric == metric)?;
    record.samples.first().copied()
}

pub(super) fn endpoints_are_counted_and_clients_come_back() -> Result<()> {
    let folder = workplace(ASKED)?;
    expect(&mut scenario(folder.path()), 0)?;
    let dataset = dataset(folder.path())?;
    ensure!(dataset.cells.iter().all(|record| record.outcome == Outcome::Measured), "{:?}", dataset.cells);
    for cell in &dataset.header.plan.cells {
        let is = |metric, expected: f64| {
            let found = sample(&dataset, cell, metric);
            ensure!(found == Some(expected), "{cell:?}: {metric} is {found:?}, not {expected}");
            Ok(())
        };
        let by_iptables = matches!(cell.variant.backend, BackendName::IptablesLegacy | BackendName::IptablesNft);
        match cell.probe {
            ProbeName::BindAlias => {
                is(Metric::ArpAnsweredStrict, 2.0)?;
                is(Metric::StrayAnswered, 0.0)?;
            }
            ProbeName::BindRoutes => {
                is(Metric::ArpAnswered, 2.0)?;
                is(Metric::ArpAnsweredStrict, 0.0)?;
                is(Metric::StrayAnswered, 0.0)?;
            }
            ProbeName::BindRange => {
                is(Metric::PingAnswered, 2.0)?;
                is(Metric::StrayAnswered, 1.0)?;
                ensure!(sample(&dataset, cell, Metric::BindOne).is_none(), "a range has no address more to bind");
            }
            ProbeName::Spread => is(Metric::SpreadConnections, 40.0)?,
            ProbeName::Affinity => {
                is(Metric::AffinityMoved, 0.0)?;
                is(Metric::AffinityCrowd, 300.0)?;
                // The recent module's lists take 100 clients each.
                let forgotten = sample(&dataset, cell, Metric::AffinityForgotten);
                ensure!(forgotten.is_some_and(|count| (count > 20.0) == by_iptables), "{cell:?}: {forgotten:?}");
            }
            _ => {}
        }
    }
    Ok(())
}
