//! Where ld.so looks for libraries, as ld.so(8) and ldconfig(8) say.

use crate::root::Root;
use std::env::consts::ARCH;
use std::path::{Path, PathBuf};

/// Folders that ld.so searches after those that a file names itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folders {
    /// From `/etc/ld.so.conf`. A host has a cache made of it, a guest has none.
    pub(super) configured: Vec<PathBuf>,
    /// Compiled into ld.so.
    pub(super) default: Vec<PathBuf>,
}

impl Folders {
    /// The folders of `root`.
    ///
    /// This reads the configuration, not the cache: the cache prefers builds for newer processors (`glibc-hwcaps`),
    /// which a guest's processor may not run.
    pub(super) fn of(root: &Root) -> Self {
        let default = [format!("/lib/{ARCH}-linux-gnu"), format!("/usr/lib/{ARCH}-linux-gnu")];
        let default = default.into_iter().chain(["/lib", "/usr/lib", "/lib64", "/usr/lib64"].map(str::to_owned));
        let default = default.map(PathBuf::from).filter(|folder| root.is_folder(folder)).collect();
        Self { configured: configured(root, Path::new("/etc/ld.so.conf")), default }
    }

    /// All of them, in ld.so's order.
    pub(super) fn all(&self) -> impl Iterator<Item = &PathBuf> {
        self.configured.iter().chain(&self.default)
    }
}

/// The folders that a configuration file names, in its order; none if it cannot be read.
pub(super) fn configured(root: &Root, file: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    read(root, file, &mut Vec::new(), &mut folders);
    folders
}

/// `seen` holds the files read so far: files may include each other.
fn read(root: &Root, file: &Path, seen: &mut Vec<PathBuf>, folders: &mut Vec<PathBuf>) {
    let Ok(file) = root.end(file) else { return };
    if seen.contains(&file) {
        return;
    }
    let text = String::from_utf8(root.read(&file).unwrap_or_default()).unwrap_or_default();
    let beside = file.parent().unwrap_or(Path::new("/")).to_owned();
    seen.push(file);
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let mut words = line.split_whitespace();
        match words.next() {
            None | Some("hwcap") => {}
            Some("include") => {
                let files = words.flat_map(|pattern| matching(root, &beside.join(pattern)));
                files.for_each(|file| read(root, &file, seen, folders));
            }
            Some(_) => folders.push(PathBuf::from(line)),
        }
    }
}

/// The files that match a pattern, sorted. Its last part may contain one `*`.
fn matching(root: &Root, pattern: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (pattern.parent(), pattern.file_name().and_then(|name| name.to_str())) else {
        return Vec::new();
    };
    let Some((begin, end)) = name.split_once('*') else { return vec![pattern.to_owned()] };
    let matches = |name: &str| {
        name.len() >= begin.len() + end.len()
            && name.starts_with(begin)
            && name.ends_with(end)
            && !name.starts_with('.')
    };
    let names = root.names(folder).unwrap_or_default();
    names.into_iter().filter(|name| matches(name)).map(|name| folder.join(name)).collect()
}
