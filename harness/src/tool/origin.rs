//! Where a node's tools are: in this machine's root file system, or in one of their own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What measures, and does not program a node: it is always this machine's.
pub(crate) const INSTRUMENTS: &[&str] = &["iperf3"];

/// Folders with tools in a root file system, in the order of a search.
const FOLDERS: &[&str] = &["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The root of this process's tools, if they have one of their own.
static ROOT: OnceLock<PathBuf> = OnceLock::new();

/// Takes tools from the root file system in the folder `root` from here on. It can be called once.
pub(crate) fn take_from(root: &Path) {
    // The first root stays: a process has one set of tools.
    let _ = ROOT.set(root.to_owned());
}

/// Whether tools are taken from this machine's own root file system.
pub(crate) fn is_own() -> bool {
    ROOT.get().is_none()
}

/// A program, and the root file system that it is started in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed {
    /// The root's folder; `/` for this machine's own.
    pub(crate) root: PathBuf,
    /// The program's file, as seen from the root.
    pub(crate) file: PathBuf,
}

/// Where the tool `name` is; `None` when it is not installed.
pub(crate) fn find(name: &str) -> Option<Placed> {
    match ROOT.get() {
        Some(root) if !INSTRUMENTS.contains(&name) => below(root, name),
        _ => guests::tool::find(name).map(|file| Placed { root: PathBuf::from("/"), file }),
    }
}

fn below(root: &Path, name: &str) -> Option<Placed> {
    let places = FOLDERS.iter().map(|folder| Path::new(folder).join(name));
    // A link there may lead to what is only in that root.
    let there = |file: &PathBuf| root.join(file.strip_prefix("/").unwrap_or(file)).symlink_metadata().is_ok();
    places.into_iter().find(there).map(|file| Placed { root: root.to_owned(), file })
}

/// Makes this process, which is about to become a tool, see `root` as its root file system.
pub(crate) fn enter(root: &OsStr) -> std::io::Result<()> {
    if root == "/" {
        return Ok(());
    }
    std::os::unix::fs::chroot(root)?;
    std::env::set_current_dir("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_tool_of_another_root_is_found_by_a_link_that_only_holds_in_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("usr/sbin")).unwrap();
        symlink("/only/in/that/root", folder.path().join("usr/sbin/nft")).unwrap();
        let placed = below(folder.path(), "nft").unwrap();
        assert_eq!((placed.root.as_path(), placed.file.as_path()), (folder.path(), Path::new("/usr/sbin/nft")));
        assert_eq!(below(folder.path(), "ipset"), None);
    }

    #[test]
    fn a_process_without_a_root_for_tools_has_this_machine_s() {
        let placed = find("sh").unwrap();
        assert_eq!((placed.root.as_path(), Some(placed.file)), (Path::new("/"), guests::tool::find("sh")));
    }
}
