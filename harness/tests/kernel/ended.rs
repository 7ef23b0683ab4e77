//! How runs end that are not let finish: what they leave behind, and what they do not.

use super::gate::{GATED, gate_by};
use super::{QUICK, dataset, expect, scenario, wait_for, workplace};
use anyhow::{Context, Result, ensure};
use lab_core::dataset::Dataset;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A long run: loading 3,000 Services through iptables-nft takes seconds.
fn long(command: &mut Command) -> &mut Command {
    command.args(["--services", "2,3000", "--rounds", "50"]).stderr(Stdio::null())
}

pub(super) fn signal(child: &Child, signal: Signal) -> Result<()> {
    Ok(kill(Pid::from_raw(i32::try_from(child.id())?), signal)?)
}

/// How many lines the dataset in `folder` has so far.
fn lines(folder: &Path) -> usize {
    fs::read_to_string(folder.join("out/run.jsonl")).map_or(0, |text| text.lines().count())
}

/// Waits until the dataset in `folder` has more than `number` lines.
fn more_than(number: usize, folder: &Path) -> Result<()> {
    wait_for(Duration::from_secs(60), || lines(folder) > number)
}

/// Checks that a run was ended as by Ctrl-C: its dataset says so, and its report is there.
fn interrupted(mut child: Child, folder: &Path) -> Result<()> {
    let status = child.wait()?;
    ensure!(status.code() == Some(130), "{status}");
    let dataset = dataset(folder)?;
    ensure!(dataset.end.is_some_and(|end| end.interrupted), "the end line does not say that the run was interrupted");
    ensure!(folder.join("out/report.html").is_file(), "no report");
    Ok(())
}

pub(super) fn ctrl_c_leaves_a_valid_dataset_and_its_report() -> Result<()> {
    let folder = workplace(QUICK)?;
    let child = long(&mut scenario(folder.path())).spawn()?;
    more_than(3, folder.path())?;
    signal(&child, Signal::SIGINT)?;
    interrupted(child, folder.path())
}

pub(super) fn an_ignored_hang_up_stays_ignored() -> Result<()> {
    let folder = workplace(QUICK)?;
    let mut command = scenario(folder.path());
    // SAFETY: signal may be called between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGHUP, libc::SIG_IGN);
            Ok(())
        })
    };
    let child = long(&mut command).spawn()?;
    more_than(1, folder.path())?;
    signal(&child, Signal::SIGHUP)?;
    let before = lines(folder.path());
    more_than(before, folder.path())?;
    signal(&child, Signal::SIGTERM)?;
    interrupted(child, folder.path())
}

pub(super) fn a_closed_terminal_ends_a_run_as_ctrl_c_does() -> Result<()> {
    let folder = workplace(QUICK)?;
    let (ours, theirs) = terminal()?;
    let mut command = scenario(folder.path());
    long(&mut command).stdin(theirs.try_clone()?).stdout(theirs.try_clone()?).stderr(theirs.try_clone()?);
    // SAFETY: setsid and ioctl may be called between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::setsid();
            libc::ioctl(0, libc::TIOCSCTTY, 0);
            Ok(())
        })
    };
    let child = command.spawn()?;
    drop((theirs, command));
    // What shows it reads what the run says, until it is closed.
    wait_for(Duration::from_secs(60), || {
        let _ = (&ours).read(&mut [0; 4096]);
        lines(folder.path()) > 3
    })?;
    drop(ours);
    interrupted(child, folder.path())
}

/// A terminal: the end of what shows it, from which reading does not wait, and the end of the programs in it.
fn terminal() -> Result<(File, OwnedFd)> {
    let (mut ours, mut theirs) = (0, 0);
    let none = std::ptr::null_mut();
    // SAFETY: openpty writes two descriptors, and takes null for what is not wanted.
    let made = unsafe { libc::openpty(&raw mut ours, &raw mut theirs, none, none.cast(), none.cast()) };
    ensure!(made == 0, "no terminal: {}", std::io::Error::last_os_error());
    // SAFETY: openpty has just opened them, and nothing else holds them.
    let (ours, theirs) = unsafe { (File::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) };
    fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    fcntl(&ours, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok((ours, theirs))
}

/// The number of processes with `word` in their environment: those of one run and its tools.
pub(super) fn processes_with(word: &str) -> usize {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let has = |path: &Path| {
        fs::read(path.join("environ")).is_ok_and(|bytes| bytes.windows(word.len()).any(|w| w == word.as_bytes()))
    };
    entries.filter(|entry| has(&entry.path())).count()
}

/// Starts `command`, kills it `after` a time, and checks that nothing of it is left but what is in `folder/out`.
fn kill_nine(command: &mut Command, folder: &Path, after: Duration) -> Result<()> {
    let devices = || fs::read_to_string("/proc/net/dev").map(|text| text.lines().count());
    let (mounts_before, devices_before) = (fs::read_to_string("/proc/self/mountinfo")?, devices()?);
    let (value, temporary) = (format!("{}-{}", std::process::id(), folder.display()), folder.join("tmp"));
    let mark = format!("SVCLAB_TEST_MARK={value}");
    fs::create_dir(&temporary)?;
    let mut child = command.stderr(Stdio::null()).env("SVCLAB_TEST_MARK", value).env("TMPDIR", &temporary).spawn()?;
    std::thread::sleep(after);
    ensure!(processes_with(&mark) > 0, "the run was not under way");
    signal(&child, Signal::SIGKILL)?;
    child.wait()?;
    // The kernel removes its namespaces with its last process.
    wait_for(Duration::from_secs(30), || processes_with(&mark) == 0)?;
    ensure!(fs::read_to_string("/proc/self/mountinfo")? == mounts_before, "a mount is left");
    ensure!(devices()? == devices_before, "a device is left");
    ensure!(fs::read_dir(&temporary)?.count() == 0, "a temporary file is left");
    let record = folder.join("out/run.jsonl");
    if record.is_file() {
        Dataset::read(&fs::read_to_string(record)?).context("reading what was measured before")?;
    }
    Ok(())
}

/// How many moments to kill at: `SVCLAB_KILLS`, or a few.
fn kills() -> Result<u32> {
    std::env::var("SVCLAB_KILLS").map_or(Ok(4), |number| number.parse().context("SVCLAB_KILLS is no number"))
}

pub(super) fn kill_nine_leaves_nothing() -> Result<()> {
    for number in 0..kills()? {
        let folder = workplace(QUICK)?;
        // Moments all over the first four seconds, however many there are: the golden ratio spreads them.
        let after = 0.05 + 4.0 * (f64::from(number) * 0.618_034).fract();
        let command = &mut scenario(folder.path());
        kill_nine(long(command), folder.path(), Duration::from_secs_f64(after))
            .with_context(|| format!("killed after {after} s"))?;
    }
    Ok(())
}

pub(super) fn a_killed_gate_leaves_nothing() -> Result<()> {
    let baseline = workplace(&GATED.replace("rounds: 3", "rounds: 50"))?;
    let mut recorded = scenario(baseline.path());
    expect(recorded.args(["--rounds", "1"]), 0)?;
    let text = fs::read_to_string(baseline.path().join("out/run.jsonl"))?.replace("\"rounds\":1,", "\"rounds\":50,");
    for after in [300, 1500] {
        let folder = workplace(GATED)?;
        fs::create_dir(folder.path().join("before"))?;
        fs::write(folder.path().join("before/run.jsonl"), &text)?;
        fs::write(folder.path().join("policy.yaml"), "rules: [{gating: explains}]\n")?;
        let mut command = gate_by("before", folder.path(), &[]);
        kill_nine(command.stdout(Stdio::null()), folder.path(), Duration::from_millis(after))?;
    }
    Ok(())
}
