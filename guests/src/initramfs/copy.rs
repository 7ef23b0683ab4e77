//! Copies the files of a root, with every symbolic link on the way to them. In the guest they are reached through the
//! same links.
//!
//! ```text
//!   /sbin/iptables                      sbin → usr/sbin
//!     /usr/sbin/iptables                iptables → /etc/alternatives/iptables
//!       /etc/alternatives/iptables      iptables → /usr/sbin/iptables-nft
//!         /usr/sbin/iptables-nft        iptables-nft → xtables-nft-multi
//!           /usr/sbin/xtables-nft-multi   the file, which looks at the name it is called by
//! ```

use super::{Initramfs, Node};
use crate::root::Root;
use anyhow::Result;
use std::path::{Path, PathBuf};

impl Initramfs {
    /// Copies the file `path` of `root` and the links on the way to it. Returns where the file itself is.
    pub(super) fn copy(&mut self, root: &Root, path: &Path) -> Result<PathBuf> {
        let end = self.follow(root, path)?;
        if !matches!(self.get(&end), Some(Node::File { .. })) {
            // A guest has only root: set-uid bits and the host's umask mean nothing there.
            let mode = if root.is_executable(&end) { 0o755 } else { 0o644 };
            self.file(&end, mode, root.read(&end)?);
        }
        Ok(end)
    }

    /// Adds the symbolic links on the way to `path`. Returns where the way ends.
    pub(super) fn follow(&mut self, root: &Root, path: &Path) -> Result<PathBuf> {
        let (end, links) = root.walk(path)?;
        for link in links {
            self.link(link.place, link.target);
        }
        Ok(end)
    }
}
