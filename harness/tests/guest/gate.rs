//! The gate on runs in guests: it runs its baseline's plan again, and finds the functions behind a regression.

use super::{SVCLAB, TWO, dataset, ended, samples, scenario, workplace};
use anyhow::{Context, Result, ensure};
use lab_core::metric::Metric;
use lab_core::slowdown::{Means, Slowdown};
use lab_core::vocabulary::ProbeName;
use std::fs;
use std::process::{Command, Output};
use std::time::Duration;

/// The gate runs the baseline's plan and gets the baseline's numbers. Then the baseline is made one percent faster.
pub(super) fn a_gate_passes_the_same_program_and_finds_one_percent() -> Result<()> {
    let folder = workplace(TWO)?;
    let folder = folder.path();
    ended(&scenario(folder, "out", &[]).output()?, 0)?;
    let gate = |out| {
        let mut command = Command::new(SVCLAB);
        command.current_dir(folder).args(["gate", "--baseline", "out", "--out", out]);
        command.env_remove("GITHUB_ACTIONS").output()
    };
    ended(&gate("same")?, 0)?;
    let (before, after) = (dataset(folder, "out")?, dataset(folder, "same/run")?);
    ensure!(samples(&before)? == samples(&after)? && before.header.plan == after.header.plan);

    let text = fs::read_to_string(folder.join("out/run.jsonl"))?;
    let connect = before.cells.iter().find(|cell| cell.metric == Metric::Connect).context("no connect")?;
    let sample = connect.samples.first().context("no sample")?;
    let faster = text.replace(&format!("[{sample}"), &format!("[{}", (sample / 1.01).floor()));
    ensure!(faster != text, "there is no sample {sample}");
    fs::write(folder.join("out/run.jsonl"), faster)?;
    let output = gate("slower")?;
    let said = ended(&output, 1)?;
    ensure!(said.contains("svclab: the gate fails: regressed "), "{said}");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(told.contains("connect"), "{told}");
    Ok(())
}

/// One guest with one cell that calls a tool.
const TOOL: &str = "\
name: guest
question: In which functions is it?
target: exact
services: [4]
backends: [iptables-legacy]
probes: [append_rule]
";

/// The baseline was profiled, the run was not. So the gate runs the regressed cells again with a profile.
pub(super) fn a_regression_is_followed_into_its_functions() -> Result<()> {
    let folder = workplace(TOOL)?;
    let folder = folder.path();
    ended(&scenario(folder, "before", &["--profile"]).output()?, 0)?;
    let svclab = |args: &[&str]| -> Result<Output> {
        Ok(Command::new(SVCLAB).current_dir(folder).args(args).env_remove("GITHUB_ACTIONS").output()?)
    };
    ended(&svclab(&["baseline", "update", "base.jsonl", "--from", "before", "--reason", "the first"])?, 0)?;
    let plan = dataset(folder, "before")?.header.plan;
    let cell = *plan.cells.iter().find(|cell| cell.probe == ProbeName::AppendRule).context("no append_rule")?;
    let slowdown = Slowdown { cell, means: Means::Delay(Duration::from_millis(1)) };
    fs::write(folder.join("plant.json"), serde_json::to_vec(&[slowdown])?)?;
    ended(&scenario(folder, "after", &["--plant", "plant.json"]).output()?, 0)?;

    let gate = ["gate", "--baseline", "base.jsonl", "after"];
    let first = svclab(&gate)?;
    let said = ended(&first, 1)?;
    ensure!(said.contains("running again, to see in which functions it is"), "{said}");
    let told = String::from_utf8_lossy(&first.stdout).into_owned();
    ensure!(told.contains("Where it is: iptables-legacy at 4 Services, append_rule"), "{told}");
    // The delay reads the process's clock over and over.
    ensure!(told.contains("thread_group_cputime"), "{told}");
    ensure!(folder.join("after/where/profile.jsonl").is_file());

    let second = svclab(&gate)?;
    let said = ended(&second, 1)?;
    ensure!(!said.contains("running again"), "{said}");
    ensure!(second.stdout == first.stdout, "{}", String::from_utf8_lossy(&second.stdout));
    Ok(())
}
