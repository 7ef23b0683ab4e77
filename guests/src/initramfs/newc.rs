//! The archive format that the kernel unpacks: cpio's "newc"
//! (Documentation/driver-api/early-userspace/buffer-format.rst).
//!
//! Owner, times and device are zero. Inode numbers count the sorted list.

use super::Node;
use anyhow::{Context, Result, ensure};
use cpio::newc::{Builder, trailer};
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

const FOLDER: u32 = 0o040_755;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_777;
const CHARACTER_DEVICE: u32 = 0o020_600;

/// Room for a header and its padding, to allocate the archive at once.
const OVERHEAD: usize = 256;

/// The archive of `nodes`, whose order puts a folder before what is in it.
pub(super) fn write(nodes: &BTreeMap<PathBuf, Node>) -> Result<Vec<u8>> {
    let size: usize = nodes.values().map(|node| node.content().len() + OVERHEAD).sum();
    let mut archive = Vec::with_capacity(size);
    for (inode, (path, node)) in (1..).zip(nodes) {
        check_parent(nodes, path)?;
        entry(&mut archive, inode, path, node)
            .with_context(|| format!("writing {} to the initramfs", path.display()))?;
    }
    trailer(archive).context("writing the initramfs's end")
}

/// The kernel drops a file that has no folder, without a word.
pub(super) fn check_parent(nodes: &BTreeMap<PathBuf, Node>, path: &Path) -> Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let Some(parent) = parent else { return Ok(()) };
    ensure!(
        nodes.get(parent) == Some(&Node::Folder),
        "the initramfs has /{} under /{}, which is no folder there; add it at the folder's real place",
        path.display(),
        parent.display()
    );
    Ok(())
}

fn entry(archive: &mut Vec<u8>, inode: u32, path: &Path, node: &Node) -> Result<()> {
    let name = path.to_str().context("its name is not UTF-8")?;
    let content = node.content();
    let size = content.len().try_into().context("it is larger than an archive of this format can hold")?;
    let mut header = Builder::new(name).ino(inode).mode(node.mode()).nlink(1);
    if let Node::Device { major, minor } = *node {
        header = header.rdev_major(major).rdev_minor(minor);
    }
    let mut writer = header.write(archive, size);
    writer.write_all(content)?;
    writer.finish()?;
    Ok(())
}

impl Node {
    fn mode(&self) -> u32 {
        match self {
            Self::Folder => FOLDER,
            Self::File { mode, .. } => FILE | mode,
            Self::Link(_) => LINK,
            Self::Device { .. } => CHARACTER_DEVICE,
        }
    }

    fn content(&self) -> &[u8] {
        match self {
            Self::File { bytes, .. } => bytes,
            Self::Link(target) => target.as_os_str().as_bytes(),
            Self::Folder | Self::Device { .. } => &[],
        }
    }
}
