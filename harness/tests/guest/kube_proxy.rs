//! A real kube-proxy in guests, where `SVCLAB_KUBE_PROXY` names one.

use super::{dataset, ended, scenario, workplace};
use anyhow::{Context, Result, ensure};
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, Outcome};
use std::path::Path;

const VARIABLE: &str = "SVCLAB_KUBE_PROXY";

const MODES: &str = "\
name: guest
question: What does kube-proxy count?
target: exact
services: [10]
backends: [iptables-legacy, ipvs, nftables]
way: [kube-proxy]
probes: [sync_full, sync_change, restart, resync, idle]
";

/// Whether there is one.
pub(super) fn there() -> Result<(), String> {
    let file = std::env::var(VARIABLE).map_err(|_| format!("{VARIABLE} names no kube-proxy binary"))?;
    if Path::new(&file).is_file() { Ok(()) } else { Err(format!("{VARIABLE} names {file}, which is no file")) }
}

pub(super) fn a_real_kube_proxy_runs_in_every_mode() -> Result<()> {
    let folder = workplace(MODES)?;
    let file = std::env::var(VARIABLE)?;
    ended(&scenario(folder.path(), "out", &["--kube-proxy", &file, "--driver", "kube-proxy"]).output()?, 0)?;
    let run = dataset(folder.path(), "out")?;
    ensure!(run.cells.iter().all(|cell| cell.outcome == Outcome::Measured), "{:?}", run.cells);
    let ipvs = run
        .cells
        .iter()
        .find(|cell| cell.cell.variant.backend == BackendName::Ipvs && cell.metric == Metric::VirtualServers);
    ensure!(ipvs.context("no virtual servers")?.samples == [10.0], "{ipvs:?}");
    Ok(())
}
