//! The gate, with runs of this machine.

use super::{SVCLAB, dataset, dataset_at, expect, scenario, workplace};
use anyhow::{Context, Result, ensure};
use lab_core::dataset::Record;
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, Outcome, ProbeName};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// A scenario for a gate: one probe that programs the node, and one that sends packets.
pub(super) const GATED: &str = "\
name: quick
question: Is it slower?
target: host
services: [4]
backends: [direct, nftables]
probes: [sync_full, connect]
rounds: 3
dials: 10
";

/// A gate with this folder's baseline, outside of CI.
fn gate(folder: &Path, arguments: &[&str]) -> Command {
    gate_by("out", folder, arguments)
}

/// A gate with the baseline in `baseline`, a folder below `folder`.
pub(super) fn gate_by(baseline: &str, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(SVCLAB);
    command.current_dir(folder).args(["gate", "--baseline", baseline, "--policy", "policy.yaml"]).args(arguments);
    command.env_remove("GITHUB_ACTIONS").stderr(Stdio::piped());
    command
}

/// No time is asserted: nothing gates, so it passes.
pub(super) fn a_gate_runs_the_baseline_s_own_plan() -> Result<()> {
    let folder = workplace(GATED)?;
    let folder = folder.path();
    expect(&mut scenario(folder), 0)?;
    fs::write(folder.join("policy.yaml"), "rules: [{gating: explains}]\n")?;
    // By this policy there is nothing to judge.
    expect(&mut gate(folder, &["--out", "verdict"]), 5)?;
    let (baseline, run) = (dataset(folder)?, dataset_at(&folder.join("verdict/run"))?);
    ensure!(run.header.plan == baseline.header.plan && run.header.scenario == baseline.header.scenario);
    ensure!(run.header.command.get(1).is_some_and(|verb| verb == "gate"), "{:?}", run.header.command);
    ensure!(run.end.is_some_and(|end| end.cells.len() == 1 && end.cells.contains_key(&Outcome::Measured)));
    ensure!(fs::read_to_string(folder.join("verdict/verdict.csv"))?.contains("nftables"));
    Ok(())
}

pub(super) fn what_looks_slower_is_run_again_beside_direct() -> Result<()> {
    let folder = workplace(GATED)?;
    let folder = folder.path();
    expect(&mut scenario(folder), 0)?;
    // A baseline from a machine where nftables takes almost no time.
    let mut baseline = dataset(folder)?;
    let mut text = Record::Run(Box::new(baseline.header.clone())).line();
    for record in &mut baseline.cells {
        if record.cell.variant.backend == BackendName::Nftables && record.metric == Metric::Connect {
            record.samples.iter_mut().for_each(|sample| *sample /= 1000.0);
        }
        text += &Record::Cell(record.clone()).line();
    }
    text += &Record::End(baseline.end.context("no end line")?).line();
    fs::write(folder.join("out/run.jsonl"), text)?;
    // The times of its syncs do not gate.
    fs::write(folder.join("policy.yaml"), "reruns: 2\nrules: [{probe: sync_full, gating: explains}]\n")?;

    let said = expect(&mut gate(folder, &["--out", "verdict"]), 1)?;
    ensure!(said.contains("running again in 2 rounds:") && said.contains("the gate fails: regressed "), "{said}");
    let again = dataset_at(&folder.join("verdict/run/again"))?;
    let asked = |backend| again.header.plan.cells.iter().filter(|cell| cell.variant.backend == backend).count();
    ensure!(again.header.plan.rounds == 2 && asked(BackendName::Nftables) > 0);
    ensure!(asked(BackendName::Direct) == asked(BackendName::Nftables), "{:?}", again.header.plan.cells);
    ensure!(again.header.plan.cells.iter().all(|cell| cell.probe == ProbeName::Connect));

    // The earlier rerun is used; it is not made again.
    let said = expect(&mut gate(folder, &["verdict/run"]), 1)?;
    ensure!(said.starts_with("using the earlier rerun verdict/run/again/run.jsonl\n"), "{said}");
    ensure!(!folder.join("verdict/run/again-2").exists());
    Ok(())
}
