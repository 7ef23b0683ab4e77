//! The files that a guest boots with: programs of this machine with their libraries, kernel modules, and the running
//! program as `/init`. It is the guest's only storage: a disk's latency would show in measurements.
//!
//! The same files make the same archive, to the byte:
//!
//! ```text
//!   tools ──► program ──► closure ──► loader   which libraries, and in which folders ld.so looks for them
//!                │           └──────► elf      what a file says it needs
//!                └──► copy                     a file, and every symbolic link on the way to it
//!   tree ──► newc                              the archive, byte for byte reproducible
//! ```

mod closure;
mod copy;
pub(crate) mod elf;
mod init;
mod loader;
mod newc;
mod program;
mod tools;

pub(crate) use closure::loaded;

#[cfg(test)]
mod tests;

use crate::kernel::Module;
use crate::root::Root;
use anyhow::Context;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

/// Accounts, protocols and ports by name. Fixed here, because hosts differ.
const ETC: &[(&str, &str)] = &[
    ("/etc/group", "root:x:0:\n"),
    ("/etc/hosts", "127.0.0.1 localhost\n"),
    ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\nprotocols: files\nservices: files\n"),
    ("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"),
    ("/etc/protocols", "ip 0 IP\nicmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\nsctp 132 SCTP\n"),
    ("/etc/services", "domain 53/tcp\ndomain 53/udp\nhttp 80/tcp\nhttps 443/tcp\n"),
];

/// A guest's files, in memory. Paths are the guest's, with or without the leading slash.
///
/// Adding at a path replaces what was there. Folders above it are made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Initramfs {
    nodes: BTreeMap<PathBuf, Node>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Folder,
    File { mode: u32, bytes: Vec<u8> },
    Link(PathBuf),
    Device { major: u32, minor: u32 },
}

/// An archive for QEMU's `-initrd`. It is not compressed: in a guest that counts instructions, unpacking costs.
pub(crate) struct Archive {
    pub(crate) bytes: Vec<u8>,
    /// Of `bytes`, in hexadecimal.
    pub(crate) sha256: String,
}

impl Initramfs {
    /// The folders, devices and files of `/etc` that every guest has.
    pub fn base() -> Self {
        Self::base_of(&Root::of_host())
    }

    /// The same for programs of `root`.
    pub(crate) fn base_of(root: &Root) -> Self {
        let mut tree = Self::default();
        for folder in ["dev", "etc", "mnt", "proc", "root", "run", "sys", "tmp", "var"] {
            tree.folder(folder);
        }
        tree.link("/var/run", "/run");
        // Where /usr is merged, programs and the kernel use either path.
        for name in ["/bin", "/lib", "/lib64", "/sbin"] {
            if let Some(target) = root.link(Path::new(name)) {
                tree.folder(&target);
                tree.link(name, target);
            }
        }
        // Until the guest mounts its own /dev. The kernel opens /dev/console for /init before that.
        tree.device("/dev/console", 5, 1);
        tree.device("/dev/null", 1, 3);
        tree.device("/dev/urandom", 1, 9);
        for &(path, text) in ETC {
            tree.file(path, 0o644, text.into());
        }
        tree
    }

    /// Adds a folder.
    pub fn folder(&mut self, path: impl AsRef<Path>) {
        self.insert(path.as_ref(), Node::Folder);
    }

    /// Adds a file with these permissions.
    pub fn file(&mut self, path: impl AsRef<Path>, mode: u32, bytes: Vec<u8>) {
        self.insert(path.as_ref(), Node::File { mode, bytes });
    }

    /// Adds a symbolic link. `target` is kept as it is: relative to the link's folder unless it begins with a slash.
    pub fn link(&mut self, path: impl AsRef<Path>, target: impl Into<PathBuf>) {
        self.insert(path.as_ref(), Node::Link(target.into()));
    }

    /// Adds a character device.
    pub fn device(&mut self, path: impl AsRef<Path>, major: u32, minor: u32) {
        self.insert(path.as_ref(), Node::Device { major, minor });
    }

    /// Adds all that is in `other`, below the folder `place`.
    pub fn graft(&mut self, place: impl AsRef<Path>, other: Self) {
        for (path, node) in other.nodes {
            self.insert(&place.as_ref().join(path), node);
        }
    }

    /// Writes folders, files and links, but no devices, to `folder` of this machine, which is new or empty.
    ///
    /// # Errors
    /// When something cannot be written there.
    pub fn unpack(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        for (path, node) in &self.nodes {
            // A link above it could lead out of the folder.
            newc::check_parent(&self.nodes, path)?;
            let place = folder.join(path);
            let made = match node {
                Node::Folder => fs::create_dir_all(&place),
                Node::File { mode, bytes } => {
                    fs::write(&place, bytes).and_then(|()| fs::set_permissions(&place, Permissions::from_mode(*mode)))
                }
                Node::Link(target) => symlink(target, &place),
                Node::Device { .. } => Ok(()),
            };
            made.with_context(|| format!("writing {}", place.display()))?;
        }
        Ok(())
    }

    /// SHA-256 of the archive, in hexadecimal.
    ///
    /// # Errors
    /// When a path leads through something that is no folder.
    pub fn sha256(&self) -> anyhow::Result<String> {
        Ok(self.write()?.sha256)
    }

    /// Adds kernel modules in the order of loading, as `/modules/000-NAME.ko` and so on. Returns their paths.
    pub fn modules(&mut self, modules: &[Module]) -> Vec<String> {
        self.folder("/modules");
        let place = |(index, module): (usize, &Module)| {
            let file = format!("/modules/{index:03}-{}.ko", module.name);
            self.file(&file, 0o644, module.bytes.clone());
            file
        };
        modules.iter().enumerate().map(place).collect()
    }

    /// Its files.
    pub(super) fn files(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        self.nodes.iter().filter_map(|(path, node)| match node {
            Node::File { bytes, .. } => Some((path.as_path(), bytes.as_slice())),
            Node::Folder | Node::Link(_) | Node::Device { .. } => None,
        })
    }

    /// Writes the archive. Fails when a path leads through something that is no folder.
    pub(crate) fn write(&self) -> anyhow::Result<Archive> {
        let bytes = newc::write(&self.nodes)?;
        let sha256 = HEXLOWER.encode(&Sha256::digest(&bytes));
        Ok(Archive { bytes, sha256 })
    }

    fn insert(&mut self, path: &Path, node: Node) {
        let place = place(path);
        for folder in place.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty()) {
            self.nodes.entry(folder.to_owned()).or_insert(Node::Folder);
        }
        self.nodes.insert(place, node);
    }

    fn get(&self, path: &Path) -> Option<&Node> {
        self.nodes.get(&place(path))
    }
}

/// A path as in the archive: from the root, without the leading slash.
fn place(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, Component::Normal(_))).collect()
}
