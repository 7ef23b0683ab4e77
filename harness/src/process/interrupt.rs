//! Ctrl-C and similar signals: a flag for the run loop, and a descriptor that wakes up waiting threads.

use anyhow::{Context, Result};
use netns_topology::sandbox;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

struct Interrupt {
    flag: Arc<AtomicBool>,
    wakeup: UnixStream,
}

static INTERRUPT: OnceLock<Interrupt> = OnceLock::new();

/// From now on a signal asks the run to stop, and does not end the process. One that the process was started to ignore stays
/// ignored.
pub(crate) fn listen() -> Result<()> {
    let flag = Arc::new(AtomicBool::new(false));
    let (wakeup, signalled) = UnixStream::pair()?;
    for signal in sandbox::heeded() {
        let context = || format!("listening for signal {signal}");
        signal_hook::flag::register(signal, Arc::clone(&flag)).with_context(context)?;
        signal_hook::low_level::pipe::register(signal, signalled.try_clone()?).with_context(context)?;
    }
    // A second call keeps the first flag: the handlers then set both.
    let _ = INTERRUPT.set(Interrupt { flag, wakeup });
    Ok(())
}

/// Whether the run was asked to stop.
pub(crate) fn requested() -> bool {
    INTERRUPT.get().is_some_and(|interrupt| interrupt.flag.load(Ordering::Relaxed))
}

/// Becomes readable when the run is asked to stop, and stays so.
pub(crate) fn wakeup() -> Option<BorrowedFd<'static>> {
    INTERRUPT.get().map(|interrupt| interrupt.wakeup.as_fd())
}

/// Waits until the run is asked to stop.
pub(crate) fn wait() -> Result<()> {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    while let (false, Some(fd)) = (requested(), wakeup()) {
        match poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], PollTimeout::NONE) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error).context("waiting for an interrupt"),
        }
    }
    Ok(())
}
