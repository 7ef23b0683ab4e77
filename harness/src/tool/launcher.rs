//! The launcher: this program again, as a small process that runs one tool.
//!
//! A process inherits its parent's peak memory, so a tool that the lab starts itself would report the lab's. The launcher
//! is small. It also kills the tool at its time limit, and when the lab ends.

use super::buffers::{self, Diverted};
use super::{Ending, Usage, inherit, origin, pidfd};
use anyhow::{Context, Result, anyhow, bail};
use guests::mark;
use guests::tool::{MOST_PRINTED, limit_output};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::time::{ClockId, clock_gettime};
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// The first argument that makes this program a launcher. Not a verb: nobody is meant to type it.
const WORD: &str = ".launch";

/// The same for a tool in a cgroup, whose file of processes is the next argument. Others have no argument more: the tool's
/// would be at other addresses.
const CONFINE: &str = ".confine";

/// In place of the tool, which follows: the arguments of each call are on standard input.
pub(super) const EACH: &str = ".each";

/// The launcher's own arguments; the tool and its arguments follow.
///
/// The delay is always written in the same width. Otherwise the tool's arguments would be at other addresses.
pub(super) fn words(
    socket: &UnixStream,
    cgroup: Option<PathBuf>,
    delay: Duration,
    limit: Duration,
    root: &Path,
) -> Result<Vec<OsString>> {
    let first = cgroup.map_or(vec![WORD.into()], |processes| vec![CONFINE.into(), processes.into_os_string()]);
    let delay = format!("{:020}", delay.as_nanos());
    let numbers = [inherit(socket)?.to_string(), delay, limit.as_nanos().to_string()];
    let numbers = numbers.into_iter().map(OsString::from);
    Ok(first.into_iter().chain(numbers).chain([root.as_os_str().to_owned()]).collect())
}

/// Runs the launcher, if this process was started as one.
pub(crate) fn serve() -> Option<ExitCode> {
    let mut args = std::env::args_os().skip(1);
    let first = args.next()?;
    let cgroup = if first == CONFINE { args.next().map(PathBuf::from) } else { None };
    if first != WORD && cgroup.is_none() {
        return None;
    }
    match launch(cgroup, args) {
        Ok(()) => Some(ExitCode::SUCCESS),
        Err(error) => {
            tell!("{error:#}");
            Some(ExitCode::FAILURE)
        }
    }
}

fn launch(cgroup: Option<PathBuf>, mut args: impl Iterator<Item = OsString>) -> Result<()> {
    let mut number = || args.next().and_then(|word| word.to_str()?.parse::<u64>().ok());
    let numbers = [number(), number(), number()];
    let [Some(socket), Some(delay), Some(limit)] = numbers else {
        bail!("the launcher is svclab's own and takes a socket, a delay and a limit");
    };
    // SAFETY: the lab opened this descriptor for the launcher and for nobody else in this process.
    let mut socket = unsafe { UnixStream::from_raw_fd(i32::try_from(socket)?) };
    nix::fcntl::fcntl(&socket, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
    let [delay, limit] = [delay, limit].map(Duration::from_nanos);
    // Before any clock: the tool inherits it.
    limit_output(MOST_PRINTED).context("limiting what the tool may print")?;
    let root = args.next().context("no root to launch a tool in")?;
    let program = args.next().context("no tool to launch")?;
    let place = Where { root: &root, cgroup: cgroup.as_deref() };
    let usage = if program == EACH {
        let program = args.next().context("no tool to launch")?;
        launch_each(&program, place, &socket, limit)?
    } else {
        launch_once(Command::new(program).args(args), place, &socket, delay, limit)?
    };
    serde_json::to_writer(&mut socket, &usage)?;
    socket.flush()?;
    Ok(())
}

/// Where a tool starts.
#[derive(Debug, Clone, Copy)]
struct Where<'a> {
    root: &'a OsStr,
    /// The file of processes of its cgroup, if it has one of its own.
    cgroup: Option<&'a Path>,
}

/// Calls of one tool, as the launcher reads them from standard input: one call a line, its arguments separated by NUL.
pub(super) fn list(calls: &[&[String]]) -> Vec<u8> {
    let mut list = Vec::new();
    for args in calls {
        list.extend_from_slice(args.join("\0").as_bytes());
        list.push(b'\n');
    }
    list
}

/// Makes the calls on standard input, and stops at the first that fails.
fn launch_each(program: &OsStr, place: Where<'_>, lab: &UnixStream, limit: Duration) -> Result<Usage> {
    let calls = std::io::read_to_string(std::io::stdin())?;
    let mut sum: Option<Usage> = None;
    for call in calls.lines() {
        let mut tool = Command::new(program);
        tool.args(call.split('\0')).stdin(Stdio::null());
        let spent = sum.as_ref().map_or(Duration::ZERO, |sum| sum.wall);
        let usage = launch_once(&mut tool, place, lab, Duration::ZERO, limit.saturating_sub(spent))?;
        let through = usage.ending == Ending::Exited(0);
        sum = Some(match sum {
            Some(sum) => sum.and(usage),
            None => usage,
        });
        if !through {
            break;
        }
    }
    sum.context("a tool was to be called no times")
}

fn launch_once(
    tool: &mut Command,
    place: Where<'_>,
    lab: &UnixStream,
    delay: Duration,
    limit: Duration,
) -> Result<Usage> {
    let (ours, theirs) =
        if privileged() { (None, None) } else { UnixStream::pair().map(|(a, b)| (Some(a), Some(b)))? };
    let (root, cgroup) = (place.root.to_owned(), place.cgroup.map(Path::to_owned));
    // SAFETY: a launcher has a single thread, so any code may run between fork and exec.
    unsafe {
        tool.pre_exec(move || {
            nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
            if let Some(processes) = &cgroup {
                std::fs::write(processes, "0")?;
            }
            origin::enter(&root)?;
            if !delay.is_zero() {
                // The launcher waits for exec, so the time limit cannot end this.
                spin(delay.min(limit))?;
            }
            theirs.as_ref().map_or(Ok(()), buffers::divert)
        });
    }
    run(tool, lab, ours.as_ref(), limit)
}

/// Spins until this process has used `delay` of CPU time. On a busy machine that takes longer, just as the tool's own
/// work does.
fn spin(delay: Duration) -> std::io::Result<()> {
    let spent = || clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from);
    let end = spent()? + delay;
    while spent()? < end {}
    Ok(())
}

#[allow(clippy::zombie_processes, reason = "wait4 waits for the tool and brings its usage, which Child::wait does not")]
fn run(tool: &mut Command, lab: &UnixStream, divert: Option<&UnixStream>, limit: Duration) -> Result<Usage> {
    let start = Instant::now();
    // After the clock: a process's first reading of it takes 10,000 instructions.
    let window = mark::window();
    let child = tool.spawn().map_err(|error| unstarted(tool, error))?;
    let pid = i32::try_from(child.id())?;
    let process = pidfd::open(pid).context("watching the tool (pidfd_open needs Linux 5.3 or later)")?;
    let diverted = divert.map(Diverted::receive).transpose().context("arranging for larger buffers")?.flatten();
    let watch = Watch { process: &process, lab, diverted: diverted.as_ref() };
    let ended = match watch.until(start + limit / 4)? {
        Wake::Time if lags(4) => Some(Ending::TooSlow),
        Wake::Time => watch.until(start + limit)?.ending(),
        wake => wake.ending(),
    };
    if ended.is_some() {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL)?;
    }
    let mut status = 0;
    // SAFETY: rusage is plain numbers, for which all zeroes is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live local variables of the right types, and the process is this one's child.
    let waited = unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) };
    nix::errno::Errno::result(waited).context("waiting for the tool")?;
    let wall = start.elapsed();
    drop(window);
    let ending = ended.unwrap_or_else(|| match () {
        () if libc::WIFEXITED(status) => Ending::Exited(libc::WEXITSTATUS(status)),
        () => Ending::Signalled(libc::WTERMSIG(status)),
    });
    Ok(Usage {
        ending,
        wall,
        user: duration(usage.ru_utime),
        system: duration(usage.ru_stime),
        // The kernel counts ru_maxrss in KiB (getrusage(2)).
        peak_rss: u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024,
        calls: u64::from(matches!(ending, Ending::Exited(0))),
    })
}

/// Why `tool` could not be started, whose file is there.
fn unstarted(tool: &Command, error: std::io::Error) -> anyhow::Error {
    let program = tool.get_program().display();
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            anyhow!("starting {program}: the interpreter or loader that it names is not here")
        }
        _ => anyhow::Error::new(error).context(format!("starting {program}")),
    }
}

/// Whether the tool has read less than 1/`part` of its standard input, which it shares with this process.
///
/// Slow tools read line by line, and get slower with each line. One that lags early never catches up. Tools that read
/// everything first never lag.
fn lags(part: u64) -> bool {
    let input = std::io::stdin();
    // SAFETY: lseek with SEEK_CUR only asks for the offset.
    let read = unsafe { libc::lseek(input.as_fd().as_raw_fd(), 0, libc::SEEK_CUR) };
    let size = nix::sys::stat::fstat(&input).map_or(0, |stat| stat.st_size);
    u64::try_from(read).unwrap_or(u64::MAX).saturating_mul(part) < u64::try_from(size).unwrap_or(0)
}

struct Watch<'a> {
    process: &'a OwnedFd,
    lab: &'a UnixStream,
    diverted: Option<&'a Diverted>,
}

/// What ended a wait.
enum Wake {
    /// The tool has ended.
    Tool,
    /// The lab has closed its end of the socket.
    Lab,
    /// The deadline is reached.
    Time,
}

impl Wake {
    /// Why the tool is to be killed; `None` when it has ended.
    fn ending(self) -> Option<Ending> {
        match self {
            Self::Tool => None,
            Self::Lab => Some(Ending::Interrupted),
            Self::Time => Some(Ending::TimedOut),
        }
    }
}

impl Watch<'_> {
    /// Waits until `deadline` at most, and answers the tool's diverted system calls meanwhile.
    fn until(&self, deadline: Instant) -> Result<Wake> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let watched = [self.process.as_fd(), self.lab.as_fd()].into_iter().chain(self.diverted.map(Diverted::fd));
            let mut waiting: Vec<_> = watched.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
            // Rounded up: when poll times out, the deadline has passed.
            let timeout = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
            match poll(&mut waiting, timeout) {
                Err(nix::errno::Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
                Ok(0) if left.is_zero() => return Ok(Wake::Time),
                Ok(0) => {}
                Ok(_) if waiting[0].any() == Some(true) => return Ok(Wake::Tool),
                Ok(_) if waiting[1].any() == Some(true) => return Ok(Wake::Lab),
                Ok(_) => self.diverted.map_or(Ok(()), |diverted| diverted.answer(Some(self.process)))?,
            }
        }
    }
}

/// Whether this process is root on the machine, and not only in its own user namespace.
pub(crate) fn privileged() -> bool {
    // The initial user namespace maps every ID to itself.
    std::fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| map.split_whitespace().eq(["0", "0", "4294967295"]))
        && nix::unistd::Uid::effective().is_root()
}

fn duration(time: libc::timeval) -> Duration {
    let micros = time.tv_sec * 1_000_000 + time.tv_usec;
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
