//! What runs beside probes, on this machine's kernel.

use super::{dataset, expect, scenario, workplace};
use anyhow::{Context, Result, bail, ensure};
use lab_core::cell::Cell;
use lab_core::dataset::Dataset;
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, LayoutName, Outcome, ProbeName};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

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

/// A limit that is enough, and one that is not: what the tool was, and nothing left of the cgroups.
pub(super) fn memory_that_is_not_enough_is_told_and_goes() -> Result<()> {
    let before = cgroups();
    let folder = workplace(
        "name: quick\nquestion: How many fit?\ntarget: host\nservices: [500]\nbackends: [iptables-legacy]\n\
         probes: [sync_full]\nactivity: [{memory-limit: 4}, {memory-limit: 512}]\nrounds: 1\n",
    )?;
    let output = scenario(folder.path()).output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let dataset = dataset(folder.path()).with_context(|| said.clone())?;
    let of = |memory| dataset.cells.iter().find(move |record| record.cell.activity.memory == Some(memory));
    let (Some(small), Some(large)) = (of(4), of(512)) else { bail!("{:?}", dataset.cells) };
    if small.outcome == Outcome::Skipped {
        // This machine lets nobody make a cgroup, and says so.
        ensure!(small.reason.contains("memory cannot be limited here"), "{}", small.reason);
        ensure!(output.status.code() == Some(3), "{}: {said}", output.status);
        return Ok(());
    }
    ensure!(output.status.success(), "{}: {said}", output.status);
    ensure!((small.outcome, large.outcome) == (Outcome::OverBudget, Outcome::Measured), "{small:?} {large:?}");
    ensure!(small.reason.starts_with("4 MiB are not enough for the tools: iptables-legacy"), "{}", small.reason);
    let after = cgroups();
    let left: Vec<_> = after.difference(&before).collect();
    ensure!(left.is_empty(), "{left:?} are left");
    Ok(())
}

/// The names of all cgroups that labs have made, anybody's.
pub(super) fn cgroups() -> BTreeSet<String> {
    walk("/sys/fs/cgroup").into_iter().filter(|name| name.starts_with("svclab-")).collect()
}

/// The names of the folders below `folder`, a few levels deep.
fn walk(folder: &str) -> Vec<String> {
    let (mut names, mut open) = (Vec::new(), vec![(PathBuf::from(folder), 0)]);
    while let Some((folder, depth)) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && depth < 6 {
                names.extend(entry.file_name().into_string());
                open.push((entry.path(), depth + 1));
            }
        }
    }
    names
}

/// Entries are made, and removed again; the limit of all the machine is not touched.
pub(super) fn the_machine_s_conntrack_limit_is_left_alone() -> Result<()> {
    const MAX: &str = "/proc/sys/net/netfilter/nf_conntrack_max";
    let before = fs::read_to_string(MAX).ok();
    let folder = workplace(
        "name: quick\nquestion: What is lost?\ntarget: host\nservices: [4]\nbackends: [iptables-legacy]\n\
         probes: [connect]\npositions: last\ndials: 5\nactivity: [{conntrack: 3000}, {conntrack: 17, conntrack-max: 17}]\n\
         rounds: 1\n",
    )?;
    expect(&mut scenario(folder.path()), 0)?;
    ensure!(fs::read_to_string(MAX).ok() == before, "the machine's limit is another one");
    let dataset = dataset(folder.path())?;
    for record in &dataset.cells {
        match record.cell.activity.conntrack.map(|conntrack| conntrack.max) {
            Some(None) => ensure!(record.outcome == Outcome::Measured, "{record:?}"),
            Some(Some(_)) => {
                let alone = record.reason.contains("left alone") || record.reason.contains("tracks no connections");
                ensure!(record.outcome == Outcome::Skipped && alone, "{record:?}");
            }
            None => bail!("{record:?}"),
        }
    }
    let dropped = dataset.cells.iter().filter(|record| record.metric == Metric::ConntrackDropped);
    ensure!(dropped.flat_map(|record| &record.samples).eq(&[0.0]), "{:?}", dataset.cells);
    Ok(())
}

/// Connections to a removed endpoint stay, and their ports lead to another one. A Service of UDP without endpoints says so where its
/// entry in conntrack is removed.
pub(super) fn endpoints_go_away() -> Result<()> {
    let folder = workplace(
        "name: quick\nquestion: What then?\ntarget: host\nservices: [300]\nmix: {udp: 99%}\n\
         layout: [kube-proxy-1.30, kube-proxy-1.36]\nbackends: [iptables-legacy, nftables]\nprobes: [udp_blackhole]\n\
         traffic: 500ms\nrate: 1000/s\nrounds: 1\n",
    )?;
    expect(&mut scenario(folder.path()), 0)?;
    let silent = dataset(folder.path())?;
    for cell in &silent.header.plan.cells {
        let of = |metric| sample(&silent, cell, metric);
        let (sent, refused) = (of(Metric::BlackholeSent)?, of(Metric::BlackholeRefused)?);
        ensure!(sent == 500.0, "{cell:?}: {sent}");
        ensure!((refused > 0.0) == (cell.variant.layout == LayoutName::KubeProxy130), "{cell:?}: {refused}");
    }
    let folder = workplace(
        "name: quick\nquestion: What then?\ntarget: host\nservices: [4]\nendpoints: 3\n\
         backends: [iptables-legacy, iptables-nft, nftables]\nprobes: [removed_endpoint, spread]\npositions: middle\n\
         activity:\n  - none\n  - {churn: 20/s, min-sync-period: 0s}\ndials: 200\nrounds: 1\n",
    )?;
    expect(&mut scenario(folder.path()), 0)?;
    let dataset = dataset(folder.path())?;
    for cell in &dataset.header.plan.cells {
        let is = |metric, expected: f64| {
            let found = sample(&dataset, cell, metric)?;
            ensure!(found == expected, "{cell:?}: {metric} is {found}, not {expected}");
            Ok(())
        };
        match cell.probe {
            ProbeName::RemovedEndpoint => {
                is(Metric::RemovedOpen, 8.0)?;
                is(Metric::RemovedBroken, 0.0)?;
                is(Metric::ReusedStale, 0.0)?;
                is(Metric::ReusedLost, 0.0)?;
            }
            // The pod of an endpoint that goes answers on, so that none is lost.
            _ => is(Metric::SpreadConnections, 200.0)?,
        }
    }
    Ok(())
}

/// The only sample of `metric` that `cell` has.
fn sample(dataset: &Dataset, cell: &Cell, metric: Metric) -> Result<f64> {
    let record = dataset.cells.iter().find(|record| (record.cell, record.metric) == (*cell, metric));
    let sample = record.and_then(|record| record.samples.first().copied());
    sample.with_context(|| format!("{cell:?} has no {metric}"))
}

/// With a release that removes entries of conntrack it is answered again, without one it is not.
pub(super) fn a_client_of_udp_is_in_the_dark() -> Result<()> {
    let folder = workplace(
        "name: quick\nquestion: For how long?\ntarget: host\nservices: [300]\nmix: {udp: 99%}\n\
         layout: [kube-proxy-1.30, kube-proxy-1.36]\nbackends: [iptables-legacy, nftables]\nprobes: [udp_stale]\n\
         traffic: 1s\nrounds: 1\n",
    )?;
    expect(&mut scenario(folder.path()), 0)?;
    let dataset = dataset(folder.path())?;
    for cell in &dataset.header.plan.cells {
        let samples = |metric| {
            let records = dataset.cells.iter().filter(move |record| (record.cell, record.metric) == (*cell, metric));
            records.flat_map(|record| record.samples.clone()).collect::<Vec<f64>>()
        };
        let (sent, lost) = (samples(Metric::UdpSent), samples(Metric::UdpLost));
        let answered = !samples(Metric::UdpDark).is_empty();
        ensure!(answered == (cell.variant.layout == LayoutName::KubeProxy130), "{cell:?}: {sent:?} {lost:?}");
        ensure!(answered == (sent != lost), "{cell:?}: {sent:?} {lost:?}");
        ensure!(answered || lost[0] >= 10.0, "{cell:?}: {sent:?} {lost:?}");
    }
    Ok(())
}
