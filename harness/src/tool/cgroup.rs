//! A cgroup of the machine's with a limit of memory, version 1 or 2. It goes with its value.
//!
//! The kernel does not remove the folder of a lab that was killed. But it unlocks it: so others can tell that it is
//! nobody's, and [sweep](Places::sweep) it away.

use crate::cell_error::Missing;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{self, File};
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
    /// Held as long as it is somebody's.
    _lock: Flock<File>,
}

/// How the names of all folders begin.
const PREFIX: &str = "svclab-";
/// How often a folder is made again that another lab's [sweep](Places::sweep) took before it was locked.
const TRIES: u32 = 5;

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
        let own = Places::here();
        own.sweep();
        let mut refused = "no cgroup that limits memory is mounted".to_owned();
        for (place, version) in &own.0 {
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
        let (folder, lock) = made_in(place)?;
        let cgroup = Self { folder, version, _lock: lock };
        fs::write(cgroup.folder.join(version.limit()), bytes.to_string())?;
        if version == Version::Two {
            // Memory that is written to disk is no longer in memory. Without swap there is no such file.
            let _ = fs::write(cgroup.folder.join("memory.swap.max"), "0");
        }
        cgroup.ran_out().ok_or_else(|| io::Error::other("the kernel does not count what it kills"))?;
        Ok(cgroup)
    }

    /// The file that a process writes 0 into to be in it.
    pub(crate) fn processes(&self) -> PathBuf {
        self.folder.join("cgroup.procs")
    }

    /// How often its memory ran out; `None` if the kernel does not say.
    pub(crate) fn ran_out(&self) -> Option<u64> {
        ran_out(self.version, &self.read(self.version.events())?)
    }

    fn read(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(file)).ok()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        remove(&self.folder);
    }
}

/// Where this process could make a cgroup.
pub(crate) struct Places(Vec<(PathBuf, Version)>);

impl Places {
    /// As /proc says now.
    pub(crate) fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        Self(places(&read("/proc/self/mountinfo"), &read("/proc/self/cgroup")))
    }

    /// Removes the cgroups there that killed labs have left.
    pub(crate) fn sweep(&self) {
        self.0.iter().for_each(|(place, _)| sweep_in(place));
    }
}

/// Removes those in `place`.
fn sweep_in(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes())
            && let Some(_lock) = locked(&entry.path())
        {
            remove(&entry.path());
        }
    }
}

/// A new folder in `place`, and its lock.
fn made_in(place: &Path) -> io::Result<(PathBuf, Flock<File>)> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    for _ in 0..TRIES {
        // In its PID namespace every lab is process 1.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_nanos();
        let name = format!("{PREFIX}{now}-{}-{}", process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let folder = place.join(name);
        fs::create_dir(&folder)?;
        // Between these two it may be swept away. After them, what is still there is ours.
        if let Some(lock) = locked(&folder)
            && folder.exists()
        {
            return Ok((folder, lock));
        }
    }
    Err(io::Error::other("the folder that was made there is gone, or cannot be locked"))
}

/// The lock of `folder`, if nobody has it.
fn locked(folder: &Path) -> Option<Flock<File>> {
    Flock::lock(File::open(folder).ok()?, FlockArg::LockExclusiveNonblock).ok()
}

fn remove(folder: &Path) {
    // A process that was just waited for may still be in it.
    for _ in 0..50 {
        match fs::remove_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => std::thread::sleep(Duration::from_millis(10)),
            _ => return,
        }
    }
}

/// How often memory ran out, by a file of events: how many processes the kernel killed and, of version 2, how often it could
/// not help itself at all. What it calls `max` or `failcnt` also counts memory that was granted after others gave some back.
fn ran_out(version: Version, events: &str) -> Option<u64> {
    let unmet = if version == Version::Two { count(events, "oom").unwrap_or(0) } else { 0 };
    Some(count(events, "oom_kill")? + unmet)
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
    fn a_folder_that_nobody_holds_is_swept_away_and_no_other() {
        let place = tempfile::tempdir().unwrap();
        let names = || fs::read_dir(place.path()).unwrap().flatten().map(|entry| entry.path()).collect::<Vec<_>>();
        let (held, lock) = made_in(place.path()).unwrap();
        let (left, its_lock) = made_in(place.path()).unwrap();
        let other = place.path().join("somebody-else");
        fs::create_dir(&other).unwrap();
        sweep_in(place.path());
        assert_eq!(names().len(), 3);
        // As the kernel does it when the lab is killed.
        drop(its_lock);
        sweep_in(place.path());
        assert!(held.exists() && other.exists() && !left.exists(), "{:?}", names());
        drop(lock);
        sweep_in(place.path());
        assert_eq!(names(), [other]);
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
        assert_eq!([ran_out(Version::One, one), ran_out(Version::Two, two)], [Some(3), Some(3)]);
    }

    #[test]
    fn memory_that_was_granted_in_the_end_did_not_run_out() {
        assert_eq!(ran_out(Version::Two, "low 0\nhigh 9\nmax 7\noom 0\noom_kill 0\n"), Some(0));
        assert_eq!(ran_out(Version::One, "oom_kill_disable 0\nunder_oom 0\n"), None);
    }
}
