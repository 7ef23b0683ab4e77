//! A process that is held on to by a descriptor.

use nix::errno::Errno;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// Opens the process `pid` (pidfd_open(2), Linux 5.3 or later).
///
/// # Errors
/// If there is no such process, or the kernel has no such call.
pub(super) fn open(pid: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: pidfd_open takes a process id and flags, and returns a new descriptor or an error.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    // SAFETY: the kernel just returned this descriptor, and nothing else holds it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}
