//! A root file system on this machine: its own, or one in a folder, such as an unpacked image.
//!
//! Paths are as the programs in it see them. A link in a folder's root leads nowhere outside of that folder.

use crate::tool;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

/// The guest's `PATH`. The kernel starts `/init` without one.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// As many links as the kernel follows (`MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

/// No program or library comes near this.
const LARGEST: u64 = 512 << 20;

/// A root file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Root {
    /// `None`: this machine's own.
    folder: Option<PathBuf>,
}

/// A symbolic link on the way to a path, and where it leads.
pub(crate) struct Link {
    pub(crate) place: PathBuf,
    pub(crate) target: PathBuf,
}

impl Root {
    /// This machine's.
    pub(crate) fn of_host() -> Self {
        Self { folder: None }
    }

    /// The one in `folder`.
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self { folder: Some(folder) }
    }

    /// Where `path`, which leads through no link, is on this machine.
    pub(crate) fn outside(&self, path: &Path) -> PathBuf {
        let inside = path.strip_prefix("/").unwrap_or(path);
        self.folder.as_ref().map_or_else(|| path.to_owned(), |folder| folder.join(inside))
    }

    /// Goes to `path`. Returns where the way ends, and every link on it, in order.
    ///
    /// # Errors
    /// When there is nothing, or the links go in a circle.
    pub(crate) fn walk(&self, path: &Path) -> Result<(PathBuf, Vec<Link>)> {
        let absolute = std::path::absolute(path).with_context(|| format!("finding {}", path.display()))?;
        let (mut here, mut ahead, mut links) = (PathBuf::from("/"), absolute.clone(), Vec::new());
        for _ in 0..=MAX_LINKS {
            let Some((link, rest)) = self.next_link(&mut here, &ahead)? else { return Ok((here, links)) };
            if link.target.is_absolute() {
                here = PathBuf::from("/");
            }
            ahead = link.target.join(rest);
            links.push(link);
        }
        bail!("{} leads through more than {MAX_LINKS} symbolic links", self.outside(&absolute).display())
    }

    /// Goes from `here` along `ahead` to the first symbolic link: the link, and what comes after it.
    fn next_link(&self, here: &mut PathBuf, ahead: &Path) -> Result<Option<(Link, PathBuf)>> {
        let mut parts = ahead.components();
        while let Some(part) = parts.next() {
            match part {
                // Above the root there is the root.
                Component::ParentDir => drop(here.pop()),
                Component::Normal(name) => {
                    let next = here.join(name);
                    let outside = self.outside(&next);
                    let kind =
                        fs::symlink_metadata(&outside).with_context(|| format!("looking at {}", outside.display()))?;
                    if kind.is_symlink() {
                        let target = fs::read_link(&outside)
                            .with_context(|| format!("reading the link {}", outside.display()))?;
                        return Ok(Some((Link { place: next, target }, parts.as_path().to_owned())));
                    }
                    *here = next;
                }
                Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            }
        }
        Ok(None)
    }

    /// Where the way to `path` ends.
    pub(crate) fn end(&self, path: &Path) -> Result<PathBuf> {
        self.walk(path).map(|(end, _)| end)
    }

    /// The attributes of what is at `path`; `None` if there is nothing.
    fn attributes(&self, path: &Path) -> Option<fs::Metadata> {
        fs::metadata(self.outside(&self.end(path).ok()?)).ok()
    }

    pub(crate) fn is_file(&self, path: &Path) -> bool {
        self.attributes(path).is_some_and(|attributes| attributes.is_file())
    }

    pub(crate) fn is_folder(&self, path: &Path) -> bool {
        self.attributes(path).is_some_and(|attributes| attributes.is_dir())
    }

    /// Where the link `path` leads; `None` if it is no link.
    pub(crate) fn link(&self, path: &Path) -> Option<PathBuf> {
        fs::read_link(self.outside(path)).ok()
    }

    /// The file `path`.
    ///
    /// # Errors
    /// When it is no file, cannot be read, or is larger than any program.
    pub(crate) fn read(&self, path: &Path) -> Result<Vec<u8>> {
        let reading = || format!("reading {}", self.outside(path).display());
        let place = self.outside(&self.end(path).with_context(reading)?);
        // Opening a pipe would wait for a writer.
        ensure!(fs::metadata(&place).with_context(reading)?.is_file(), "{} is no file", self.outside(path).display());
        let mut bytes = Vec::new();
        let file = fs::File::open(place).with_context(reading)?;
        file.take(LARGEST + 1).read_to_end(&mut bytes).with_context(reading)?;
        ensure!(bytes.len() as u64 <= LARGEST, "{}: it is larger than {} MiB", reading(), LARGEST >> 20);
        Ok(bytes)
    }

    /// Whether somebody may execute the file `path`.
    pub(crate) fn is_executable(&self, path: &Path) -> bool {
        self.attributes(path).is_some_and(|attributes| attributes.permissions().mode() & 0o111 != 0)
    }

    /// The names in `folder`, sorted. Those that are not UTF-8 are left out.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub(crate) fn names(&self, folder: &Path) -> Result<Vec<String>> {
        let listing = || format!("listing {}", self.outside(folder).display());
        let place = self.outside(&self.end(folder).with_context(listing)?);
        let entries =
            fs::read_dir(place).with_context(listing)?.collect::<Result<Vec<_>, _>>().with_context(listing)?;
        let mut names: Vec<String> = entries.iter().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        Ok(names)
    }

    /// The program called `name`; `None` when it is not there.
    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        if self.folder.is_none() {
            return tool::find(name);
        }
        PATH.split(':').map(|folder| Path::new(folder).join(name)).find(|place| self.is_file(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_of_a_folder_s_root_stay_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        fs::create_dir_all(place("usr/sbin")).unwrap();
        fs::create_dir_all(place("etc")).unwrap();
        fs::write(place("etc/passwd"), "its own").unwrap();
        fs::write(place("usr/sbin/multi"), "x").unwrap();
        symlink("/etc/passwd", place("absolute")).unwrap();
        symlink("../../../../../../../../etc/passwd", place("usr/relative")).unwrap();
        symlink("multi", place("usr/sbin/nft")).unwrap();
        symlink("usr/sbin", place("sbin")).unwrap();
        let root = Root::at(folder.path().to_owned());
        for link in ["/absolute", "/usr/relative", "/usr/../../usr/relative"] {
            assert_eq!(root.read(Path::new(link)).unwrap(), b"its own", "{link}");
        }
        assert_eq!(root.program("nft"), Some(PathBuf::from("/usr/sbin/nft")));
        assert_eq!(root.program("iptables-nft"), None);
        let (end, links) = root.walk(Path::new("/sbin/nft")).unwrap();
        assert_eq!(end, Path::new("/usr/sbin/multi"));
        let places: Vec<_> = links.into_iter().map(|link| link.place).collect();
        assert_eq!(places, [Path::new("/sbin"), Path::new("/usr/sbin/nft")]);
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let root = Root::of_host();
        for (path, why) in [("/dev/zero", "/dev/zero is no file"), ("/nowhere", "reading /nowhere: looking at")] {
            let error = format!("{:#}", root.read(Path::new(path)).unwrap_err());
            assert!(error.contains(why), "{error}");
        }
    }
}
