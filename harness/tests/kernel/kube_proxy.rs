//! A kube-proxy that programs nodes in place of the lab: a real one where `SVCLAB_KUBE_PROXY` names it, and programs that
//! only say that they are one.

use super::ended::processes_with;
use super::{SVCLAB, dataset, expect, real, scenario, wait_for, workplace};
use anyhow::{Context, Result, ensure};
use lab_core::dataset::{CellRecord, Dataset};
use lab_core::metric::Metric;
use lab_core::vocabulary::{Outcome, ProbeName};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const BESIDE: &str = "\
name: quick
question: What does kube-proxy add?
target: host
services: [30]
endpoints: 3
backends: [iptables-legacy, iptables-nft, nftables]
probes: [sync_full, sync_change, endpoint_change, remove_service, restart, connect]
rounds: 1
dials: 10
";

fn of_driver<'a>(dataset: &'a Dataset, name: &'a str) -> impl Iterator<Item = &'a CellRecord> {
    dataset.cells.iter().filter(move |record| record.cell.variant.driver.name() == name)
}

pub(crate) fn a_real_kube_proxy_is_measured_beside_the_lab() -> Result<()> {
    let folder = workplace(BESIDE)?;
    let given = format!("real={}", real::file());
    expect(scenario(folder.path()).args(["--kube-proxy", &given]), 0)?;
    let dataset = dataset(folder.path())?;
    for record in &dataset.cells {
        ensure!(record.outcome == Outcome::Measured, "{record:?}");
    }
    let has = |driver, metric| of_driver(&dataset, driver).any(|record| record.metric == metric);
    for metric in [Metric::DriverSync, Metric::DriverCpu, Metric::DriverMemory, Metric::InForce, Metric::Restart] {
        ensure!(has("real", metric) && !has("lab", metric), "{metric}");
    }
    ensure!(has("lab", Metric::SyncChange) && has("real", Metric::SyncChange), "both are asked");
    let runs = |metric| of_driver(&dataset, "real").filter(move |record| record.metric == metric);
    let changes = |record: &&CellRecord| record.cell.probe == ProbeName::SyncChange;
    ensure!(runs(Metric::ToolRunsRestore).any(|record| changes(&record)), "iptables-restore is counted");
    ensure!(runs(Metric::ToolRunsNft).any(|record| changes(&record)), "nft is counted");
    let summary = fs::read_to_string(folder.path().join("out/summary.csv"))?;
    ensure!(summary.lines().next().is_some_and(|first| first.contains(",driver,")), "no column driver");
    Ok(())
}

pub(crate) fn a_real_kube_proxy_installs_what_the_layout_says() -> Result<()> {
    let mut command = Command::new(SVCLAB);
    command.args(["fidelity", "--services", "60", "--kube-proxy", &real::file()]);
    command.args(["--backend", "iptables-legacy", "--backend", "iptables-nft", "--backend", "nftables"]);
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.code() == Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
    ensure!(said.matches("no difference from kube-proxy-1.").count() == 3, "{said}");
    Ok(())
}

/// A program that says it is a kube-proxy, and then does `what`.
fn imposter(folder: &Path, what: &str) -> Result<PathBuf> {
    let file = folder.join("imposter");
    fs::write(&file, format!("#!/bin/sh\n[ \"$1\" = --version ] && echo Kubernetes v1.36.0 && exit\n{what}\n"))?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    Ok(file)
}

/// A run of `sync_full` with an imposter: the outcome and the reason of its cell, and that the lab's own was measured.
fn with_imposter(what: &str, args: &[&str]) -> Result<(Outcome, String)> {
    let folder = workplace(
        "name: quick\nquestion: Does it fail?\ntarget: host\nservices: [2]\nbackends: [iptables-legacy]\n\
         probes: [sync_full]\nrounds: 1\n",
    )?;
    let file = imposter(folder.path(), what)?;
    let mark = format!("imposter-{}", std::process::id());
    let mut command = scenario(folder.path());
    command.args(args).arg("--kube-proxy").arg(&file).env("SVCLAB_TEST_MARK", &mark);
    command.output()?;
    let dataset = dataset(folder.path())?;
    ensure!(of_driver(&dataset, "lab").all(|record| record.outcome == Outcome::Measured), "the run went on");
    wait_for(Duration::from_secs(20), || processes_with(&mark) == 0)?;
    let record = of_driver(&dataset, "kube-proxy").next().context("a cell without a record")?;
    Ok((record.outcome, record.reason.clone()))
}

pub(crate) fn a_kube_proxy_that_ends_at_once_fails_its_cells_with_its_own_words() -> Result<()> {
    let (outcome, reason) = with_imposter("echo 'E1129 no such mode' >&2; exit 3", &[])?;
    ensure!(outcome == Outcome::Failed, "{outcome:?}");
    ensure!(reason.contains("it ended by itself (exit status: 3)"), "{reason}");
    ensure!(reason.contains("its log ends: E1129 no such mode"), "{reason}");
    Ok(())
}

/// It ignores SIGTERM, too.
pub(crate) fn a_kube_proxy_that_hangs_is_over_budget_and_leaves_nothing() -> Result<()> {
    let (outcome, reason) = with_imposter("trap '' TERM\n/bin/sleep 600", &["--budget", "2s"])?;
    ensure!(outcome == Outcome::OverBudget, "{outcome:?}: {reason}");
    ensure!(reason.contains("had not synced for the first time"), "{reason}");
    Ok(())
}
