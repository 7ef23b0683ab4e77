//! A real kube-proxy in guests, where `SVCLAB_KUBE_PROXY` names one.

use super::{dataset, ended, real, scenario, workplace};
use anyhow::{Context, Result, ensure};
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, Outcome};
use std::collections::BTreeMap;

const MODES: &str = "\
name: guest
question: What does kube-proxy count?
target: exact
services: [10]
backends: [iptables-legacy, ipvs, nftables]
way: [kube-proxy]
probes: [sync_full, sync_change, restart, resync, idle]
";

pub(super) fn a_real_kube_proxy_runs_in_every_mode() -> Result<()> {
    let folder = workplace(MODES)?;
    let file = real::file();
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

/// Go's runtime included: two runs have the same digits.
pub(super) fn a_real_kube_proxy_s_samples_are_the_same_from_run_to_run() -> Result<()> {
    let folder = workplace(&MODES.replace("ipvs, ", ""))?;
    let file = real::file();
    let samples = |out: &str, jobs: &str| -> Result<_> {
        let options = ["--kube-proxy", &file, "--driver", "kube-proxy", "--jobs", jobs];
        ended(&scenario(folder.path(), out, &options).output()?, 0)?;
        let records = dataset(folder.path(), out)?.cells.into_iter();
        Ok(records.map(|record| ((record.cell, record.metric), record.samples)).collect::<BTreeMap<_, _>>())
    };
    let (first, second) = (samples("first", "1")?, samples("second", "2")?);
    ensure!(first.len() > 50 && first.len() == second.len(), "{} and {}", first.len(), second.len());
    for (of, samples) in &first {
        ensure!(second.get(of) == Some(samples), "{of:?}: {samples:?} and {:?}", second.get(of));
    }
    Ok(())
}
