//! A network namespace for as long as a job runs in it.

use anyhow::{Context, Result, anyhow};
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::SockProtocol;
use node_netlink::Socket;
use std::thread;

/// Runs `job` in a network namespace of its own, with everything down, as it is born.
pub(crate) fn in_bare<T: Send + 'static>(job: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let inside = move || {
        unshare(CloneFlags::CLONE_NEWNET).context("making a network namespace")?;
        job()
    };
    thread::spawn(inside).join().map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        anyhow!(text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default())
    })?
}

/// Runs `job` in a network namespace of its own, with lo up.
pub(crate) fn in_fresh<T: Send + 'static>(job: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    in_bare(move || {
        raise_loopback().context("setting lo up")?;
        job()
    })
}

/// lo has the number 1 in every namespace.
fn raise_loopback() -> Result<()> {
    let up = libc::IFF_UP.cast_unsigned();
    let header = [0, 1, up, up].map(u32::to_ne_bytes).concat();
    let mut socket = Socket::open(SockProtocol::NetlinkRoute)?;
    Ok(socket.ask(libc::RTM_NEWLINK, 0, |writer| writer.header(&header), |_, _| ())?)
}
