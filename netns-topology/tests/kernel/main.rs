//! What only a kernel can tell: that pods reach each other, that nothing is left behind, that the host is not touched.
//!
//! Entering a sandbox takes a process with a single thread, so a test runs this binary again, with the name of a
//! case from [`cases`] in its environment.

mod cases;
mod outside;
#[path = "../../../ci/tier.rs"]
mod tier;

use anyhow::{Context, Result, ensure};
use libtest_mimic::{Arguments, Failed};
use netns_topology::{Side, check, enter};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::linux::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tier::{Requirement, Tier};

/// The environment variable that names the case to run.
const CASE: &str = "SVCLAB_TEST_CASE";

const NETNS: Requirement = Requirement { name: "netns", check: || check().map(drop).map_err(|e| e.to_string()) };
const ROOTLESS: Requirement = Requirement { name: "rootless", check: || nobody_may_enter().map_err(|e| e.to_string()) };

fn main() -> ExitCode {
    if let Ok(case) = env::var(CASE) {
        return run_case(&case).unwrap_or_else(|error| {
            eprintln!("{case}: {error:?}");
            ExitCode::FAILURE
        });
    }
    let tier = Tier::look(&[NETNS, ROOTLESS]);
    let inside = |case: &'static str| tier.trial(case, &["netns"], move || succeed(this_binary(case)));
    let outside = |name, test: fn() -> Result<()>| tier.trial(name, &["netns"], move || passed(test()));
    let rootless = |name, case| tier.trial(name, &["rootless"], move || succeed(as_nobody(case)));
    let trials = vec![
        inside("a_server_answers_as_every_address_of_its_block"),
        inside("a_server_takes_the_addresses_of_services_for_its_own"),
        inside("an_answer_from_an_address_of_the_nodes_own_is_forwarded"),
        inside("the_outside_reaches_the_node_and_not_the_pods"),
        inside("every_wire_carries_ipv6"),
        inside("without_forwarding_nothing_arrives"),
        inside("pods_and_their_veths_vanish_with_the_node"),
        inside("a_persisted_namespace_is_found_by_name_until_it_is_dropped"),
        inside("a_panic_in_a_job_reaches_the_caller_and_the_namespace_lives_on"),
        inside("a_child_process_inherits_the_namespace"),
        inside("a_visitor_may_borrow"),
        outside("the_exit_code_is_passed_on", the_exit_code_is_passed_on),
        outside("sigterm_is_forwarded", sigterm_is_forwarded),
        outside("nothing_outlives_the_outside", nothing_outlives_the_outside),
        outside("nothing_outlives_the_inside", nothing_outlives_the_inside),
        outside("the_xtables_lock_is_not_the_host_s", the_xtables_lock_is_not_the_host_s),
        outside("mounts_do_not_show_outside", mounts_do_not_show_outside),
        outside("the_machine_s_pid_of_the_inside_is_known", the_machine_s_pid_of_the_inside_is_known),
        rootless("an_ordinary_user_has_it_all", "rootless"),
        rootless("a_limit_is_diagnosed", "a_limit_is_diagnosed"),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn run_case(name: &str) -> Result<ExitCode> {
    if name == "check" {
        return Ok(check().map_or_else(
            |forbidden| {
                eprintln!("{forbidden}");
                ExitCode::FAILURE
            },
            |_| ExitCode::SUCCESS,
        ));
    }
    let case = cases::find(name)?;
    match enter()? {
        Side::Outside(ended) => Ok(ended.code.into()),
        Side::Inside(inside) => case(&inside),
    }
}

/// This binary, to run `case`.
fn this_binary(case: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("the test binary has a path"));
    command.env(CASE, case);
    command
}

/// The same without privileges: as an ordinary user, or if this is root, as nobody.
fn as_nobody(case: &str) -> Command {
    let binary = this_binary(case);
    if !geteuid().is_root() {
        return binary;
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(binary.get_program()).env(CASE, case);
    command
}

fn nobody_may_enter() -> Result<()> {
    let output = as_nobody("check").output().context("run setpriv")?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "as nobody: {}", stderr.trim());
    Ok(())
}

/// Runs `command` and shows what it said if it fails.
fn succeed(mut command: Command) -> Result<(), Failed> {
    let Output { status, stdout, stderr } = command.output()?;
    let said = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    if status.success() { Ok(()) } else { Err(format!("{status}\n{said}").into()) }
}

fn passed(outcome: Result<()>) -> Result<(), Failed> {
    outcome.map_err(|error| format!("{error:?}").into())
}

fn the_exit_code_is_passed_on() -> Result<()> {
    let status = this_binary("exit_7").status()?;
    ensure!(status.code() == Some(7), "{status}");
    Ok(())
}

fn sigterm_is_forwarded() -> Result<()> {
    let mut lab = Lab::start()?;
    kill(lab.outside_pid(), Signal::SIGTERM)?;
    let status = lab.outside.wait()?;
    ensure!(status.code() == Some(128 + 15), "{status}");
    lab.is_gone()
}

fn nothing_outlives_the_outside() -> Result<()> {
    let mut lab = Lab::start()?;
    kill(lab.outside_pid(), Signal::SIGKILL)?;
    lab.outside.wait()?;
    lab.is_gone()
}

fn nothing_outlives_the_inside() -> Result<()> {
    let mut lab = Lab::start()?;
    kill(Pid::from_raw(lab.inside.cast_signed()), Signal::SIGKILL)?;
    let status = lab.outside.wait()?;
    ensure!(status.code() == Some(128 + 9), "{status}");
    lab.is_gone()
}

fn the_xtables_lock_is_not_the_host_s() -> Result<()> {
    let lab = Lab::start()?;
    let inside = fs::metadata(lab.root().join("run/xtables.lock"))?;
    // The host has one only once an iptables has run; its file system is another in any case.
    let host = fs::metadata("/run/xtables.lock").or_else(|_| fs::metadata("/run"))?;
    ensure!(inside.st_dev() != host.st_dev(), "both are on device {}", host.st_dev());
    Ok(())
}

fn mounts_do_not_show_outside() -> Result<()> {
    let before = fs::read_to_string("/proc/self/mountinfo")?;
    let lab = Lab::start()?;
    ensure!(fs::read_to_string("/proc/self/mountinfo")? == before, "the mounts outside have changed");
    ensure!(lab.root().join("run/netns/node").exists(), "the node is not persisted inside");
    ensure!(!Path::new("/run/netns/node").exists(), "the node's name shows outside");
    Ok(())
}

fn the_machine_s_pid_of_the_inside_is_known() -> Result<()> {
    let lab = Lab::start()?;
    let status = fs::read_to_string(format!("/proc/{}/status", lab.inside))?;
    let pids = status.lines().find_map(|line| line.strip_prefix("NSpid:")).context("no NSpid")?;
    ensure!(pids.split_whitespace().last() == Some("1"), "{pids}");
    Ok(())
}

/// A running sandbox with a node, a pod and a process in the pod: the case `linger`.
struct Lab {
    outside: Child,
    inside: u32,
    processes: BTreeSet<u32>,
    namespaces: BTreeSet<PathBuf>,
}

impl Lab {
    fn start() -> Result<Self> {
        let mut outside = this_binary("linger").stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(outside.stdout.take().context("no stdout")?).read_line(&mut line)?;
        let mut lab = Self { outside, inside: 0, processes: BTreeSet::new(), namespaces: BTreeSet::new() };
        lab.inside = line.trim().parse().with_context(|| format!("the inside said {line:?}"))?;
        let family = fs::read_link(format!("/proc/{}/ns/pid", lab.inside))?;
        lab.processes = processes()
            .filter(|pid| fs::read_link(format!("/proc/{pid}/ns/pid")).is_ok_and(|link| link == family))
            .collect();
        lab.namespaces = lab.processes.iter().flat_map(|pid| network_namespaces(*pid)).collect();
        ensure!(lab.processes.len() == 2, "the inside and one child: {:?}", lab.processes);
        ensure!(lab.namespaces.len() == 4, "the sandbox, a node and two pods: {:?}", lab.namespaces);
        Ok(lab)
    }

    fn outside_pid(&self) -> Pid {
        Pid::from_raw(self.outside.id().cast_signed())
    }

    /// The inside's view of the file system.
    fn root(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root", self.inside))
    }

    /// Whether its processes and its namespaces are gone, or soon go.
    fn is_gone(&self) -> Result<()> {
        let left = || -> (Vec<u32>, Vec<PathBuf>) {
            (
                processes().filter(|pid| self.processes.contains(pid) && lives(*pid)).collect(),
                processes().flat_map(network_namespaces).filter(|link| self.namespaces.contains(link)).collect(),
            )
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while left() != (vec![], vec![]) {
            ensure!(Instant::now() < deadline, "left after ten seconds: {:?}", left());
            sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.outside.kill();
        let _ = self.outside.wait();
    }
}

/// Every process that can be seen.
fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Whether a process is more than a zombie: when an orphan is waited for is up to the machine's first process.
fn lives(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| !status.contains("State:\tZ"))
}

/// The network namespaces of a process's threads, as `net:[4026531840]`.
fn network_namespaces(pid: u32) -> Vec<PathBuf> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads.filter_map(|thread| fs::read_link(thread.path().join("ns/net")).ok()).collect()
}
