//! A run of which the kernel kills a process.

use super::activity::cgroups;
use super::{QUICK, SVCLAB, expect, scenario, wait_for, workplace};
use anyhow::{Context, Result, ensure};
use lab_core::dataset::Dataset;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// As when memory runs out: the kernel takes the process that measures.
pub(super) fn a_run_whose_inner_process_is_killed_says_so_and_where_its_record_is() -> Result<()> {
    for out in [Some("out"), None] {
        let folder = workplace(QUICK)?;
        let mut command = Command::new(SVCLAB);
        command.current_dir(folder.path()).args(["scenario", "quick.yaml", "--services", "2,3000", "--rounds", "50"]);
        command.args(out.map(|out| format!("--out={out}"))).stdout(Stdio::null());
        let child = command.stderr(fs::File::create(folder.path().join("said"))?).spawn()?;
        let inner = || fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap_or_default();
        let record = || -> Option<PathBuf> {
            let place = match out {
                Some(out) => folder.path().join(out),
                None => fs::read_dir(folder.path().join("runs")).ok()?.next()?.ok()?.path(),
            };
            Some(place.join("run.jsonl"))
        };
        let lines =
            || record().and_then(|record| fs::read_to_string(record).ok()).map_or(0, |text| text.lines().count());
        wait_for(Duration::from_secs(60), || lines() > 2)?;
        let inner: i32 = inner().split_whitespace().next().context("there is no inner process")?.parse()?;
        kill(Pid::from_raw(inner), Signal::SIGKILL)?;
        let status = child.wait_with_output()?.status;
        let said = fs::read_to_string(folder.path().join("said"))?;
        ensure!(status.code() == Some(4), "{status}: {said}");
        let record = record().context("no record")?;
        let place = record.strip_prefix(folder.path())?.display().to_string();
        let expected =
            "svclab: the process inside the sandbox was killed by SIGKILL, as the kernel does when memory runs out";
        ensure!(said.contains(expected) && said.trim_end().ends_with(&format!("is in {place}")), "{said}");
        ensure!(Dataset::read(&fs::read_to_string(record)?)?.end.is_none(), "the record has an end");
    }
    Ok(())
}

/// Of an inside that is killed nothing is left at once; of a whole run that is killed, nothing after the next one.
pub(super) fn kill_nine_leaves_no_cgroup() -> Result<()> {
    const LIMITED: &str = "name: quick\nquestion: Does it go?\ntarget: host\nservices: [300]\n\
         backends: [iptables-legacy]\nprobes: [sync_full]\nactivity: {memory-limit: 512}\nrounds: 1\n";
    let before = cgroups();
    let new = || cgroups().difference(&before).count();
    for outside in [false, true] {
        let folder = workplace(LIMITED)?;
        let mut command = Command::new(SVCLAB);
        command.current_dir(folder.path()).args(["scenario", "quick.yaml", "--out=out", "--rounds", "1000"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        wait_for(Duration::from_secs(60), || new() > 0 || child.try_wait().is_ok_and(|ended| ended.is_some()))?;
        if new() == 0 {
            let record = fs::read_to_string(folder.path().join("out/run.jsonl"))?;
            ensure!(record.contains("memory cannot be limited here"), "no cgroup was made: {record}");
            return Ok(());
        }
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id()))?;
        let inner: i32 = children.split_whitespace().next().context("there is no inner process")?.parse()?;
        kill(if outside { Pid::from_raw(child.id().cast_signed()) } else { Pid::from_raw(inner) }, Signal::SIGKILL)?;
        child.wait()?;
        if outside {
            wait_for(Duration::from_secs(30), || !Path::new(&format!("/proc/{inner}")).exists())?;
            let next = workplace(LIMITED)?;
            expect(&mut scenario(next.path()), 0)?;
        }
        ensure!(new() == 0, "left of a killed run: {:?}", cgroups().difference(&before));
    }
    Ok(())
}
