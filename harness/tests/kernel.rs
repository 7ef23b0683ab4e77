//! Whole runs on this machine's kernel: what they record, and that they leave nothing behind, however they end.

#[path = "kernel/activity.rs"]
mod activity;
#[path = "kernel/altered.rs"]
mod altered;
#[path = "kernel/choice.rs"]
mod choice;
#[path = "kernel/cluster.rs"]
mod cluster;
#[path = "kernel/ended.rs"]
mod ended;
#[path = "kernel/fault.rs"]
mod fault;
#[path = "kernel/full.rs"]
mod full;
#[path = "kernel/gate.rs"]
mod gate;
#[path = "kernel/killed.rs"]
mod killed;
#[path = "kernel/kube_proxy.rs"]
mod kube_proxy;
#[path = "kernel/limits.rs"]
mod limits;
#[path = "real/mod.rs"]
mod real;
#[path = "kernel/study.rs"]
mod study;
#[path = "../../ci/tier.rs"]
mod tier;

use anyhow::{Context, Result, bail, ensure};
use lab_core::dataset::Dataset;
use lab_core::vocabulary::{BackendName, Outcome, ProbeName};
use libtest_mimic::{Arguments, Failed};
use nix::sys::signal::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use tier::{Requirement, Tier};

const SVCLAB: &str = env!("CARGO_BIN_EXE_svclab");

/// As quick as possible: one Service more than the positions need, every usual probe, and every backend but ipvs, whose
/// module many kernels lack.
const QUICK: &str = "\
name: quick
question: Does it run?
target: host
services: [4]
backends: [direct, iptables-legacy, iptables-nft, nftables]
rounds: 1
dials: 10
traffic: 100ms
";

fn main() -> ExitCode {
    let tier = Tier::look(&[
        Requirement { name: "netns", check: || netns_topology::check().map(drop).map_err(|e| e.to_string()) },
        Requirement { name: "iptables", check: || tools(&["iptables-legacy", "iptables-nft", "iptables-nft-restore"]) },
        Requirement { name: "nftables", check: || tools(&["nft"]) },
        Requirement { name: "wmem", check: large_buffers },
        Requirement { name: "iperf3", check: || tools(&["iperf3"]) },
        Requirement { name: "kube-proxy", check: real::there },
    ]);
    let all = &["netns", "iptables", "nftables", "iperf3"];
    let passed = |result: Result<()>| result.map_err(|error| Failed::from(format!("{error:?}")));
    let test = |name, test: fn() -> Result<()>| tier.trial(name, all, move || passed(test()));
    let large = "an_ordinary_user_s_transaction_may_be_large";
    let large = tier.trial(large, &["netns", "iptables", "nftables", "wmem"], move || passed(a_large_transaction()));
    let needs = &["netns", "iptables", "nftables", "kube-proxy"];
    let with_real = |name, test: fn() -> Result<()>| tier.trial(name, needs, move || passed(test()));
    let trials = vec![
        large,
        with_real(
            "a_real_kube_proxy_is_measured_beside_the_lab",
            kube_proxy::a_real_kube_proxy_is_measured_beside_the_lab,
        ),
        with_real(
            "a_real_kube_proxy_installs_what_the_layout_says",
            kube_proxy::a_real_kube_proxy_installs_what_the_layout_says,
        ),
        test(
            "a_kube_proxy_that_ends_at_once_fails_its_cells_with_its_own_words",
            kube_proxy::a_kube_proxy_that_ends_at_once_fails_its_cells_with_its_own_words,
        ),
        test(
            "a_kube_proxy_that_hangs_is_over_budget_and_leaves_nothing",
            kube_proxy::a_kube_proxy_that_hangs_is_over_budget_and_leaves_nothing,
        ),
        test("a_run_measures_every_cell_and_reports_them", a_run_measures_every_cell_and_reports_them),
        test("an_ordinary_user_runs_it_too", an_ordinary_user_runs_it_too),
        test("ctrl_c_leaves_a_valid_dataset_and_its_report", ended::ctrl_c_leaves_a_valid_dataset_and_its_report),
        test(
            "a_run_whose_inner_process_is_killed_says_so_and_where_its_record_is",
            killed::a_run_whose_inner_process_is_killed_says_so_and_where_its_record_is,
        ),
        test("a_full_folder_for_temporary_files_is_named", full::a_full_folder_for_temporary_files_is_named),
        test("kill_nine_leaves_nothing", ended::kill_nine_leaves_nothing),
        test("kill_nine_leaves_no_cgroup", killed::kill_nine_leaves_no_cgroup),
        test("a_killed_gate_leaves_nothing", ended::a_killed_gate_leaves_nothing),
        test("an_ignored_hang_up_stays_ignored", ended::an_ignored_hang_up_stays_ignored),
        test("a_closed_terminal_ends_a_run_as_ctrl_c_does", ended::a_closed_terminal_ends_a_run_as_ctrl_c_does),
        test("an_interrupted_study_goes_on_where_it_was", study::an_interrupted_study_goes_on_where_it_was),
        test("a_limit_that_is_too_small_is_named", limits::a_limit_that_is_too_small_is_named),
        test("too_few_processes_are_named", limits::too_few_processes_are_named),
        test("the_least_of_every_limit_is_enough", limits::the_least_of_every_limit_is_enough),
        test("a_load_past_its_budget_says_how_far_it_came", a_load_past_its_budget_says_how_far_it_came),
        test("a_folder_that_is_in_use_is_refused", a_folder_that_is_in_use_is_refused),
        test(
            "every_activity_runs_beside_every_probe_that_it_can",
            activity::every_activity_runs_beside_every_probe_that_it_can,
        ),
        test("a_table_is_built_rule_by_rule", activity::a_table_is_built_rule_by_rule),
        test("memory_that_is_not_enough_is_told_and_goes", activity::memory_that_is_not_enough_is_told_and_goes),
        test("the_machine_s_conntrack_limit_is_left_alone", activity::the_machine_s_conntrack_limit_is_left_alone),
        test("a_client_of_udp_is_in_the_dark", activity::a_client_of_udp_is_in_the_dark),
        test("endpoints_go_away", activity::endpoints_go_away),
        test("endpoints_are_counted_and_clients_come_back", choice::endpoints_are_counted_and_clients_come_back),
        test("kept_labs_can_be_entered", kept_labs_can_be_entered),
        test("a_real_cluster_is_measured_and_repeated", cluster::a_real_cluster_is_measured_and_repeated),
        test("a_cluster_comes_on_standard_input", cluster::a_cluster_comes_on_standard_input),
        test("affinity_is_measured_in_each_backend", cluster::affinity_is_measured_in_each_backend),
        test(
            "services_without_endpoints_refuse_and_are_measured",
            cluster::services_without_endpoints_refuse_and_are_measured,
        ),
        test("an_altered_iptables_legacy_fails_its_cells", altered::an_altered_iptables_legacy_fails_its_cells),
        test("an_altered_iptables_nft_fails_its_cells", altered::an_altered_iptables_nft_fails_its_cells),
        test("an_altered_nft_fails_its_cells", altered::an_altered_nft_fails_its_cells),
        test("a_required_backend_that_is_skipped_is_an_error", altered::a_required_backend_that_is_skipped_is_an_error),
        test(
            "a_broken_tool_fails_its_cells_and_is_not_called_missing",
            altered::a_broken_tool_fails_its_cells_and_is_not_called_missing,
        ),
        test("a_fault_slows_its_cell_down_and_no_other", fault::a_fault_slows_its_cell_down_and_no_other),
        test("a_fault_without_effect_is_refused", fault::a_fault_without_effect_is_refused),
        test("a_gate_runs_the_baseline_s_own_plan", gate::a_gate_runs_the_baseline_s_own_plan),
        test("what_looks_slower_is_run_again_beside_direct", gate::what_looks_slower_is_run_again_beside_direct),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Whether all of `names` are installed.
fn tools(names: &[&str]) -> Result<(), String> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let found = |name: &&&str| path.split(':').any(|folder| Path::new(folder).join(**name).is_file());
    names.iter().find(|name| !found(name)).map_or(Ok(()), |name| Err(format!("{name} is not installed; run ci/setup")))
}

/// Whether an ordinary user may send nf_tables transactions of a thousand Services.
fn large_buffers() -> Result<(), String> {
    let limit = fs::read_to_string("/proc/sys/net/core/wmem_max").unwrap_or_default();
    let enough = limit.trim().parse::<u64>().is_ok_and(|limit| limit >= 4 << 20);
    if enough { Ok(()) } else { Err(format!("net.core.wmem_max is {}; raise it with ci/setup", limit.trim())) }
}

/// A folder with the scenario, where everybody may write.
fn workplace(yaml: &str) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777))?;
    fs::write(folder.path().join("quick.yaml"), yaml)?;
    Ok(folder)
}

fn scenario(folder: &Path) -> Command {
    let mut command = Command::new(SVCLAB);
    command.current_dir(folder).args(["scenario", "quick.yaml", "--out", "out"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn dataset(folder: &Path) -> Result<Dataset> {
    dataset_at(&folder.join("out"))
}

/// The dataset of the run in `folder`.
fn dataset_at(folder: &Path) -> Result<Dataset> {
    Ok(Dataset::read(&fs::read_to_string(folder.join("run.jsonl"))?)?)
}

fn expect(command: &mut Command, code: i32) -> Result<String> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.code() == Some(code), "{}, not {code}: {said}", output.status);
    Ok(said)
}

fn a_run_measures_every_cell_and_reports_them() -> Result<()> {
    let folder = workplace(QUICK)?;
    expect(&mut scenario(folder.path()), 0)?;
    check_whole(folder.path())
}

/// Checks that the run in `folder` measured everything, and reported it.
fn check_whole(folder: &Path) -> Result<()> {
    let dataset = dataset(folder)?;
    let end = dataset.end.context("no end line")?;
    let cells = u32::try_from(dataset.header.plan.cells.len())?;
    ensure!(end.cells.len() == 1 && end.cells.get(&Outcome::Measured) == Some(&cells), "{:?} of {cells}", end.cells);
    for name in ["summary.csv", "report.md", "report.html"] {
        let text = fs::read_to_string(folder.join("out").join(name))?;
        ensure!(text.contains("nftables"), "{name} says nothing of nftables");
    }
    Ok(())
}

fn an_ordinary_user_runs_it_too() -> Result<()> {
    let folder = workplace(QUICK)?;
    expect(&mut as_ordinary_user(folder.path())?, 0)?;
    check_whole(folder.path())
}

/// A run by an ordinary user.
fn as_ordinary_user(folder: &Path) -> Result<Command> {
    let mut command = ordinary_user(folder)?;
    command.args(["./svclab", "scenario", "quick.yaml", "--out", "out"]);
    Ok(command)
}

/// Starts the program that is its first argument in `folder`, by an ordinary user. The program `svclab` is there. PATH lacks
/// the folders of the tools, as on Debian.
fn ordinary_user(folder: &Path) -> Result<Command> {
    // A copy that everybody may execute: only root may be able to read the checkout.
    fs::copy(SVCLAB, folder.join("svclab"))?;
    let mut command = if nix::unistd::Uid::effective().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command
    } else {
        Command::new("env")
    };
    command.current_dir(folder).env("PATH", "/usr/bin:/bin").stdout(Stdio::null()).stderr(Stdio::piped());
    Ok(command)
}

/// A transaction of 1,000 Services has megabytes. A socket's default buffer is 208 KiB.
fn a_large_transaction() -> Result<()> {
    let folder = workplace(
        &(QUICK.replace("[4]", "[1000]").replace("direct, iptables-legacy, ", "") + "probes: [sync_full]\n"),
    )?;
    expect(&mut as_ordinary_user(folder.path())?, 0)?;
    let end = dataset(folder.path())?.end.context("no end line")?;
    ensure!(end.cells.get(&Outcome::Measured) == Some(&2), "{:?}", end.cells);
    Ok(())
}

fn a_load_past_its_budget_says_how_far_it_came() -> Result<()> {
    let folder = workplace(&QUICK.replace("[4]", "[20000]"))?;
    expect(scenario(folder.path()).args(["--backend", "iptables-nft", "--budget", "2s"]), 0)?;
    let dataset = dataset(folder.path())?;
    for planned in &dataset.header.plan.cells {
        let cell = dataset.cells.iter().find(|record| record.cell == *planned).context("a cell has no record")?;
        // A node that is only asked is loaded in another way, which may or may not end in time here.
        ensure!(matches!(cell.outcome, Outcome::OverBudget | Outcome::Measured), "{cell:?}");
        if cell.cell.probe == ProbeName::SyncFull {
            let killed = cell.reason.starts_with("iptables-nft-restore was killed after ");
            let how_far = cell.reason.contains("it had read ") && cell.reason.contains("of 220023)");
            ensure!(cell.outcome == Outcome::OverBudget && killed && how_far, "{cell:?}");
        }
    }
    Ok(())
}

fn a_folder_that_is_in_use_is_refused() -> Result<()> {
    let folder = workplace(QUICK)?;
    fs::create_dir(folder.path().join("out"))?;
    fs::write(folder.path().join("out/precious"), "data")?;
    let said = expect(&mut scenario(folder.path()), 2)?;
    ensure!(said.contains("--out out is not empty; name a new folder"), "{said}");
    ensure!(fs::read_dir(folder.path().join("out"))?.count() == 1, "something was written");

    let mut command = Command::new(SVCLAB);
    command.current_dir(folder.path()).args(["scenario", "quick.yaml", "--out", "quick.yaml/out"]);
    let said = expect(&mut command, 2)?;
    ensure!(said.contains("--out quick.yaml/out cannot be made"), "{said}");
    Ok(())
}

fn kept_labs_can_be_entered() -> Result<()> {
    let folder = workplace(&(QUICK.to_owned() + "probes: [connect]\n"))?;
    let mut child = scenario(folder.path())
        .args(["--backend", "nftables", "--keep"])
        .stderr(fs::File::create(folder.path().join("said"))?)
        .spawn()?;
    let said = || fs::read_to_string(folder.path().join("said")).unwrap_or_default();
    let way = || said().lines().find_map(|line| Some(line.trim().strip_suffix("-node bash")?.to_owned() + "-node"));
    let entered = wait_for(Duration::from_secs(60), || way().is_some()).and_then(|()| {
        let shell =
            format!("PATH=$PATH:/usr/sbin; {} nft list chain ip kube-proxy services", way().unwrap_or_default());
        let output = Command::new("sh").args(["-c", &shell]).output()?;
        let (listed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(listed.contains("vmap @service-ips"), "{shell}: {listed} {said}");
        Ok(())
    });
    ended::signal(&child, Signal::SIGTERM)?;
    let status = child.wait()?;
    entered?;
    ensure!(status.code() == Some(0), "{status}: {}", said());
    let dataset = dataset(folder.path())?;
    let cells = &dataset.header.plan.cells;
    ensure!(cells.iter().all(|cell| (cell.variant.backend, cell.probe) == (BackendName::Nftables, ProbeName::Connect)));
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
