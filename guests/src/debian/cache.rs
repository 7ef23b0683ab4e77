//! The fetched goods of this user, such as kernels: a folder for each suite, complete or absent.
//!
//! One is prepared in a folder beside it and then renamed. Only the holder of a lock fetches, so any other folder
//! in preparation was left by a fetch that was killed.

use super::Goods;
use super::suite::Suite;
use crate::missing::Missing;
use crate::stop::Stop;
use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, Flock, FlockArg, RenameFlags, renameat2};
use std::fs::{self, File};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// The prefix of folders in which goods are prepared.
const UNREADY: &str = ".fetch-";

#[derive(Debug)]
pub(crate) struct Cache<G> {
    folder: PathBuf,
    goods: PhantomData<G>,
}

impl<G: Goods> Cache<G> {
    /// This user's: a folder in `$XDG_CACHE_HOME/svclab`, or below `~/.cache`.
    pub(crate) fn of_this_user() -> Result<Self, Missing> {
        let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let caches = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        let caches = caches.ok_or_else(|| Missing {
            why: "there is no folder for what is fetched: neither HOME nor XDG_CACHE_HOME is set".to_owned(),
            remedy: "set XDG_CACHE_HOME to a folder of yours".to_owned(),
        })?;
        Ok(Self::at(&caches))
    }

    pub(crate) fn at(caches: &Path) -> Self {
        Self { folder: caches.join("svclab").join(G::FOLDER), goods: PhantomData }
    }

    /// svclab's folder in the user's cache.
    pub(crate) fn beside(&self) -> PathBuf {
        self.folder.parent().unwrap_or(&self.folder).to_owned()
    }

    fn place(&self, suite: Suite) -> PathBuf {
        self.folder.join(suite.name())
    }

    /// Those of `suite`, if they have been fetched.
    ///
    /// # Errors
    /// When the files have changed since.
    pub(crate) fn find(&self, suite: Suite) -> Result<Option<G::Kept>, Missing> {
        let place = self.place(suite);
        match fs::symlink_metadata(&place) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.unusable(&error.into())),
        }
        G::whole(suite, &place).map(Some).map_err(|error| Missing {
            why: format!("{} is not what was fetched: {error:#}", place.display()),
            remedy: format!("fetch it again: svclab fetch {} {suite} --again", G::NAME),
        })
    }

    /// Whether something is there for `suite`, whole or damaged.
    pub(crate) fn has(&self, suite: Suite) -> bool {
        fs::symlink_metadata(self.place(suite)).is_ok()
    }

    /// Locks the cache. Waits while another process holds it.
    pub(crate) fn lock(&self, stop: Stop<'_>, waiting: impl Fn()) -> Result<Locked<'_, G>, Missing> {
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
                    let why = "interrupted while another svclab was fetching".to_owned();
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
        let (folder, kept) = (self.folder.display(), G::FOLDER);
        let why = format!("{folder}, where fetched {kept} are kept, cannot be used: {error:#}");
        Missing { why, remedy: "make it yours with room in it, or set XDG_CACHE_HOME to another folder".to_owned() }
    }
}

/// A locked cache: until this is dropped, only this process changes it.
pub(crate) struct Locked<'a, G> {
    cache: &'a Cache<G>,
    _lock: Flock<File>,
}

impl<G: Goods> Locked<'_, G> {
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

    /// A folder to prepare goods in. Dropping it removes what is still inside.
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
            "fetching the {} of {suite} takes {} MiB, and {} has {} MiB free",
            G::NAME,
            mebi(bytes),
            folder.display(),
            free >> 20
        );
        Err(Missing { why, remedy: "make room there, or set XDG_CACHE_HOME to another folder".to_owned() })
    }

    /// Moves the goods of `suite`, prepared in `folder`, to their place.
    pub(super) fn put(&self, suite: Suite, folder: &Path) -> Result<G::Kept, Missing> {
        let place = self.cache.place(suite);
        G::whole(suite, folder)
            .and_then(|_| swap(folder, &place))
            .and_then(|()| G::whole(suite, &place))
            .map_err(|error| self.cache.unusable(&error))
    }

    /// Removes those of `suite`.
    pub(crate) fn remove(&self, suite: Suite) -> Result<(), Missing> {
        let work = self.workplace()?;
        // At once, so that no half of them is left at the place.
        fs::rename(self.cache.place(suite), work.path().join("old"))
            .with_context(|| format!("removing {}", self.cache.place(suite).display()))
            .map_err(|error| self.cache.unusable(&error))
    }
}

/// Exchanges `new` and `place`, so that one of them is there at every moment.
fn swap(new: &Path, place: &Path) -> Result<()> {
    let swapped = match renameat2(AT_FDCWD, new, AT_FDCWD, place, RenameFlags::RENAME_EXCHANGE) {
        Err(Errno::ENOENT) => fs::rename(new, place),
        // Some file systems cannot exchange. Then there is none for a moment.
        Err(Errno::EINVAL | Errno::ENOSYS) => {
            fs::rename(place, new.with_extension("old")).and_then(|()| fs::rename(new, place))
        }
        result => result.map_err(Into::into),
    };
    swapped.with_context(|| format!("renaming {} to {}", new.display(), place.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::debian::{Apt, Package};
    use anyhow::ensure;

    /// A text.
    #[derive(Debug)]
    struct Texts;

    impl Goods for Texts {
        type Kept = String;
        const NAME: &'static str = "text";
        const FOLDER: &'static str = "texts";
        const OTHERWISE: &'static str = "or write it yourself";

        fn packages(_: &Apt<'_>) -> Result<Vec<Package>, Missing> {
            Ok(Vec::new())
        }

        fn arrange(_: Suite, _: &[Package], _: &Path, _: &Path) -> Result<()> {
            Ok(())
        }

        fn whole(_: Suite, folder: &Path) -> Result<String> {
            let text = fs::read_to_string(folder.join("text"))?;
            ensure!(!text.is_empty(), "it is empty");
            Ok(text)
        }

        fn check(_: &String) -> Result<(), Missing> {
            Ok(())
        }
    }

    const SUITE: Suite = Suite::Debian12;

    fn cache(home: &Path) -> Cache<Texts> {
        Cache::at(home)
    }

    fn put(cache: &Cache<Texts>, text: &str) -> Result<String, Missing> {
        let locked = cache.lock(&|| false, || ()).unwrap();
        let work = locked.workplace().unwrap();
        let new = work.path().join("new");
        fs::create_dir(&new).unwrap();
        fs::write(new.join("text"), text).unwrap();
        locked.put(SUITE, &new)
    }

    #[test]
    fn goods_are_found_once_they_are_put_there_and_replaced_by_the_next() {
        let home = tempfile::tempdir().unwrap();
        let cache = cache(home.path());
        assert_eq!(cache.find(SUITE), Ok(None));
        assert_eq!(put(&cache, "one").unwrap(), "one");
        assert_eq!(cache.find(SUITE), Ok(Some("one".to_owned())));
        assert_eq!(put(&cache, "two").unwrap(), "two");
        assert_eq!(cache.find(SUITE), Ok(Some("two".to_owned())));
        let left = fs::read_dir(home.path().join("svclab/texts")).unwrap().count();
        assert_eq!(left, 2, "the text and the lock");
    }

    #[test]
    fn what_is_damaged_is_told_with_the_way_to_fetch_it_again() {
        let home = tempfile::tempdir().unwrap();
        let cache = cache(home.path());
        put(&cache, "one").unwrap();
        let place = home.path().join("svclab/texts/debian-12");
        fs::write(place.join("text"), "").unwrap();
        let missing = cache.find(SUITE).unwrap_err();
        assert_eq!(missing.why, format!("{} is not what was fetched: it is empty", place.display()));
        assert_eq!(missing.remedy, "fetch it again: svclab fetch text debian-12 --again");
        assert!(cache.has(SUITE));
    }

    #[test]
    fn what_is_not_whole_is_not_put_there() {
        let home = tempfile::tempdir().unwrap();
        let cache = cache(home.path());
        assert!(put(&cache, "").is_err());
        assert_eq!(cache.find(SUITE), Ok(None));
    }

    #[test]
    fn what_is_removed_is_gone_with_nothing_left() {
        let home = tempfile::tempdir().unwrap();
        let cache = cache(home.path());
        put(&cache, "one").unwrap();
        cache.lock(&|| false, || ()).unwrap().remove(SUITE).unwrap();
        assert!(!cache.has(SUITE));
        assert_eq!(fs::read_dir(home.path().join("svclab/texts")).unwrap().count(), 1, "the lock");
        assert!(cache.lock(&|| false, || ()).unwrap().remove(SUITE).is_err());
    }

    #[test]
    fn what_a_killed_fetch_left_is_gone_at_the_next() {
        let home = tempfile::tempdir().unwrap();
        let cache = cache(home.path());
        let left = cache.lock(&|| false, || ()).unwrap().workplace().unwrap().keep();
        fs::write(left.join("half"), "").unwrap();
        drop(cache.lock(&|| false, || ()).unwrap());
        assert!(!left.exists());
    }

    #[test]
    fn a_cache_that_cannot_be_made_is_named_with_the_remedy() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("svclab"), "a file").unwrap();
        let missing = cache(home.path()).lock(&|| false, || ()).err().unwrap();
        assert!(missing.why.contains("svclab/texts, where fetched texts are kept, cannot be used"), "{missing}");
        assert!(missing.remedy.contains("XDG_CACHE_HOME"));
    }

    #[test]
    fn too_little_room_is_said_ahead() {
        let home = tempfile::tempdir().unwrap();
        let cache = cache(home.path());
        let locked = cache.lock(&|| false, || ()).unwrap();
        assert_eq!(locked.check_room(SUITE, 1), Ok(()));
        let missing = locked.check_room(SUITE, 1 << 60).unwrap_err();
        assert!(missing.why.contains("takes 1099511627776 MiB"), "{missing}");
    }
}
