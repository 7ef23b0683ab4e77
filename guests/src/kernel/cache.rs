//! The fetched kernels of this user: a folder for each suite, complete or absent.
//!
//! A kernel is prepared in a folder beside it and then renamed. Only the holder of a lock fetches, so any other folder
//! in preparation was left by a fetch that was killed.

use super::Kernel;
use super::image::Image;
use super::manifest::Manifest;
use super::suite::Suite;
use crate::missing::Missing;
use crate::stop::Stop;
use anyhow::{Context, Result, bail, ensure};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, Flock, FlockArg, RenameFlags, renameat2};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// The prefix of folders in which a kernel is prepared.
const UNREADY: &str = ".fetch-";
/// What a kernel's folder contains.
pub(super) const VMLINUZ: &str = "vmlinuz";
pub(super) const CONFIG: &str = "config";
pub(super) const MODULES: &str = "lib/modules";

#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// This user's: `$XDG_CACHE_HOME/svclab/kernels`, or below `~/.cache`.
    pub(super) fn of_this_user() -> Result<Self, Missing> {
        let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let caches = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        let caches = caches.ok_or_else(|| Missing {
            why: "there is no folder for fetched kernels: neither HOME nor XDG_CACHE_HOME is set".to_owned(),
            remedy: "set XDG_CACHE_HOME to a folder of yours".to_owned(),
        })?;
        Ok(Self::at(&caches))
    }

    fn at(caches: &Path) -> Self {
        Self { folder: caches.join("svclab/kernels") }
    }

    /// svclab's folder in the user's cache.
    pub(super) fn beside(&self) -> PathBuf {
        self.folder.parent().unwrap_or(&self.folder).to_owned()
    }

    fn place(&self, suite: Suite) -> PathBuf {
        self.folder.join(suite.name())
    }

    /// The kernel of `suite`, if it has been fetched.
    ///
    /// # Errors
    /// When its files have changed since.
    pub(super) fn find(&self, suite: Suite) -> Result<Option<Kernel>, Missing> {
        let place = self.place(suite);
        match fs::symlink_metadata(&place) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.unusable(&error.into())),
        }
        whole(suite, &place).map(Some).map_err(|error| Missing {
            why: format!("the kernel in {} is not what was fetched: {error:#}", place.display()),
            remedy: format!("fetch it again: svclab kernel fetch {suite} --again"),
        })
    }

    /// Locks the cache. Waits while another process holds it.
    pub(super) fn lock(&self, stop: Stop<'_>, waiting: impl Fn()) -> Result<Locked<'_>, Missing> {
        let made = fs::create_dir_all(&self.folder).and_then(|()| File::create(self.folder.join(".lock")));
        let mut file = made.map_err(|error| self.unusable(&error.into()))?;
        let mut told = false;
        loop {
            // Not blocking: an interrupt's handler does not end the wait for a lock.
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => {
                    let locked = Locked { cache: self, _lock: lock };
                    locked.sweep().map_err(|error| self.unusable(&error))?;
                    return Ok(locked);
                }
                Err((back, Errno::EWOULDBLOCK)) if !stop() => file = back,
                Err((_, Errno::EWOULDBLOCK)) => {
                    let why = "interrupted while another svclab was fetching a kernel".to_owned();
                    return Err(Missing { why, remedy: "run it again".to_owned() });
                }
                Err((_, error)) => return Err(self.unusable(&error.into())),
            }
            if !std::mem::replace(&mut told, true) {
                waiting();
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Why the cache cannot be used.
    pub(super) fn unusable(&self, error: &anyhow::Error) -> Missing {
        let why = format!("{}, where fetched kernels are kept, cannot be used: {error:#}", self.folder.display());
        Missing { why, remedy: "make it yours with room in it, or set XDG_CACHE_HOME to another folder".to_owned() }
    }
}

/// A locked cache: until this is dropped, only this process changes it.
pub(super) struct Locked<'a> {
    cache: &'a Cache,
    _lock: Flock<File>,
}

impl Locked<'_> {
    /// Removes what killed fetches left behind.
    fn sweep(&self) -> Result<()> {
        let folder = &self.cache.folder;
        let listing = || format!("listing {}", folder.display());
        for entry in fs::read_dir(folder).with_context(listing)? {
            let entry = entry.with_context(listing)?;
            if entry.file_name().to_string_lossy().starts_with(UNREADY) {
                fs::remove_dir_all(entry.path())
                    .with_context(|| format!("removing {}, left by a fetch that was killed", entry.path().display()))?;
            }
        }
        Ok(())
    }

    /// A folder to prepare a kernel in. Dropping it removes what is still inside.
    pub(super) fn workplace(&self) -> Result<TempDir, Missing> {
        let made = tempfile::Builder::new().prefix(UNREADY).tempdir_in(&self.cache.folder);
        made.map_err(|error| self.cache.unusable(&error.into()))
    }

    /// Checks that there is room for `bytes` more.
    pub(super) fn check_room(&self, suite: Suite, bytes: u64) -> Result<(), Missing> {
        let folder = &self.cache.folder;
        let space = nix::sys::statvfs::statvfs(folder).map_err(|error| self.cache.unusable(&error.into()))?;
        let free = space.blocks_available() * space.fragment_size();
        if free >= bytes {
            return Ok(());
        }
        let mebi = |bytes: u64| bytes.div_ceil(1 << 20);
        let why = format!(
            "fetching the kernel of {suite} takes {} MiB, and {} has {} MiB free",
            mebi(bytes),
            folder.display(),
            free >> 20
        );
        Err(Missing { why, remedy: "make room there, or set XDG_CACHE_HOME to another folder".to_owned() })
    }

    /// Moves the kernel of `suite`, prepared in `folder`, to its place.
    pub(super) fn put(&self, suite: Suite, folder: &Path) -> Result<Kernel, Missing> {
        let place = self.cache.place(suite);
        whole(suite, folder)
            .and_then(|_| swap(folder, &place))
            .and_then(|()| whole(suite, &place))
            .map_err(|error| self.cache.unusable(&error))
    }
}

/// Exchanges `new` and `place`, so that a kernel is there at every moment.
fn swap(new: &Path, place: &Path) -> Result<()> {
    let swapped = match renameat2(AT_FDCWD, new, AT_FDCWD, place, RenameFlags::RENAME_EXCHANGE) {
        Err(Errno::ENOENT) => fs::rename(new, place),
        // Some file systems cannot exchange. Then there is no kernel for a moment.
        Err(Errno::EINVAL | Errno::ENOSYS) => {
            fs::rename(place, new.with_extension("old")).and_then(|()| fs::rename(new, place))
        }
        result => result.map_err(Into::into),
    };
    swapped.with_context(|| format!("renaming {} to {}", new.display(), place.display()))
}

/// The kernel in `folder`, after a check against its manifest.
pub(super) fn whole(suite: Suite, folder: &Path) -> Result<Kernel> {
    let manifest = Manifest::read(folder)?;
    ensure!(manifest.suite == suite.name(), "its manifest is that of {}", manifest.suite);
    let vmlinuz = folder.join(VMLINUZ);
    let image = Image::read(&vmlinuz)?;
    if image.sha256 != manifest.vmlinuz_sha256 {
        bail!("{VMLINUZ} has the SHA-256 {}, and should have {}", image.sha256, manifest.vmlinuz_sha256);
    }
    ensure!(
        image.release == manifest.release,
        "{VMLINUZ} is of the release {}, but the manifest names {}",
        image.release,
        manifest.release
    );
    let modules = folder.join(MODULES).join(&manifest.release);
    ensure!(modules.join("kernel").is_dir(), "it has no modules in {}", modules.display());
    Ok(Kernel {
        name: suite.name().to_owned(),
        release: manifest.release,
        package: Some(format!("{} {}", manifest.package, manifest.version)),
        sha256: image.sha256,
        vmlinuz,
        modules,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::image::fake;

    const SUITE: Suite = Suite::Debian12;

    /// A kernel of `release`, made ready in `folder`.
    fn make(folder: &Path, release: &str) {
        fs::create_dir_all(folder.join(MODULES).join(release).join("kernel")).unwrap();
        fs::write(folder.join(VMLINUZ), fake(release)).unwrap();
        let manifest = Manifest {
            suite: SUITE.name().to_owned(),
            package: format!("linux-image-{release}"),
            version: "1".to_owned(),
            release: release.to_owned(),
            vmlinuz_sha256: Image::read(&folder.join(VMLINUZ)).unwrap().sha256,
            debs: Vec::new(),
            fetched: String::new(),
        };
        manifest.write(folder).unwrap();
    }

    fn put(cache: &Cache, release: &str) -> Kernel {
        let locked = cache.lock(&|| false, || ()).unwrap();
        let work = locked.workplace().unwrap();
        let new = work.path().join("new");
        make(&new, release);
        locked.put(SUITE, &new).unwrap()
    }

    #[test]
    fn a_kernel_is_found_once_it_is_put_there_and_replaced_by_the_next() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path());
        assert_eq!(cache.find(SUITE), Ok(None));
        let kernel = put(&cache, "6.1");
        assert_eq!(kernel.package.as_deref(), Some("linux-image-6.1 1"));
        assert_eq!(cache.find(SUITE), Ok(Some(kernel)));
        assert_eq!(put(&cache, "6.2").release, "6.2");
        assert_eq!(cache.find(SUITE).unwrap().unwrap().release, "6.2");
        let left = fs::read_dir(home.path().join("svclab/kernels")).unwrap().count();
        assert_eq!(left, 2, "the kernel and the lock");
    }

    #[test]
    fn a_damaged_kernel_is_told_with_the_way_to_fetch_it_again() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path());
        let kernel = put(&cache, "6.1");
        let image = |bytes: Vec<u8>| fs::write(&kernel.vmlinuz, bytes).unwrap();
        let damages: [(&str, &dyn Fn()); 4] = [
            ("has the SHA-256", &|| image([fake("6.1"), b"x".to_vec()].concat())),
            ("is no kernel for x86", &|| image(Vec::new())),
            ("it has no modules", &|| fs::remove_dir_all(&kernel.modules).unwrap()),
            ("kernel.json: EOF", &|| fs::write(kernel.vmlinuz.with_file_name("kernel.json"), "").unwrap()),
        ];
        for (expected, damage) in damages {
            put(&cache, "6.1");
            damage();
            let missing = cache.find(SUITE).unwrap_err();
            assert!(missing.why.contains(expected), "{}", missing.why);
            assert_eq!(missing.remedy, "fetch it again: svclab kernel fetch debian-12 --again");
        }
    }

    #[test]
    fn what_is_not_whole_is_not_put_there() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path());
        let locked = cache.lock(&|| false, || ()).unwrap();
        let work = locked.workplace().unwrap();
        let new = work.path().join("new");
        make(&new, "6.1");
        fs::write(new.join(VMLINUZ), fake("6.2")).unwrap();
        assert!(locked.put(SUITE, &new).is_err());
        assert_eq!(cache.find(SUITE), Ok(None));
    }

    #[test]
    fn what_a_killed_fetch_left_is_gone_at_the_next() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path());
        let left = cache.lock(&|| false, || ()).unwrap().workplace().unwrap().keep();
        fs::write(left.join("half"), "").unwrap();
        drop(cache.lock(&|| false, || ()).unwrap());
        assert!(!left.exists());
    }

    #[test]
    fn a_cache_that_cannot_be_made_is_named_with_the_remedy() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("svclab"), "a file").unwrap();
        let missing = Cache::at(home.path()).lock(&|| false, || ()).err().unwrap();
        assert!(missing.why.contains("svclab/kernels, where fetched kernels are kept, cannot be used"), "{missing}");
        assert!(missing.remedy.contains("XDG_CACHE_HOME"));
    }

    #[test]
    fn too_little_room_is_said_ahead() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path());
        let locked = cache.lock(&|| false, || ()).unwrap();
        assert_eq!(locked.check_room(SUITE, 1), Ok(()));
        let missing = locked.check_room(SUITE, 1 << 60).unwrap_err();
        assert!(missing.why.contains("takes 1099511627776 MiB"), "{missing}");
    }
}
