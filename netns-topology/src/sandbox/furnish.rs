//! The inside's own /proc, /sys and /run.
//!
//! Its own /run holds what the host's holds, but for the two places where network tools would meet the host's:
//! `netns`, where `ip netns` keeps its names, and `xtables.lock`, which every iptables waits for.

use anyhow::{Context, Result};
use nix::fcntl::{OFlag, open};
use nix::mount::{MsFlags, mount};
use nix::sys::stat::Mode;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Entries of /run that the inside has of its own.
const OWN: [&str; 2] = ["netns", "xtables.lock"];

/// Mounts what the inside needs; expects to be in a mount namespace from which nothing propagates.
pub(super) fn furnish() -> Result<()> {
    let harmless = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    // In containers the kernel refuses both, lest they reveal what the runtime has hidden. The old /proc counts PIDs
    // from outside and the old /sys shows the container's devices; neither is relied upon.
    let _ = mount(Some("proc"), "/proc", Some("proc"), harmless, None::<&str>);
    let cgroups = hold(Path::new("/sys/fs/cgroup"));
    if mount(Some("sysfs"), "/sys", Some("sysfs"), harmless, None::<&str>).is_ok()
        && let Ok(cgroups) = cgroups
    {
        let _ = bind(&cgroups, Path::new("/sys/fs/cgroup"));
    }
    refill_run().context("make a /run")
}

/// Covers /run with an empty file system and puts back what was there.
fn refill_run() -> Result<()> {
    let run = Path::new("/run");
    let entries: Vec<Entry> = fs::read_dir(run)?
        .filter_map(|entry| Some(entry.ok()?.file_name()))
        .filter(|name| !OWN.iter().any(|own| name == OsStr::new(own)))
        .filter_map(|name| Entry::hold(run, name))
        .collect();
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), run, Some("tmpfs"), flags, Some("mode=755")).context("mount a tmpfs on it")?;
    for entry in entries {
        // What cannot be put back is some daemon's; the lab talks to none.
        let _ = entry.put_back(run);
    }
    fs::create_dir(run.join("netns")).context("make its netns")?;
    File::create(run.join("xtables.lock")).context("make its xtables.lock")?;
    Ok(())
}

/// Something that was in /run.
struct Entry {
    name: OsString,
    kind: Kind,
}

enum Kind {
    Directory(OwnedFd),
    Link(PathBuf),
    /// A file, socket, pipe or device.
    Other(OwnedFd),
}

impl Entry {
    /// Takes hold of `name` in `directory`, unless it has just gone.
    fn hold(directory: &Path, name: OsString) -> Option<Self> {
        let path = directory.join(&name);
        let kind = fs::symlink_metadata(&path).ok()?.file_type();
        let kind = if kind.is_symlink() {
            Kind::Link(fs::read_link(&path).ok()?)
        } else if kind.is_dir() {
            Kind::Directory(hold(&path).ok()?)
        } else {
            Kind::Other(hold(&path).ok()?)
        };
        Some(Self { name, kind })
    }

    fn put_back(self, directory: &Path) -> io::Result<()> {
        let path = directory.join(self.name);
        match self.kind {
            Kind::Link(to) => symlink(to, &path)?,
            Kind::Directory(held) => {
                fs::create_dir(&path)?;
                bind(&held, &path)?;
            }
            Kind::Other(held) => {
                File::create(&path)?;
                bind(&held, &path)?;
            }
        }
        Ok(())
    }
}

/// A grip on a file that outlasts its being mounted over.
fn hold(path: &Path) -> nix::Result<OwnedFd> {
    open(path, OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, Mode::empty())
}

/// Binds what is held, with all that is mounted below it, to `path`.
fn bind(held: &OwnedFd, path: &Path) -> nix::Result<()> {
    let held = format!("/proc/self/fd/{}", held.as_raw_fd());
    // Recursive also because a user namespace may not uncover what is below a mount it did not make.
    mount(Some(held.as_str()), path, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)
}
