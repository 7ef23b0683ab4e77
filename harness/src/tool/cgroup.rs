//! A cgroup of the machine's with a limit of memory, version 1 or 2. It goes with its value; what a killed lab leaves behind
//! is an empty folder.

use crate::cell_error::Missing;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What limits the memory of the processes in it, and of what the kernel holds for them.
#[derive(Debug)]
pub(crate) struct Cgroup {
    folder: PathBuf,
    version: Version,
}

/// Which of the two interfaces the kernel has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Version {
    /// Where the limit is written, in bytes.
    fn limit(self) -> &'static str {
        if self == Self::One { "memory.limit_in_bytes" } else { "memory.max" }
    }

    /// Where the kernel counts the processes that it killed, as `oom_kill`.
    fn events(self) -> &'static str {
        if self == Self::One { "memory.oom_control" } else { "memory.events" }
    }
}

impl Cgroup {
    /// Makes one below this process's own, or below the nearest that lets us.
    ///
    /// # Errors
    /// Why this machine does not let us.
    pub(crate) fn limited(bytes: u64) -> Result<Self, Missing> {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let (mounts, own) = (read("/proc/self/mountinfo"), read("/proc/self/cgroup"));
        let places = places(&mounts, &own);
        let mut refused = "no cgroup that limits memory is mounted".to_owned();
        for (place, version) in &places {
            match Self::below(place, *version, bytes) {
                Ok(cgroup) => return Ok(cgroup),
                Err(error) => refused = format!("{}: {error}", place.display()),
            }
        }
        Err(Missing {
            why: format!("the tools' memory cannot be limited here ({refused})"),
            remedy: "run as root, or with --target exact, where the guest's memory is limited".to_owned(),
        })
    }

    fn below(place: &Path, version: Version, bytes: u64) -> io::Result<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        // In its PID namespace every lab is process 1.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_nanos();
        let name = format!("svclab-{now}-{}-{}", process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let folder = place.join(name);
        fs::create_dir(&folder)?;
        let cgroup = Self { folder, version };
        fs::write(cgroup.folder.join(version.limit()), bytes.to_string())?;
        if version == Version::Two {
            // Memory that is written to disk is no longer in memory. Without swap there is no such file.
            let _ = fs::write(cgroup.folder.join("memory.swap.max"), "0");
        }
        cgroup.killed().ok_or_else(|| io::Error::other("the kernel does not count what it kills"))?;
        Ok(cgroup)
    }

    /// The file that a process writes 0 into to be in it.
    pub(crate) fn processes(&self) -> PathBuf {
        self.folder.join("cgroup.procs")
    }

    /// How many processes the kernel has killed in it; `None` if it does not say.
    pub(crate) fn killed(&self) -> Option<u64> {
        count(&self.read(self.version.events())?, "oom_kill")
    }

    /// How often it was refused memory; `None` if the kernel does not say.
    pub(crate) fn refused(&self) -> Option<u64> {
        match self.version {
            Version::One => self.read("memory.failcnt")?.trim().parse().ok(),
            Version::Two => count(&self.read("memory.events")?, "max"),
        }
    }

    fn read(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(file)).ok()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // A process that was just waited for may still be in it.
        for _ in 0..50 {
            match fs::remove_dir(&self.folder) {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                _ => return,
            }
        }
    }
}

/// The number behind `word` in a file of words and numbers.
pub(crate) fn count(text: &str, word: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' ')?.trim().parse().ok())
}

/// Where a cgroup could be made, by what `mountinfo` and this process's `cgroup` file say: this process's own first, then
/// those above it.
fn places(mounts: &str, own: &str) -> Vec<(PathBuf, Version)> {
    let mut places = Vec::new();
    for line in own.lines() {
        // hierarchy:controllers:path (cgroups(7)).
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let version = match controllers {
            "" => Version::Two,
            some if some.split(',').any(|one| one == "memory") => Version::One,
            _ => continue,
        };
        for (root, point) in mounts.lines().filter_map(|line| mounted(line, version)) {
            let Ok(below) = Path::new(path).strip_prefix(root) else { continue };
            let all = below.ancestors().map(|below| (Path::new(point).join(below), version));
            places.extend(all);
        }
    }
    places.sort_by_key(|(_, version)| *version == Version::Two);
    places
}

/// The root and the mount point of a line of `mountinfo`, if it is of cgroups of `version` that may limit memory.
fn mounted(line: &str, version: Version) -> Option<(&str, &str)> {
    let (mount, kind) = line.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(3);
    let (root, point) = (mount.next()?, mount.next()?);
    let mut kind = kind.split(' ');
    let right = match version {
        Version::One => kind.next() == Some("cgroup") && kind.next_back()?.split(',').any(|option| option == "memory"),
        Version::Two => kind.next() == Some("cgroup2"),
    };
    right.then_some((root, point))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "30 25 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                          31 25 0:27 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n\
                          32 25 0:28 /user /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    #[test]
    fn the_own_cgroup_is_tried_before_those_above_it_and_version_1_before_2() {
        let places = places(MOUNTS, "4:memory:/a/b\n1:cpu:/\n0::/user/c\n");
        let told: Vec<_> = places.iter().map(|(place, version)| (place.to_str().unwrap(), *version)).collect();
        assert_eq!(
            told,
            [
                ("/sys/fs/cgroup/memory/a/b", Version::One),
                ("/sys/fs/cgroup/memory/a", Version::One),
                ("/sys/fs/cgroup/memory/", Version::One),
                ("/sys/fs/cgroup/unified/c", Version::Two),
                ("/sys/fs/cgroup/unified/", Version::Two),
            ]
        );
    }

    #[test]
    fn what_is_not_below_a_mount_s_root_or_limits_no_memory_is_no_place() {
        assert!(places(MOUNTS, "1:cpu:/a\n0::/elsewhere\n").is_empty());
        assert!(places("", "4:memory:/a\n").is_empty());
    }

    #[test]
    fn events_are_read_by_their_names() {
        let (one, two) = ("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", "low 0\nmax 7\noom 2\noom_kill 1\n");
        assert_eq!([count(one, "oom_kill"), count(two, "oom_kill")], [Some(3), Some(1)]);
        assert_eq!([count(two, "max"), count(one, "max")], [Some(7), None]);
    }
}
