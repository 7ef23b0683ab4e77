//! Profiles: counting changes no number, the counts add up, and a difference is found in the right function.

use super::{SVCLAB, dataset, ended, samples, scenario, workplace};
use anyhow::{Context, Result, bail, ensure};
use guests::tool::find;
use lab_core::dataset::{CellRecord, Dataset, Splits};
use lab_core::metric::Metric;
use lab_core::profile::{Comparison, Entry, Profile};
use lab_core::vocabulary::ProbeName;
use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Two guests. The second loads a tenth more.
const TENTH: &str = "\
name: guest
question: What is executed?
target: exact
services: [3000, 3300]
backends: [iptables-legacy]
probes: [sync_full, sync_change, connect]
";

fn profile(folder: &Path, out: &str) -> Result<Profile> {
    Ok(Profile::read(&fs::read_to_string(folder.join(out).join("profile.jsonl"))?)?)
}

pub(super) fn a_profiled_run_has_the_same_digits_and_says_where_they_are_from() -> Result<()> {
    let folder = workplace(TENTH)?;
    let path = format!("{}:{}", without_plugins(folder.path())?.display(), env::var("PATH")?);
    ended(&scenario(folder.path(), "plain", &[]).env("PATH", path).output()?, 0)?;
    ended(&scenario(folder.path(), "profiled", &["--profile"]).output()?, 0)?;
    ensure!(!folder.path().join("plain/profile.jsonl").exists(), "nobody asked for a profile");
    let (plain, mut profiled) = (dataset(folder.path(), "plain")?, dataset(folder.path(), "profiled")?);
    ensure!(plain.cells.iter().all(|record| record.split.is_empty()), "nothing counted instructions");
    ensure!(!plain.header.guest.contains_key("split") && profiled.header.guest.contains_key("split"));
    is_split(&profiled)?;
    profiled.cells.iter_mut().for_each(|record| record.split = Splits::default());
    ensure!(samples(&plain)? == samples(&profiled)?, "to be counted has changed the digits");

    let profile = profile(folder.path(), "profiled")?;
    ensure!(profile.run == profiled.header.id, "it is of another run: {}", profile.run);
    adds_up(&profile, &profiled)?;
    let load = |services| {
        let found = profile
            .entries
            .iter()
            .find(|entry| entry.cell.cluster.services == services && entry.metric == Metric::SyncFull);
        found.with_context(|| format!("no sync_full at {services}"))
    };
    let (small, large) = (load(3000)?, load(3300)?);
    is_where_it_is_expected(small)?;
    finds_the_tenth(small, large)
}

/// A folder with a QEMU that takes no plugins, as some are built.
fn without_plugins(folder: &Path) -> Result<PathBuf> {
    let real = find("qemu-system-x86_64").context("QEMU is installed")?;
    let text = format!(
        "#!/bin/sh\ncase \"$*\" in *-help*) {real} \"$@\" | grep -v plugin ;; *) exec {real} \"$@\" ;; esac\n",
        real = real.display()
    );
    let folder = folder.join("bin");
    fs::create_dir(&folder)?;
    let program = folder.join("qemu-system-x86_64");
    fs::write(&program, text)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

/// The parts of each sample add up to it. Loading is the tool's work more than the kernel's, and a connection is the
/// kernel's alone.
fn is_split(dataset: &Dataset) -> Result<()> {
    let timed = [Metric::SyncFull, Metric::SyncChange, Metric::ToolExec, Metric::Connect, Metric::FirstByte];
    for record in dataset.cells.iter().filter(|record| timed.contains(&record.metric)) {
        let [split] = record.split.0[..] else { bail!("{} is not split: {:?}", record.metric, record.split) };
        let (sum, sample) = ((split.user + split.kernel + split.waited) as f64, record.samples[0]);
        let tolerance = if record.cell.probe == ProbeName::SyncChange { 0.03 } else { 0.001 };
        ensure!((sum - sample).abs() < tolerance * sample + 100.0, "{}: {split:?} of {sample}", record.metric);
        ensure!(split.entries > 0 && split.kernel > split.entries, "{}: {split:?}", record.metric);
        match record.metric {
            Metric::SyncFull => ensure!(split.user > split.kernel, "{split:?}"),
            Metric::Connect => ensure!(split.kernel > 10 * split.user, "{split:?}"),
            _ => {}
        }
    }
    Ok(())
}

/// For an even number of repetitions the sample is the mean of two, and the entry has the lesser one. The clock is read
/// some instructions before a window opens and after it closes.
fn adds_up(profile: &Profile, dataset: &Dataset) -> Result<()> {
    let is_of = |record: &&CellRecord, entry: &Entry| {
        let cell = (record.cell.cluster.services, record.cell.probe, record.cell.position, record.metric);
        cell == (entry.cell.cluster.services, entry.cell.probe, entry.cell.position, entry.metric)
    };
    let timed = [Metric::SyncFull, Metric::SyncChange, Metric::ToolExec, Metric::Connect, Metric::FirstByte];
    let expected = dataset.cells.iter().filter(|record| timed.contains(&record.metric)).count();
    ensure!(profile.entries.len() == expected, "{} entries, not {expected}", profile.entries.len());
    for entry in &profile.entries {
        let record = dataset.cells.iter().find(|record| is_of(record, entry)).context("a sample for every entry")?;
        let (sample, total) = (record.samples[0], entry.total() as f64);
        let tolerance = if entry.cell.probe == ProbeName::SyncChange { 0.03 } else { 0.001 };
        ensure!((total - sample).abs() < tolerance * sample + 100.0, "{}: {total}, not {sample}", entry.metric);
    }
    Ok(())
}

fn is_where_it_is_expected(load: &Entry) -> Result<()> {
    let binaries = load.binaries();
    let of = |name: &str| {
        let found = binaries.iter().filter(|(binary, _)| binary.starts_with(name));
        found.map(|(_, count)| *count).sum::<u64>() as f64 / load.total() as f64
    };
    // The tool reads the rules line by line, and looks up every chain in them.
    ensure!(of("libip4tc.so") + of("libc.so") > 0.5 && of("xtables-legacy-multi") > 0.05, "{binaries:?}");
    ensure!(of("kernel") > 0.05 && of("ip_tables.ko") > 0.005, "{binaries:?}");
    ensure!(of("idle") < 0.01, "{binaries:?}");
    // The lab itself must not show in what it measures.
    ensure!(of("svclab") < 0.01 && of("user") < 0.01, "{binaries:?}");
    let hottest = load.hottest();
    let (hottest, count) = hottest.first().context("it has functions")?;
    ensure!(hottest.binary.starts_with("libc.so"), "{hottest:?} has {count}");
    let kernel = |symbol: &str| load.instructions.keys().any(|function| function.symbol == symbol);
    ensure!(kernel("translate_table") && kernel("do_syscall_64"), "functions of the kernel have no names");
    Ok(())
}

/// The tool looks up chains in a list. A tenth more chains is more than a tenth more work there, and no more work in
/// its start.
fn finds_the_tenth(small: &Entry, large: &Entry) -> Result<()> {
    let comparison = Comparison::of(small, large);
    let ratio = comparison.after as f64 / comparison.before as f64;
    ensure!((1.05..1.25).contains(&ratio), "{ratio}");
    let in_the_tool: i64 = comparison
        .changes
        .iter()
        .filter(|change| !change.function.binary.ends_with(".ko") && change.function.binary != "kernel")
        .map(lab_core::profile::FunctionChange::more)
        .sum();
    ensure!(in_the_tool as f64 > 0.5 * comparison.more() as f64, "{:?}", &comparison.changes[..9]);
    let loader = comparison.changes.iter().filter(|change| change.function.binary.starts_with("ld-linux"));
    let loader: i64 = loader.map(lab_core::profile::FunctionChange::more).sum();
    ensure!((loader.abs() as f64) < 0.01 * comparison.more() as f64, "{loader}");
    Ok(())
}

pub(super) fn a_profile_of_another_target_is_refused() -> Result<()> {
    let folder = workplace(TENTH)?;
    let mut profiled = Command::new(SVCLAB);
    profiled.current_dir(folder.path()).args([
        "scenario",
        "guest.yaml",
        "--out",
        "out",
        "--target",
        "host",
        "--profile",
    ]);
    let said = ended(&profiled.output()?, 2)?;
    ensure!(said.contains("; run with --target exact"), "{said}");
    ensure!(!folder.path().join("out").exists(), "something was written");
    Ok(())
}
