//! The system calls that put a process into namespaces of its own, and a trial of them.

use super::forbidden::{Forbidden, Refusal, Step};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::Mode;
use nix::unistd::{getegid, geteuid, pipe2, write};
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// What the sandbox is made of, besides the user namespace.
const NAMESPACES: CloneFlags = CloneFlags::CLONE_NEWNS.union(CloneFlags::CLONE_NEWNET).union(CloneFlags::CLONE_NEWPID);

/// By what right the namespaces are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// As root.
    Root,
    /// Within a user namespace, in which this user is root.
    UserNamespace,
}

/// Who this process is, with what it has to write to be root in a user namespace; made ahead of time, because after a
/// fork nothing may be allocated.
pub(super) struct Ids {
    root: bool,
    uid_map: String,
    gid_map: String,
}

impl Ids {
    /// The IDs of this process.
    pub(super) fn own() -> Self {
        let (uid, gid) = (geteuid(), getegid());
        Self { root: uid.is_root(), uid_map: format!("0 {uid} 1"), gid_map: format!("0 {gid} 1") }
    }
}

/// Puts this process into new namespaces (as to PIDs: its children), with mounts that propagate nowhere.
///
/// Only makes system calls, so that it may run between fork and exec.
pub(super) fn separate(ids: &Ids) -> Result<How, Refusal> {
    let how = if ids.root { as_root_or_user(ids) } else { as_user(ids) }?;
    let everything_private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, everything_private, None::<&str>).map_err(Step::Mount.refusal())?;
    Ok(how)
}

fn as_root_or_user(ids: &Ids) -> Result<How, Refusal> {
    match unshare(NAMESPACES) {
        Ok(()) => Ok(How::Root),
        // Root without CAP_SYS_ADMIN, as in most containers: no better off than anybody else.
        Err(Errno::EPERM) => as_user(ids),
        Err(errno) => Err(Step::Unshare.refusal()(errno)),
    }
}

fn as_user(ids: &Ids) -> Result<How, Refusal> {
    unshare(CloneFlags::CLONE_NEWUSER).map_err(Step::UnshareUser.refusal())?;
    // Kernels before 3.19 have no such file and need none.
    match write_file("/proc/self/setgroups", "deny") {
        Ok(()) | Err(Errno::ENOENT) => {}
        Err(errno) => return Err(Step::MapIds.refusal()(errno)),
    }
    write_file("/proc/self/uid_map", &ids.uid_map).map_err(Step::MapIds.refusal())?;
    write_file("/proc/self/gid_map", &ids.gid_map).map_err(Step::MapIds.refusal())?;
    unshare(NAMESPACES).map_err(Step::Unshare.refusal())?;
    Ok(How::UserNamespace)
}

fn write_file(path: &str, text: &str) -> nix::Result<()> {
    let file = open(path, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    write(file, text.as_bytes()).map(drop)
}

/// Tries in a child process whether [`enter`](super::enter) would work, and by what right.
///
/// # Errors
/// When it would not: what forbids it, and what to do.
pub fn check() -> Result<How, Forbidden> {
    try_in_child().unwrap_or_else(|errno| Err(Step::Try.refusal()(errno))).map_err(Forbidden::diagnose)
}

/// Runs [`separate`] and [`try_out`] in a child; the outer error is that of asking.
fn try_in_child() -> nix::Result<Result<How, Refusal>> {
    let ids = Ids::own();
    let (answer, told) = pipe2(OFlag::O_CLOEXEC)?;
    let tell = told.as_fd().try_clone_to_owned().map_err(|_| Errno::EMFILE)?;
    let mut child = Command::new("/proc/self/exe");
    // SAFETY: the closure allocates nothing and makes system calls only, which is allowed after a fork of a process
    // with threads; it ends the child, so nothing is ever executed.
    unsafe {
        child.pre_exec(move || {
            let outcome = separate(&ids).and_then(try_out);
            let _ = write(&tell, &encode(outcome));
            libc::_exit(0)
        })
    };
    let spawned = child.spawn();
    drop((child, told));
    let mut child = spawned.map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))?;
    let _ = child.wait();
    let mut message = [0; 5];
    std::fs::File::from(answer).read_exact(&mut message).map_err(|_| Errno::EIO)?;
    Ok(decode(message))
}

/// Tries what the inside will do; system calls only, as [`separate`].
fn try_out(how: How) -> Result<How, Refusal> {
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), None::<&str>).map_err(Step::Mount.refusal())?;
    let sysctl = open("/proc/sys/net/ipv4/ip_forward", OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty());
    match sysctl {
        // Root mounts a /proc of its own over this one; a user namespace may not, where a part of it is covered.
        Err(Errno::EROFS) if how == How::UserNamespace => Err(Step::Sysctl.refusal()(Errno::EROFS)),
        _ => Ok(how),
    }
}

/// An outcome in five bytes: `0, how, …`, or `1 + step, errno`.
fn encode(outcome: Result<How, Refusal>) -> [u8; 5] {
    let (tag, number) = match outcome {
        Ok(how) => (0, how as i32),
        Err(refusal) => (1 + refusal.step as u8, refusal.errno as i32),
    };
    let [a, b, c, d] = number.to_le_bytes();
    [tag, a, b, c, d]
}

/// The reverse of [`encode`].
fn decode([tag, a, b, c, d]: [u8; 5]) -> Result<How, Refusal> {
    let number = i32::from_le_bytes([a, b, c, d]);
    match tag.checked_sub(1) {
        None if number == How::Root as i32 => Ok(How::Root),
        None => Ok(How::UserNamespace),
        Some(step) => {
            let step = Step::ALL.into_iter().find(|known| *known as u8 == step).unwrap_or(Step::Try);
            Err(step.refusal()(Errno::from_raw(number)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_comes_through_the_pipe_as_it_was() {
        let refused = Step::ALL.map(|step| Err(step.refusal()(Errno::ENOSPC)));
        for outcome in [Ok(How::Root), Ok(How::UserNamespace)].into_iter().chain(refused) {
            assert_eq!(decode(encode(outcome)), outcome);
        }
    }
}
