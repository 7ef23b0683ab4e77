//! A study that is interrupted and started again.

use super::{QUICK, SVCLAB, dataset_at, ended, expect, wait_for, workplace};
use anyhow::{Result, ensure};
use lab_core::metric::Metric;
use nix::sys::signal::Signal;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const ROUNDS: u32 = 12;
const STUDY: &str = "\
name: small
question: Does it go on?
scenarios:
  - {scenario: quick.yaml, claims: [nftables-first-packet]}
";

fn study(folder: &Path) -> Command {
    let mut command = Command::new(SVCLAB);
    command.current_dir(folder).args(["study", "small.yaml", "--out", "small"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

pub(super) fn an_interrupted_study_goes_on_where_it_was() -> Result<()> {
    let folder = workplace(&(QUICK.replace("rounds: 1", &format!("rounds: {ROUNDS}")) + "probes: [connect]\n"))?;
    fs::write(folder.path().join("small.yaml"), STUDY)?;
    let run = folder.path().join("small/quick");
    let lines = || fs::read_to_string(run.join("run.jsonl")).map_or(0, |text| text.lines().count());
    let child = study(folder.path()).spawn()?;
    wait_for(Duration::from_secs(60), || lines() > 5)?;
    ended::signal(&child, Signal::SIGTERM)?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.code() == Some(130), "{}: {said}", output.status);
    ensure!(said.contains("the study was interrupted; start it again to go on"), "{said}");
    let before = dataset_at(&run)?;
    ensure!(before.end.as_ref().is_some_and(|end| end.interrupted), "it came to its end: {:?}", before.end);

    expect(&mut study(folder.path()), 0)?;
    let after = dataset_at(&run)?;
    ensure!(after.end.as_ref().is_some_and(|end| !end.interrupted), "{:?}", after.end);
    ensure!(after.header.id == before.header.id, "it is another run");
    ensure!(before.cells.iter().all(|record| after.cells.contains(record)), "what was measured is gone");
    let mut visits: BTreeMap<_, u32> = BTreeMap::new();
    after.cells.iter().for_each(|record| *visits.entry((record.cell, record.round, record.metric)).or_default() += 1);
    ensure!(visits.values().all(|times| *times == 1), "something was measured twice: {visits:?}");
    for cell in &after.header.plan.cells {
        let rounds = after.cells.iter().filter(|record| record.cell == *cell && record.metric == Metric::Connect);
        ensure!(rounds.count() == ROUNDS as usize, "{cell:?} was not measured in every round");
    }
    ensure!(!folder.path().join("small/quick.unfinished-1").exists(), "it began anew");
    Ok(())
}
