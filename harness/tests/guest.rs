//! Whole runs in guests: their numbers repeat, and they leave nothing behind, however they end.

#[path = "real/mod.rs"]
mod real;
#[path = "../../ci/tier.rs"]
mod tier;

#[path = "guest/fault.rs"]
mod fault;
#[path = "guest/gate.rs"]
mod gate;
#[path = "guest/kernels.rs"]
mod kernels;
#[path = "guest/kube_proxy.rs"]
mod kube_proxy;
#[path = "guest/profile.rs"]
mod profile;
#[path = "guest/refused.rs"]
mod refused;
#[path = "guest/tools.rs"]
mod tools;

use anyhow::{Context, Result, bail, ensure};
use lab_core::dataset::{CellRecord, Dataset, Splits};
use lab_core::vocabulary::Outcome;
use libtest_mimic::{Arguments, Failed};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::env;
use std::fs::{self};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};
use tier::{Requirement, Tier};

const SVCLAB: &str = env!("CARGO_BIN_EXE_svclab");

/// The kernel of these tests: fetched once, then in this user's cache.
const SUITE: &str = "debian-12";

/// Every backend and every usual probe, as quick as possible.
const EVERYTHING: &str = "\
name: guest
question: Does it come out the same?
target: exact
services: [4]
dials: 10
traffic: 100ms
";

/// Two guests with one cell each.
const TWO: &str = "\
name: guest
question: What is left?
target: exact
services: [4, 5]
backends: [direct]
probes: [connect]
dials: 10
";

fn main() -> ExitCode {
    let tier = Tier::look(&[
        Requirement { name: "qemu", check: guests },
        Requirement { name: "kube-proxy", check: real::there },
        Requirement { name: "netns", check: || netns_topology::check().map(drop).map_err(|e| e.to_string()) },
    ]);
    let test = |name, test: fn() -> Result<()>| {
        tier.trial(name, &["qemu"], move || test().map_err(|error| Failed::from(format!("{error:?}"))))
    };
    let sandboxed = |name, test: fn() -> Result<()>| {
        tier.trial(name, &["qemu", "netns"], move || test().map_err(|error| Failed::from(format!("{error:?}"))))
    };
    let with_real = |name, test: fn() -> Result<()>| {
        tier.trial(name, &["qemu", "kube-proxy"], move || test().map_err(|error| Failed::from(format!("{error:?}"))))
    };
    let trials = vec![
        with_real("a_real_kube_proxy_runs_in_every_mode", kube_proxy::a_real_kube_proxy_runs_in_every_mode),
        with_real(
            "a_real_kube_proxy_s_samples_are_the_same_from_run_to_run",
            kube_proxy::a_real_kube_proxy_s_samples_are_the_same_from_run_to_run,
        ),
        test("a_program_s_output_and_exit_code_come_out", a_program_s_output_and_exit_code_come_out),
        test("node_netlink_s_own_tests_pass_in_a_guest", node_netlink_s_own_tests_pass_in_a_guest),
        test("ipvs_answers_traffic_to_every_type_of_service", ipvs_answers_traffic_to_every_type_of_service),
        test("ipvs_agrees_with_the_walk_of_a_packet", ipvs_agrees_with_the_walk_of_a_packet),
        test("every_sample_is_the_same_from_run_to_run", every_sample_is_the_same_from_run_to_run),
        test(
            "a_profiled_run_has_the_same_digits_and_says_where_they_are_from",
            profile::a_profiled_run_has_the_same_digits_and_says_where_they_are_from,
        ),
        test("a_profile_of_another_target_is_refused", profile::a_profile_of_another_target_is_refused),
        test(
            "a_guest_is_the_same_whatever_fault_is_injected_later_on",
            fault::a_guest_is_the_same_whatever_fault_is_injected_later_on,
        ),
        test("kill_nine_leaves_nothing", kill_nine_leaves_nothing),
        test("ctrl_c_leaves_a_valid_dataset_and_no_guest", ctrl_c_leaves_a_valid_dataset_and_no_guest),
        test("a_lost_guest_fails_its_cell_and_no_other", a_lost_guest_fails_its_cell_and_no_other),
        test("a_kernel_that_is_none_is_refused", refused::a_kernel_that_is_none_is_refused),
        test("a_damaged_kernel_is_refused", refused::a_damaged_kernel_is_refused),
        test("more_memory_than_the_machine_has_is_refused", refused::more_memory_than_the_machine_has_is_refused),
        test("a_module_that_is_missing_skips_what_needs_it", refused::a_module_that_is_missing_skips_what_needs_it),
        test(
            "a_gate_passes_the_same_program_and_finds_one_percent",
            gate::a_gate_passes_the_same_program_and_finds_one_percent,
        ),
        test("a_regression_is_followed_into_its_functions", gate::a_regression_is_followed_into_its_functions),
        test(
            "cells_of_a_kernel_run_on_it_and_shards_are_merged",
            kernels::cells_of_a_kernel_run_on_it_and_shards_are_merged,
        ),
        test("a_suite_s_tools_are_what_runs", tools::a_suite_s_tools_are_what_runs),
        sandboxed("a_kernel_that_cannot_be_fetched_is_named", refused::a_kernel_that_cannot_be_fetched_is_named),
        sandboxed("an_emulator_that_is_missing_is_named", refused::an_emulator_that_is_missing_is_named),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Whether guests can start: checks QEMU, the tools that no other tier needs, and a kernel.
fn guests() -> Result<(), String> {
    let path = env::var("PATH").unwrap_or_default() + ":/usr/local/sbin:/usr/sbin:/sbin";
    for name in ["qemu-system-x86_64", "ipset", "ipvsadm"] {
        if !path.split(':').any(|folder| Path::new(folder).join(name).is_file()) {
            return Err(format!("{name} is not installed; run ci/setup"));
        }
    }
    let fetched = Command::new(SVCLAB).args(["fetch", "kernel", SUITE]).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&fetched.stderr);
    if fetched.status.success() { Ok(()) } else { Err(said.trim().to_owned()) }
}

/// A folder with `yaml` in it as `guest.yaml`.
fn workplace(yaml: &str) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("guest.yaml"), yaml)?;
    Ok(folder)
}

/// A run of the scenario in `folder`, into `out`.
fn scenario(folder: &Path, out: &str, options: &[&str]) -> Command {
    let mut command = Command::new(SVCLAB);
    command.current_dir(folder).args(["scenario", "guest.yaml", "--out", out, "--kernel", SUITE]).args(options);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn dataset(folder: &Path, out: &str) -> Result<Dataset> {
    Ok(Dataset::read(&fs::read_to_string(folder.join(out).join("run.jsonl"))?)?)
}

/// Standard error, after an exit with `code`.
fn ended(output: &Output, code: i32) -> Result<String> {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.code() == Some(code), "{}, not {code}: {said}", output.status);
    Ok(said)
}

fn a_program_s_output_and_exit_code_come_out() -> Result<()> {
    let script = "echo $GREETING; echo oh >&2; ipset --version; exit 7";
    let args = ["guest", "--program", "/bin/sh", "--kernel", SUITE, "--env", "GREETING=hello", "--", "-c", script];
    let output = Command::new(SVCLAB).args(args).output()?;
    let said = ended(&output, 7)?;
    ensure!(said.trim_end() == "oh", "{said}");
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(said.starts_with("hello\nipset v"), "{said}");
    Ok(())
}

fn node_netlink_s_own_tests_pass_in_a_guest() -> Result<()> {
    let tests = tests("node-netlink", "kernel", "every_scheduler_is_listed_back")?;
    let output = Command::new(SVCLAB)
        .args(["guest", "--kernel", SUITE, "--env", "SVCLAB_REQUIRE=ipvs", "--program"])
        .arg(&tests)
        .output()?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = ended(&output, 0).with_context(|| printed.clone())?;
    ensure!(printed.contains("test result: ok. 15 passed; 0 failed; 0 ignored; "), "{printed}{said}");
    Ok(())
}

/// Every type of Service in IPVS, which this machine's kernel may lack, asked with traffic.
fn ipvs_answers_traffic_to_every_type_of_service() -> Result<()> {
    traffic("ipvs kube-proxy-1.30")?;
    traffic("ipvs kube-proxy-1.20")
}

fn ipvs_agrees_with_the_walk_of_a_packet() -> Result<()> {
    traffic("walk ipvs kube-proxy-1.30")?;
    traffic("walk ipvs kube-proxy-1.20")
}

/// One of the trials with traffic.
fn traffic(trial: &str) -> Result<()> {
    let tests = tests("svclab", "traffic", trial)?;
    let trial = format!("SVCLAB_TRAFFIC_TRIAL={trial}");
    let output = Command::new(SVCLAB)
        .args(["guest", "--kernel", SUITE, "--env", &trial, "--env", "SVCLAB_NO_SANDBOX=1", "--program"])
        .arg(&tests)
        .output()?;
    ended(&output, 0).map(drop)
}

/// The tests called `name` of `package`, among which is `a_case`. cargo puts them beside this test, under a name that
/// tests of other packages have as well.
fn tests(package: &str, name: &str, a_case: &str) -> Result<PathBuf> {
    let own = env::current_exe()?;
    let folder = own.parent().context("a test is in a folder")?;
    let mut found: Option<(SystemTime, PathBuf)> = None;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let file = entry.file_name().into_string().unwrap_or_default();
        if !file.strip_prefix(name).is_some_and(|rest| rest.starts_with('-')) || file.contains('.') {
            continue;
        }
        let (made, path) = (entry.metadata()?.modified()?, entry.path());
        let listed = Command::new(&path).arg("--list").output()?;
        if String::from_utf8_lossy(&listed.stdout).contains(a_case) && found.as_ref().is_none_or(|best| best.0 < made) {
            found = Some((made, path));
        }
    }
    let built = format!("they are not built; run: cargo test --no-run --package {package} --test {name}");
    Ok(found.context(built)?.1)
}

/// What must repeat: every sample and where its time went, by cell and metric.
fn samples(dataset: &Dataset) -> Result<BTreeMap<String, Vec<u64>>> {
    let mut samples = BTreeMap::new();
    for cell in &dataset.cells {
        ensure!(cell.outcome == Outcome::Measured, "{cell:?}");
        let parts = cell.split.0.iter().flat_map(|split| [split.user, split.kernel, split.entries, split.waited]);
        let bits = cell.samples.iter().map(|sample| sample.to_bits()).chain(parts).collect();
        ensure!(samples.insert(coordinates(cell), bits).is_none(), "recorded twice: {cell:?}");
    }
    Ok(samples)
}

/// What `record` is of, without what was measured.
fn coordinates(record: &CellRecord) -> String {
    format!("{:?}", CellRecord { samples: Vec::new(), split: Splits::default(), ..record.clone() })
}

/// Keeps a processor busy until it is dropped, and at most for as long as a run may take.
struct Load(Child);

impl Load {
    fn begin() -> Result<Self> {
        Ok(Self(Command::new("timeout").args(["300", "sh", "-c", "while :; do :; done"]).spawn()?))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // Not SIGKILL: `timeout` passes this one on.
        let _ = signal(&self.0, Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

fn every_sample_is_the_same_from_run_to_run() -> Result<()> {
    let folder = workplace(EVERYTHING)?;
    let run = |out: &str, options: &[&str]| -> Result<BTreeMap<String, Vec<u64>>> {
        ended(&scenario(folder.path(), out, options).output()?, 0)?;
        samples(&dataset(folder.path(), out)?)
    };
    let of_seed = ["--jobs", "1", "--seed", "2", "--backend", "nftables"];
    let other_seed = scenario(folder.path(), "seed", &of_seed).spawn()?;
    let loaded = {
        let _load = Load::begin()?;
        run("loaded", &["--jobs", "2"])?
    };
    ended(&other_seed.wait_with_output()?, 0)?;
    let other_seed = samples(&dataset(folder.path(), "seed")?)?;
    let alone = run("alone", &["--jobs", "1"])?;
    let differ: Vec<_> = loaded.iter().filter(|(cell, samples)| alone.get(*cell) != Some(samples)).collect();
    let what = differ.first().map(|(cell, samples)| (cell, samples, alone.get(*cell)));
    ensure!(differ.is_empty(), "{} of {} records differ: {what:?}", differ.len(), loaded.len());
    ensure!(loaded.len() == alone.len(), "{} records, not {}", alone.len(), loaded.len());
    let unknown: Vec<_> = other_seed.keys().filter(|cell| !alone.contains_key(*cell)).collect();
    ensure!(!other_seed.is_empty() && unknown.is_empty(), "another seed records something else: {unknown:?}");
    ensure!(other_seed.iter().any(|(cell, samples)| alone[cell] != *samples), "another seed changed nothing");
    Ok(())
}

fn signal(child: &Child, signal: Signal) -> Result<()> {
    Ok(kill(Pid::from_raw(i32::try_from(child.id())?), signal)?)
}

/// How many QEMU processes have `mark` in their environment.
fn emulators(mark: &str) -> usize {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let has = |path: &Path| {
        let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
        let environment = fs::read(path.join("environ")).unwrap_or_default();
        name.starts_with("qemu-system") && environment.windows(mark.len()).any(|bytes| bytes == mark.as_bytes())
    };
    entries.filter(|entry| has(&entry.path())).count()
}

/// Starts a run with a mark in its environment and its temporary files in `tmp`. Returns when a guest is working.
fn under_way(folder: &Path) -> Result<(Child, String)> {
    let value = format!("{}-{}", std::process::id(), folder.display());
    let mark = format!("SVCLAB_TEST_MARK={value}");
    fs::create_dir(folder.join("tmp"))?;
    let mut command = scenario(folder, "out", &["--jobs", "1", "--services", "4,5,6,7,8"]);
    command.env("SVCLAB_TEST_MARK", value).env("TMPDIR", folder.join("tmp")).stderr(Stdio::null());
    let child = command.spawn()?;
    let lines = || fs::read_to_string(folder.join("out/run.jsonl")).map_or(0, |text| text.lines().count());
    wait_for(Duration::from_secs(120), || lines() > 1 && emulators(&mark) > 0)?;
    Ok((child, mark))
}

/// Kills a run once, or `SVCLAB_KILLS` times, each at another moment after a guest began to work.
fn kill_nine_leaves_nothing() -> Result<()> {
    let kills = std::env::var("SVCLAB_KILLS").map_or(Ok(1), |number| number.parse::<u32>())?;
    for number in 0..kills {
        let folder = workplace(TWO)?;
        let (mut child, mark) = under_way(folder.path())?;
        // The golden ratio spreads the moments, however many there are.
        std::thread::sleep(Duration::from_secs_f64(8.0 * (f64::from(number) * 0.618_034).fract()));
        signal(&child, Signal::SIGKILL)?;
        child.wait()?;
        wait_for(Duration::from_secs(30), || emulators(&mark) == 0)?;
        ensure!(fs::read_dir(folder.path().join("tmp"))?.count() == 0, "a temporary file is left");
        let names = fs::read_dir(folder.path().join("out"))?.map(|entry| Ok(entry?.file_name()));
        ensure!(names.collect::<Result<Vec<_>>>()? == ["run.jsonl"], "there is more than the dataset");
        dataset(folder.path(), "out")?;
    }
    Ok(())
}

fn ctrl_c_leaves_a_valid_dataset_and_no_guest() -> Result<()> {
    let folder = workplace(TWO)?;
    let (mut child, mark) = under_way(folder.path())?;
    signal(&child, Signal::SIGINT)?;
    let status = child.wait()?;
    ensure!(status.code() == Some(130), "{status}");
    ensure!(emulators(&mark) == 0, "a guest is left");
    let dataset = dataset(folder.path(), "out")?;
    ensure!(dataset.end.is_some_and(|end| end.interrupted), "the end line does not tell of the interrupt");
    ensure!(!dataset.cells.is_empty() && folder.path().join("out/report.html").is_file(), "nothing is reported");
    Ok(())
}

fn wait_for(limit: Duration, mut done: impl FnMut() -> bool) -> Result<()> {
    let begun = Instant::now();
    while !done() {
        if begun.elapsed() > limit {
            bail!("not within {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// nft's input for so many Services does not fit into the smallest guest.
fn a_lost_guest_fails_its_cell_and_no_other() -> Result<()> {
    let yaml = EVERYTHING.replace("[4]", "[4, 40000]") + "backends: [nftables]\nprobes: [sync_full]\n";
    let folder = workplace(&yaml)?;
    let options = ["--memory", "512", "--instructions", "1000G"];
    ended(&scenario(folder.path(), "out", &options).output()?, 4)?;
    let dataset = dataset(folder.path(), "out")?;
    let (small, large): (Vec<_>, Vec<_>) = dataset.cells.iter().partition(|record| record.cell.cluster.services == 4);
    ensure!(!small.is_empty() && small.iter().all(|cell| cell.outcome == Outcome::Measured), "{small:?}");
    let [large] = large[..] else { bail!("{large:?}") };
    ensure!(large.outcome == Outcome::Failed, "{large:?}");
    let expected = "the guest ended, QEMU with exit status 0; the last lines of its console: ";
    ensure!(large.reason.starts_with(expected) && large.reason.contains("Out of memory"), "{}", large.reason);
    Ok(())
}
