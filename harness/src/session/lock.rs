//! The lock of a run's folder: one process writes to it, and others can tell.

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use std::fs::File;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// `folder`, for this process alone. Others may [look](is_written_to) for a moment.
pub(super) fn alone(folder: &Path) -> Result<Flock<File>> {
    const PATIENCE: Duration = Duration::from_secs(1);
    let shown = folder.display();
    let begun = Instant::now();
    let mut file = File::open(folder).with_context(|| format!("{shown} cannot be opened"))?;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((back, Errno::EWOULDBLOCK)) if begun.elapsed() < PATIENCE => file = back,
            Err((_, Errno::EWOULDBLOCK)) => bail!("{shown}: another process is writing to it; wait for its end"),
            Err((_, errno)) => bail!("{shown} cannot be locked: {errno}"),
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Whether a process of this machine writes to `folder`; `None` where that cannot be told.
pub(crate) fn is_written_to(folder: &Path) -> Option<bool> {
    match Flock::lock(File::open(folder).ok()?, FlockArg::LockSharedNonblock) {
        Ok(_) => Some(false),
        Err((_, Errno::EWOULDBLOCK)) => Some(true),
        Err(_) => None,
    }
}
