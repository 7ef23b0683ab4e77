//! Sets up a guest's kernel before its work begins.

use crate::root::PATH;
use crate::tools;
use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::Path;

// linux/random.h: _IOW('R', 3, int [2]) and _IO('R', 7).
const ADD_ENTROPY: libc::Ioctl = 0x4008_5203;
const RESEED: libc::Ioctl = 0x5207;

/// Mounts what programs expect, and sets PATH.
pub(super) fn furnish() -> Result<()> {
    // Everything else is the initramfs, in memory and writable.
    for (kind, place) in [("proc", "/proc"), ("sysfs", "/sys")] {
        let mounted = mount(Some(kind), place, Some(kind), MsFlags::empty(), None::<&str>);
        mounted.with_context(|| format!("mounting {place}"))?;
    }
    fs::create_dir_all("/run/netns")?;
    if Path::new(tools::PLACE).is_dir() {
        tools::furnish(Path::new(tools::PLACE))?;
    }
    // SAFETY: this process has only one thread so far.
    unsafe { std::env::set_var("PATH", PATH) };
    // The host notices a panic. If the kernel killed a process instead, the host would have to guess why it ended.
    fs::write("/proc/sys/vm/panic_on_oom", "1").context("making the kernel panic when it runs out of memory")?;
    Ok(())
}

/// Makes `entropy` the only source of randomness in the kernel that can differ between boots.
pub(super) fn stir(entropy: &[u8]) -> Result<()> {
    // struct rand_pool_info: entropy in bits, size in bytes, the bytes.
    let mut pool = Vec::from((8 * entropy.len() as u32).to_ne_bytes());
    pool.extend((entropy.len() as u32).to_ne_bytes());
    pool.extend(entropy);
    let random = File::options().write(true).open("/dev/urandom")?;
    // SAFETY: the kernel reads a struct of the length that its header gives.
    Errno::result(unsafe { libc::ioctl(random.as_raw_fd(), ADD_ENTROPY, pool.as_ptr()) })?;
    // SAFETY: this takes no argument.
    Errno::result(unsafe { libc::ioctl(random.as_raw_fd(), RESEED) })?;
    Ok(())
}

/// Loads the module in `file`, unless it is loaded already.
///
/// # Errors
/// When the kernel refuses it.
pub fn load(file: &str) -> Result<()> {
    let module = File::open(file).with_context(|| format!("opening {file}"))?;
    // SAFETY: finit_module takes a descriptor, a string that lives as long as the call, and flags.
    let loaded = unsafe { libc::syscall(libc::SYS_finit_module, module.as_raw_fd(), c"".as_ptr(), 0) };
    match Errno::result(loaded) {
        Ok(_) | Err(Errno::EEXIST) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("loading {file}")),
    }
}
