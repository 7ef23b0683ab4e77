//! Fresh namespaces around this program, so that nothing it does reaches the machine it runs on.
//!
//! ```text
//!   outside   the process that was started: separates its namespaces, starts the inside, forwards signals, waits
//!      │  lifeline (a pipe), SIGINT SIGTERM SIGHUP
//!   inside    the same program again, PID 1 of its PID namespace: own network, mounts, /proc, /sys, /run; does the work
//! ```
//!
//! Either may be killed at any moment. The outside's death kills the inside (`PR_SET_PDEATHSIG`), and the death of a
//! PID namespace's first process makes the kernel kill the rest of it; with the last process go the namespaces.

mod forbidden;
mod furnish;
mod separate;
mod stopping;

pub use forbidden::{Cause, Forbidden};
pub use separate::{How, check};
pub use stopping::{STOPPING, heeded};

use anyhow::{Context, Result, bail, ensure};
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid, pipe2};
use signal_hook::consts::SIGCHLD;
use signal_hook::iterator::Signals;
use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The environment variable that tells the inside apart; its value is the number of the lifeline's descriptor.
const MARKER: &str = "SVCLAB_SANDBOX";

/// Which side of the sandbox this process turned out to be.
#[derive(Debug)]
pub enum Side {
    /// The outside, and the inside has ended so: `main` ends, too.
    Outside(Ended),
    /// The inside: go on.
    Inside(Inside),
}

/// How the inside ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; 128+n after signal n.
    pub code: u8,
    /// The signal that killed it, if one did: no signal that is forwarded to it does.
    pub killed: Option<Signal>,
}

/// What the inside knows of its sandbox.
#[derive(Debug)]
pub struct Inside {
    /// This process's ID as the machine sees it, for `nsenter -t PID -n …` and the like.
    pub outer_pid: u32,
    ends_on_signals: Arc<AtomicBool>,
}

impl Inside {
    /// Leaves SIGINT, SIGTERM and SIGHUP to handlers that the caller has installed by now.
    ///
    /// Until then they end the process with 128+n. Without that they would be lost: the kernel ignores signals without
    /// a handler for the first process of a PID namespace.
    pub fn handle_signals(&self) {
        self.ends_on_signals.store(false, Ordering::SeqCst);
    }
}

/// Enters fresh user, mount, network and PID namespaces; the first thing that `main` does.
///
/// It starts this program a second time, with the same arguments, and so returns twice: see [`Side`]. The user
/// namespace is left out for root where the kernel lets root do without. The process must have a single thread.
///
/// The inside is the first process of its PID namespace and does not reap orphans: a tool that puts itself into the
/// background stays a zombie until the end.
///
/// # Errors
/// [`Forbidden`] (to be had by downcasting) when the kernel refuses the namespaces; otherwise whatever step failed.
pub fn enter() -> Result<Side> {
    match env::var_os(MARKER) {
        None => outside().map(Side::Outside),
        Some(lifeline) => inside(&lifeline).context("furnish the sandbox").map(Side::Inside),
    }
}

/// Whether this process is the inside of a sandbox that it has yet to [`enter`]: the outside has decided to.
#[must_use]
pub fn awaits() -> bool {
    env::var_os(MARKER).is_some()
}

/// Runs this program inside and says how it ended.
fn outside() -> Result<Ended> {
    separate::separate(&separate::Ids::own()).map_err(Forbidden::diagnose)?;

    let (lifeline, _held_until_the_end) = pipe2(OFlag::O_CLOEXEC).context("make the lifeline")?;
    fcntl(&lifeline, FcntlArg::F_SETFD(FdFlag::empty())).context("pass on the lifeline")?;

    // Without a thread: a process whose children belong to another PID namespace may not have a second one.
    let mut signals = Signals::new(heeded().chain([SIGCHLD])).context("watch for signals")?;
    let mut arguments = env::args_os();
    let mut inside = Command::new("/proc/self/exe")
        .arg0(arguments.next().unwrap_or_else(|| "svclab".into()))
        .args(arguments)
        .env(MARKER, lifeline.as_raw_fd().to_string())
        // Else a Ctrl-C would arrive twice: from the terminal and forwarded.
        .process_group(0)
        .spawn()
        .context("start this program again, inside the sandbox")?;
    drop(lifeline);

    let pid = Pid::from_raw(inside.id().cast_signed());
    for signal in signals.forever() {
        if signal != SIGCHLD {
            // It has not been waited for, so the ID is still its own; if it has just died, there is nothing to tell it.
            let _ = kill(pid, Signal::try_from(signal)?);
        } else if let Some(status) = inside.try_wait().context("wait for the inside")? {
            return Ok(ended(status));
        }
    }
    bail!("the signal stream ended before the inside did")
}

/// The exit code that a shell would give for `status`, and the signal.
fn ended(status: ExitStatus) -> Ended {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    let killed = status.signal().and_then(|signal| Signal::try_from(signal).ok());
    Ended { code: code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1), killed }
}

/// Settles in: binds this process's life to the outside's and takes over the mounts and the loopback device.
fn inside(lifeline: &OsStr) -> Result<Inside> {
    // A marker set by hand must not lead to mounts on the host.
    ensure!(getpid().as_raw() == 1, "{MARKER} is set, but this is not the first process of a PID namespace; unset it");
    // SAFETY: nothing else runs yet (see `enter`), so no thread can be reading the environment.
    unsafe { env::remove_var(MARKER) };
    follow_to_the_grave(lifeline)?;

    let ends_on_signals = Arc::new(AtomicBool::new(true));
    for signal in heeded() {
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&ends_on_signals))
            .with_context(|| format!("take care of signal {signal}"))?;
    }
    take_back_name();

    let outer_pid = outer_pid()?;
    furnish::furnish()?;
    crate::namespace::raise_loopback().context("bring lo up")?;
    Ok(Inside { outer_pid, ends_on_signals })
}

/// Has the kernel kill this process when the outside dies, also when it already has.
fn follow_to_the_grave(lifeline: &OsStr) -> Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL).context("tie this process's life to the outside's")?;
    let number: i32 = lifeline.to_str().and_then(|text| text.parse().ok()).context("read the lifeline's number")?;
    // SAFETY: the outside left this descriptor open for this process alone, and nothing else here knows of it. If the
    // number is wrong all the same, it is refused here rather than owned.
    let lifeline = unsafe {
        fcntl(BorrowedFd::borrow_raw(number), FcntlArg::F_GETFD).context("find the lifeline")?;
        OwnedFd::from_raw_fd(number)
    };
    // From PR_SET_PDEATHSIG on the kernel takes care; a death before shows as the end of the pipe.
    let mut polled = [PollFd::new(lifeline.as_fd(), PollFlags::POLLIN)];
    poll(&mut polled, PollTimeout::ZERO).context("look at the lifeline")?;
    ensure!(polled[0].any() == Some(false), "the process that started this one is dead");
    Ok(())
}

/// Gives the process the name it was called by; `ps` would show `exe`, since it was started as `/proc/self/exe`.
fn take_back_name() {
    let called: OsString = env::args_os().next().unwrap_or_default();
    let name = Path::new(&called).file_name().and_then(|name| CString::new(name.as_bytes()).ok());
    if let Some(name) = name {
        let _ = prctl::set_name(&name);
    }
}

/// This process's ID in the PID namespace of the `/proc` that is still mounted: the machine's.
fn outer_pid() -> Result<u32> {
    let link = std::fs::read_link("/proc/self").context("read /proc/self")?;
    link.to_str().and_then(|pid| pid.parse().ok()).with_context(|| format!("/proc/self is {}", link.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_code_is_passed_on_and_a_signal_is_128_more() {
        assert_eq!(ended(ExitStatus::from_raw(3 << 8)), Ended { code: 3, killed: None });
        assert_eq!(ended(ExitStatus::from_raw(libc::SIGKILL)), Ended { code: 137, killed: Some(Signal::SIGKILL) });
    }
}
