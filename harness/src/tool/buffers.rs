//! Larger netlink buffers for tools that run without root on the machine.
//!
//! An nf_tables transaction is one message, and must fit into the socket's send buffer. nft and iptables-nft set the
//! buffer's size with `SO_SNDBUFFORCE`, which root in a user namespace may not use. They do not fall back to `SO_SNDBUF`,
//! which everybody may use up to `net.core.wmem_max`. So the launcher handles this one system call for the tool
//! (seccomp_unotify(2)): it sets `SO_SNDBUF`, or `SO_RCVBUF`, on the tool's socket. All other calls go to the kernel.

use super::pidfd;
use anyhow::{Context, Result};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, recvmsg, sendmsg};
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

/// Installs the filter in the calling process, which is about to become the tool. Sends the launcher the descriptor that
/// reports diverted calls. Where the kernel allows no such filter it sends none, and the tool has the default buffer.
pub(crate) fn divert(launcher: &UnixStream) -> std::io::Result<()> {
    let listener = install().ok();
    let rights: Vec<RawFd> = listener.iter().map(AsRawFd::as_raw_fd).collect();
    let control: Vec<_> = listener.iter().map(|_| ControlMessage::ScmRights(&rights)).collect();
    sendmsg::<UnixAddr>(launcher.as_raw_fd(), &[IoSlice::new(b"!")], &control, MsgFlags::empty(), None)?;
    Ok(())
}

fn install() -> std::io::Result<OwnedFd> {
    let level = u32::try_from(libc::SOL_SOCKET).unwrap_or_default();
    let force = |option: i32| u32::try_from(option).unwrap_or_default();
    // Offsets into struct seccomp_data: nr at 0, then arch, the instruction pointer, and six arguments from 16 on.
    let argument = |index: u32| 16 + 8 * index;
    let mut program = [
        load(0),
        jump_unless(libc::SYS_setsockopt as u32, 6),
        load(argument(1)),
        jump_unless(level, 4),
        load(argument(2)),
        jump_if(force(libc::SO_SNDBUFFORCE), 1),
        jump_unless(force(libc::SO_RCVBUFFORCE), 1),
        answer(libc::SECCOMP_RET_USER_NOTIF),
        answer(libc::SECCOMP_RET_ALLOW),
    ];
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the program outlives the call, which copies it. Without new privileges a filter needs no capability.
    let listener = unsafe {
        Errno::result(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
        let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
        Errno::result(libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const filter))?
    };
    // SAFETY: the kernel just returned this descriptor, and nothing else holds it.
    Ok(unsafe { OwnedFd::from_raw_fd(listener as RawFd) })
}

fn load(offset: u32) -> libc::sock_filter {
    libc::sock_filter { code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, jt: 0, jf: 0, k: offset }
}

fn jump_if(value: u32, over: u8) -> libc::sock_filter {
    libc::sock_filter { code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16, jt: over, jf: 0, k: value }
}

fn jump_unless(value: u32, over: u8) -> libc::sock_filter {
    libc::sock_filter { code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16, jt: 0, jf: over, k: value }
}

fn answer(value: u32) -> libc::sock_filter {
    libc::sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: value }
}

/// The descriptor that reports the tool's diverted calls.
pub(super) struct Diverted {
    listener: OwnedFd,
}

impl Diverted {
    /// Takes the descriptor that [`divert`] sent, if it did.
    pub(super) fn receive(tool: &UnixStream) -> Result<Option<Self>> {
        let mut byte = [0];
        let mut message = [IoSliceMut::new(&mut byte)];
        let mut space = cmsg_space!(RawFd);
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let received = recvmsg::<UnixAddr>(tool.as_raw_fd(), &mut message, Some(&mut space), flags)?;
        let listener = received.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::ScmRights(fds) => fds.first().copied(),
            _ => None,
        });
        // SAFETY: the kernel just made this descriptor for this process, and nothing else holds it.
        Ok(listener.map(|listener| Self { listener: unsafe { OwnedFd::from_raw_fd(listener) } }))
    }

    /// Readable when a call waits for its answer.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    /// Answers calls of every process that the filter is in, until the last of them has ended.
    fn answer_all(&self) {
        loop {
            let mut waiting = [PollFd::new(self.fd(), PollFlags::POLLIN)];
            match poll(&mut waiting, PollTimeout::NONE) {
                Err(Errno::EINTR) => continue,
                Err(_) => return,
                Ok(_) => {}
            }
            let events = waiting[0].revents().unwrap_or(PollFlags::POLLERR);
            // A call that cannot be answered is of a process that has just been killed.
            if !events.contains(PollFlags::POLLIN) || self.answer(None).is_err() {
                return;
            }
        }
    }

    /// Answers one waiting call of `process`, or of whichever process makes it: makes the buffer as large as the machine allows, and reports success.
    pub(super) fn answer(&self, process: Option<&OwnedFd>) -> Result<()> {
        // SAFETY: the structs are plain numbers, for which all zeroes is a value, as the kernel demands of them.
        let (mut call, mut reply): (libc::seccomp_notif, libc::seccomp_notif_resp) = unsafe { std::mem::zeroed() };
        // SAFETY: the kernel fills in the struct it is given.
        let received = unsafe { libc::ioctl(self.listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut call) };
        if let Err(error) = Errno::result(received) {
            // ENOENT: the tool was killed while it waited.
            return if error == Errno::ENOENT { Ok(()) } else { Err(error).context("taking a diverted call") };
        }
        let [socket, _, option, ..] = call.data.args;
        reply.id = call.id;
        let enlarged = match process {
            Some(process) => enlarge(process, socket, option as i32),
            None => pidfd::open(call.pid as i32).and_then(|process| enlarge(&process, socket, option as i32)),
        };
        reply.error = -enlarged.err().map_or(0, |error| error as i32);
        // SAFETY: the kernel reads the struct it is given.
        let sent = unsafe { libc::ioctl(self.listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut reply) };
        match Errno::result(sent) {
            Ok(_) | Err(Errno::ENOENT) => Ok(()),
            Err(error) => Err(error).context("answering a diverted call"),
        }
    }
}

/// Answers in a thread of its own what is diverted of the process that sent its descriptor over `tool`, and of its
/// children.
///
/// # Errors
/// If the descriptor cannot be received.
pub(crate) fn answer_all(tool: &UnixStream) -> Result<()> {
    if let Some(diverted) = Diverted::receive(tool)? {
        std::thread::spawn(move || diverted.answer_all());
    }
    Ok(())
}

/// Sets the buffer of the tool's `socket` to as much as the machine allows.
fn enlarge(process: &OwnedFd, socket: u64, option: i32) -> Result<(), Errno> {
    let plain = if option == libc::SO_SNDBUFFORCE { libc::SO_SNDBUF } else { libc::SO_RCVBUF };
    // The kernel doubles it, and caps it at its limit.
    let size: i32 = i32::MAX / 2;
    // SAFETY: pidfd_getfd takes two descriptors and flags, and returns a new descriptor or an error.
    let copy = unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), socket, 0) };
    // SAFETY: the kernel just returned this descriptor, and nothing else holds it.
    let copy = unsafe { OwnedFd::from_raw_fd(Errno::result(copy)? as RawFd) };
    let length = size_of_val(&size) as libc::socklen_t;
    // SAFETY: the value is a live local variable of the length that is given.
    let set = unsafe { libc::setsockopt(copy.as_raw_fd(), libc::SOL_SOCKET, plain, (&raw const size).cast(), length) };
    Errno::result(set).map(drop)
}
