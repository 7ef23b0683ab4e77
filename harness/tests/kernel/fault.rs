//! Faults that are injected into a run.

use super::{QUICK, dataset, expect, scenario, workplace};
use anyhow::{Context, Result, ensure};
use lab_core::cell::{ClusterSpec, Variant};
use lab_core::dataset::CellRecord;
use lab_core::metric::{Metric, Unit};
use lab_core::stats;
use lab_core::vocabulary::{BackendName, Outcome, Position, Word};
use std::fs;
use std::path::Path;

/// Writes faults as `faults.json`: each has a cell's backend, probe and position, and the means.
fn write_faults(folder: &Path, slowdowns: &[(&str, &str, Option<&str>, serde_json::Value)]) -> Result<()> {
    let slowdown = |(backend, probe, position, means): &(&str, &str, Option<&str>, serde_json::Value)| {
        let (cluster, variant) = (ClusterSpec::uniform(4, 2), Variant::usual(BackendName::find(backend)?));
        let cell = serde_json::json!({"cluster": cluster, "variant": variant, "probe": probe, "position": position});
        Ok(serde_json::json!({"cell": cell, "means": means}))
    };
    let slowdowns: Vec<_> = slowdowns.iter().map(slowdown).collect::<Result<_>>()?;
    Ok(fs::write(folder.join("faults.json"), serde_json::to_vec(&slowdowns)?)?)
}

/// Two seconds are a thousand times the tool's own time. 20,000 rules take many times as long as a connection.
pub(super) fn a_fault_slows_its_cell_down_and_no_other() -> Result<()> {
    const DELAY: u64 = 2;
    let folder = workplace(QUICK)?;
    let delay = serde_json::json!({"delay": {"secs": DELAY, "nanos": 0}});
    let faults = [
        ("iptables-legacy", "sync_full", None, delay.clone()),
        ("nftables", "append_rule", None, delay),
        ("iptables-nft", "connect", Some("middle"), serde_json::json!({"rules": 20_000})),
    ];
    write_faults(folder.path(), &faults)?;
    expect(
        scenario(folder.path()).args(["--backend", "iptables-legacy", "--backend", "iptables-nft"]).args([
            "--backend",
            "nftables",
            "--plant",
            "faults.json",
        ]),
        0,
    )?;
    let dataset = dataset(folder.path())?;
    ensure!(dataset.header.plan.slowdowns.len() == faults.len(), "the header does not list the faults");
    let median = |record: &CellRecord| stats::median(&record.samples).context("no samples");
    let delay = DELAY as f64 * 1e9;
    for record in &dataset.cells {
        ensure!(record.outcome == Outcome::Measured, "{record:?}");
        let delayed = faults[..2].iter().any(|(backend, probe, ..)| {
            (record.cell.variant.backend.name(), record.cell.probe.name()) == (*backend, *probe)
                && record.metric == Metric::of(record.cell.probe)
        });
        // The delay is in one of the sync's parts.
        let is_sync = record.metric.name().starts_with("sync_") && record.metric != Metric::of(record.cell.probe);
        let is_part = is_sync || record.metric == Metric::ToolUser;
        if record.metric.unit() == Unit::Ns && record.cell.probe.programs() && !is_part {
            ensure!(delayed == (median(record)? >= delay), "{record:?}");
        }
    }
    let connects = dataset.cells.iter().filter(|record| record.metric == Metric::Connect);
    let (slow, others): (Vec<_>, Vec<_>) = connects.partition(|record| {
        record.cell.variant.backend == BackendName::IptablesNft && record.cell.position == Some(Position::Middle)
    });
    let slow = slow.first().context("no such cell")?;
    for other in others {
        ensure!(median(slow)? > 2.0 * median(other)?, "{slow:?} {other:?}");
    }
    Ok(())
}

pub(super) fn a_fault_without_effect_is_refused() -> Result<()> {
    let folder = workplace(QUICK)?;
    let with = |backend, probe, position| -> Result<String> {
        write_faults(folder.path(), &[(backend, probe, position, serde_json::json!({"rules": 1}))])?;
        let said = expect(scenario(folder.path()).args(["--plant", "faults.json"]), 2)?;
        ensure!(!folder.path().join("out").exists(), "something was written");
        Ok(said)
    };
    let said = with("nftables", "append_rule", None)?;
    ensure!(said.contains("append_rule sends no packets, so rules do not slow it down; inject a delay"), "{said}");
    let said = with("ipvs", "connect", Some("first"))?;
    ensure!(said.contains("--plant faults.json: the scenario has no cell "), "{said}");
    Ok(())
}
