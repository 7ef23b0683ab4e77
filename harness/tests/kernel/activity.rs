//! What runs beside probes, on this machine's kernel.

use super::{dataset, expect, scenario, workplace};
use anyhow::{Result, ensure};
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, Outcome, ProbeName};

const BESIDE: &str = "\
name: quick
question: What happens to traffic meanwhile?
target: host
services: [4]
backends: [direct, iptables-legacy, iptables-nft, nftables]
probes: [open_loop, churn]
activity:
  - {churn: 20/s, min-sync-period: 0s, sync-period: 200ms, writer: append, traffic: 50/s}
  - {churn: 20/s, min-sync-period: 0s, writer: restore}
  - {churn: 20/s, min-sync-period: 0s, writer: save}
positions: last
rounds: 1
rate: 200/s
traffic: 500ms
churn: 1s
";

/// After each cell the node is compared with its layout, so that nothing of an activity may be left.
pub(super) fn every_activity_runs_beside_every_probe_that_it_can() -> Result<()> {
    let folder = workplace(BESIDE)?;
    expect(&mut scenario(folder.path()), 0)?;
    let dataset = dataset(folder.path())?;
    for planned in &dataset.header.plan.cells {
        let records = || dataset.cells.iter().filter(|record| record.cell == *planned);
        ensure!(records().all(|record| record.outcome == Outcome::Measured), "{planned:?}");
        let samples =
            |metric| records().filter(move |record| record.metric == metric).flat_map(|record| &record.samples);
        ensure!(samples(Metric::of(planned.probe)).count() > 0, "{planned:?}: no samples");
        let activity = planned.activity;
        ensure!(activity.churn.is_some() == (samples(Metric::SyncBeside).count() > 0), "{planned:?}: syncs");
        ensure!(activity.writer.is_some() == (samples(Metric::WriterCall).count() > 0), "{planned:?}: writer");
        if planned.probe == ProbeName::OpenLoop {
            // Nothing of this loses a connection: neither a sync nor somebody else's rules.
            let missed = [Metric::OpenLoopLost, Metric::OpenLoopReset, Metric::HeldLost];
            ensure!(missed.into_iter().flat_map(samples).all(|&count| count == 0.0), "{planned:?}: lost");
            ensure!(samples(Metric::OpenLoop).count() >= 90, "{planned:?}: connections");
        }
    }
    let direct = dataset.header.plan.cells.iter().filter(|cell| cell.variant.backend == BackendName::Direct);
    ensure!(direct.clone().all(|cell| cell.activity.churn.is_none()) && direct.count() > 0);
    Ok(())
}

/// A small table, with a call for each chain and rule.
pub(super) fn a_table_is_built_rule_by_rule() -> Result<()> {
    let yaml = BESIDE.split("probes:").next().unwrap_or_default();
    let folder = workplace(&format!("{yaml}probes: [build_one_by_one]\nrounds: 1\n"))?;
    expect(&mut scenario(folder.path()), 0)?;
    let dataset = dataset(folder.path())?;
    ensure!(dataset.cells.iter().all(|record| record.outcome == Outcome::Measured), "{:?}", dataset.cells);
    let calls = dataset.cells.iter().filter(|record| record.metric == Metric::BuildCalls);
    ensure!(calls.flat_map(|record| &record.samples).all(|&calls| calls > 20.0), "too few calls");
    let built = dataset.cells.iter().filter(|record| record.metric == Metric::BuildOneByOne);
    ensure!(built.count() == 3, "one of the backends was not built");
    Ok(())
}
