//! Running tools: every tool is called through a [`Runner`], which returns what the call cost.

pub(crate) mod buffers;
pub(crate) mod cgroup;
pub(crate) mod confined;
pub(crate) mod launcher;
pub(crate) mod origin;
mod pidfd;
pub(crate) mod place;
pub(crate) mod refusal;

use crate::cell_error::CellError;
use crate::process::{clock, interrupt};
use anyhow::{Context, Result, anyhow};
use guests::tool::MOST_PRINTED;
pub(crate) use guests::tool::memory_file;
use lab_core::foreign::short;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use origin::Placed;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How a tool's run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ending {
    /// By itself, with this exit code.
    Exited(i32),
    /// By this signal, which the lab did not send.
    Signalled(i32),
    /// By the lab, at its time limit.
    TimedOut,
    /// By the lab, at a quarter of its time limit, when it had read less than a quarter of its input.
    TooSlow,
    /// By the lab, because the run was interrupted.
    Interrupted,
}

/// How a signal that the lab did not send ended a process, in words.
pub(crate) fn ended_by(signal: i32) -> String {
    match signal {
        libc::SIGXFSZ => format!("printed more than {} MiB, and was ended", MOST_PRINTED >> 20),
        signal => format!("was killed by signal {signal}"),
    }
}

/// What one run of a tool cost, and its output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ToolRun {
    pub(crate) ending: Ending,
    /// From before the fork until the process was waited for.
    pub(crate) wall: Duration,
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    /// Bytes.
    pub(crate) peak_rss: u64,
    /// How many bytes of its standard input it had read.
    pub(crate) read: u64,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs tools. Tests use a fake that lists the calls.
pub(crate) trait Runner: Send + Sync {
    /// Runs `program` in the calling thread's namespace, with `stdin` as its input, for at most `limit`.
    fn run(&self, program: &str, args: &[String], stdin: &[u8], limit: Duration) -> Result<ToolRun> {
        self.run_late(Duration::ZERO, program, args, stdin, limit)
    }

    /// As [`run`](Self::run), in a process that spins for `delay` before it becomes the tool.
    fn run_late(
        &self,
        delay: Duration,
        program: &str,
        args: &[String],
        stdin: &[u8],
        limit: Duration,
    ) -> Result<ToolRun>;

    /// Runs `program` once for each of `calls`, one after the other, and stops at the first that does not exit with 0.
    /// `limit` is for all of them. The result is their sum; its `read` is the number of calls that succeeded.
    fn run_each(&self, program: &str, calls: &[&[String]], limit: Duration) -> Result<ToolRun> {
        let mut sum: Option<ToolRun> = None;
        for (made, args) in calls.iter().enumerate() {
            let spent = sum.as_ref().map_or(Duration::ZERO, |sum| sum.wall);
            let run = self.run(program, args, b"", limit.saturating_sub(spent))?;
            let through = run.ending == Ending::Exited(0);
            let read = made as u64 + u64::from(through);
            let all = match sum {
                Some(sum) => sum.and(run),
                None => run,
            };
            sum = Some(ToolRun { read, ..all });
            if !through {
                break;
            }
        }
        sum.context("there is no call to make")
    }
}

impl ToolRun {
    /// One that ended so, took no time and said nothing.
    #[cfg(test)]
    pub(crate) fn of(ending: Ending) -> Self {
        let none = Duration::ZERO;
        let (stdout, stderr) = (String::new(), String::new());
        Self { ending, wall: none, user: none, system: none, peak_rss: 0, read: 0, stdout, stderr }
    }

    /// The run, if it went through.
    ///
    /// # Errors
    /// `Failed` with what the tool said, after `what` it was called for; `Interrupted` if the run was.
    pub(crate) fn through(self, what: &str) -> Result<Self, CellError> {
        let how = match self.ending {
            Ending::Exited(0) => return Ok(self),
            Ending::Interrupted => return Err(CellError::Interrupted),
            Ending::Exited(code) => match self.stderr.trim() {
                "" => format!("ended with {code} and said nothing"),
                said => format!("ended with {code}: {}", short(said, refusal::LONGEST)),
            },
            Ending::Signalled(signal) => ended_by(signal),
            Ending::TimedOut | Ending::TooSlow => format!("did not end within {}", clock::spell(self.wall)),
        };
        Err(CellError::Failed(format!("{what} {how}")))
    }

    /// The sum with one more call.
    pub(crate) fn and(self, next: Self) -> Self {
        Self {
            wall: self.wall + next.wall,
            user: self.user + next.user,
            system: self.system + next.system,
            peak_rss: self.peak_rss.max(next.peak_rss),
            ..next
        }
    }
}

/// The launcher's report, sent over its socket.
#[derive(Debug, Serialize, Deserialize)]
struct Usage {
    ending: Ending,
    wall: Duration,
    user: Duration,
    system: Duration,
    peak_rss: u64,
    /// How many calls succeeded.
    calls: u64,
}

impl Usage {
    /// The sum with one more call.
    fn and(self, next: Self) -> Self {
        Self {
            ending: next.ending,
            wall: self.wall + next.wall,
            user: self.user + next.user,
            system: self.system + next.system,
            peak_rss: self.peak_rss.max(next.peak_rss),
            calls: self.calls + next.calls,
        }
    }
}

/// Runs the real tools.
///
/// Input and output are memory files, not pipes. So no thread of the lab feeds or drains the tool while it is measured.
/// When a tool runs out of time, the input's offset is how much it had read.
pub(crate) struct Real;

impl Runner for Real {
    fn run_late(
        &self,
        delay: Duration,
        program: &str,
        args: &[String],
        stdin: &[u8],
        limit: Duration,
    ) -> Result<ToolRun> {
        launch(delay, program, args, stdin, limit)
    }

    /// One launcher makes all the calls.
    fn run_each(&self, program: &str, calls: &[&[String]], limit: Duration) -> Result<ToolRun> {
        let (run, calls) = launch_each(program, calls, limit)?;
        Ok(ToolRun { read: calls, ..run })
    }
}

fn launch(delay: Duration, program: &str, args: &[String], stdin: &[u8], limit: Duration) -> Result<ToolRun> {
    let Placed { root, file } = place_of(program)?;
    let words = [file.into_os_string()].into_iter().chain(args.iter().map(OsString::from));
    Ok(call_launcher(program, &root, words, stdin, delay, limit)?.0)
}

fn launch_each(program: &str, calls: &[&[String]], limit: Duration) -> Result<(ToolRun, u64)> {
    let Placed { root, file } = place_of(program)?;
    let words = [launcher::EACH.into(), file.into_os_string()];
    call_launcher(program, &root, words.into_iter(), &launcher::list(calls), Duration::ZERO, limit)
}

fn place_of(program: &str) -> Result<Placed> {
    origin::find(program).with_context(|| format!("{program} is not installed; run ci/setup"))
}

/// The launcher's report of a tool's run, and how many calls of it succeeded.
fn call_launcher(
    program: &str,
    root: &Path,
    words: impl Iterator<Item = OsString>,
    stdin: &[u8],
    delay: Duration,
    limit: Duration,
) -> Result<(ToolRun, u64)> {
    let mut input = memory_file("stdin", stdin)?;
    let (mut stdout, mut stderr) = (memory_file("stdout", b"")?, memory_file("stderr", b"")?);
    let (ours, theirs) = UnixStream::pair()?;
    let mut launcher = Command::new("/proc/self/exe");
    launcher.args(launcher::words(&theirs, confined::next(), delay, limit, root)?).args(words);
    launcher.stdin(Stdio::from(input.try_clone()?));
    launcher.stdout(Stdio::from(stdout.try_clone()?)).stderr(Stdio::from(stderr.try_clone()?));
    let mut launcher = launcher.spawn().context("starting the tool's launcher")?;
    drop(theirs);
    let usage = report(ours);
    let status = launcher.wait()?;
    let usage = usage.map_err(|error| match text(&mut stderr).trim() {
        "" => error.context(format!("its launcher ended, {status}")),
        // Why the launcher could not start it.
        said => anyhow!("{said}"),
    });
    let usage = usage.with_context(|| format!("running {program}"))?;
    let run = ToolRun {
        ending: usage.ending,
        wall: usage.wall,
        user: usage.user,
        system: usage.system,
        peak_rss: usage.peak_rss,
        read: input.stream_position()?,
        stdout: text(&mut stdout),
        stderr: text(&mut stderr),
    };
    Ok((run, usage.calls))
}

/// Waits for the launcher's report. On an interrupt it closes its end of the socket; the launcher then kills the tool.
fn report(mut socket: UnixStream) -> Result<Usage> {
    let interrupted = interrupt::wakeup();
    let mut waiting = vec![PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    waiting.extend(interrupted.map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
    while let Err(error) = poll(&mut waiting, PollTimeout::NONE) {
        if error != nix::errno::Errno::EINTR {
            return Err(error.into());
        }
    }
    if waiting[0].any() != Some(true) {
        socket.shutdown(std::net::Shutdown::Write)?;
    }
    let mut line = String::new();
    socket.read_to_string(&mut line)?;
    serde_json::from_str(&line).context("the launcher ended without a report")
}

fn text(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes));
    if let Err(error) = read {
        return format!("(its output could not be read: {error})");
    }
    // Listings have tens of megabytes, so they are not copied.
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Lets `fd` be inherited by the next process that is started.
fn inherit(fd: &impl AsRawFd) -> Result<i32> {
    let fd = fd.as_raw_fd();
    // SAFETY: fcntl with F_SETFD only changes a flag of a descriptor that the caller holds open.
    let result = unsafe { libc::fcntl(fd, libc::F_SETFD, 0) };
    nix::errno::Errno::result(result).context("handing a socket to the launcher")?;
    Ok(fd)
}
