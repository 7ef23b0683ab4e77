//! Copies the host's files, with every symbolic link on the way to them. In the guest they are reached through the same
//! links as on the host.
//!
//! ```text
//!   /sbin/iptables                      sbin → usr/sbin
//!     /usr/sbin/iptables                iptables → /etc/alternatives/iptables
//!       /etc/alternatives/iptables      iptables → /usr/sbin/iptables-nft
//!         /usr/sbin/iptables-nft        iptables-nft → xtables-nft-multi
//!           /usr/sbin/xtables-nft-multi   the file, which looks at the name it is called by
//! ```

use super::{Initramfs, Node};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

/// As many links as the kernel follows (`MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

impl Initramfs {
    /// Copies the host's file `path` and the links on the way to it. Returns where the file itself is.
    pub(super) fn copy(&mut self, path: &Path) -> Result<PathBuf> {
        let end = self.follow(path)?;
        if !matches!(self.get(&end), Some(Node::File { .. })) {
            let reading = || format!("reading {}", end.display());
            let attributes = fs::metadata(&end).with_context(reading)?;
            ensure!(attributes.is_file(), "{} is no file", end.display());
            // A guest has only root: set-uid bits and the host's umask mean nothing there.
            let mode = if attributes.permissions().mode() & 0o111 == 0 { 0o644 } else { 0o755 };
            self.file(&end, mode, fs::read(&end).with_context(reading)?);
        }
        Ok(end)
    }

    /// Adds the symbolic links on the way to `path`. Returns where the way ends.
    pub(super) fn follow(&mut self, path: &Path) -> Result<PathBuf> {
        let absolute = std::path::absolute(path).with_context(|| format!("finding {}", path.display()))?;
        let mut here = PathBuf::from("/");
        let mut ahead = absolute.clone();
        for _ in 0..=MAX_LINKS {
            let Some((link, target, rest)) = next_link(&mut here, &ahead)? else { return Ok(here) };
            if target.is_absolute() {
                here = PathBuf::from("/");
            }
            ahead = target.join(rest);
            self.link(link, target);
        }
        bail!("{} leads through more than {MAX_LINKS} symbolic links", absolute.display())
    }
}

/// Goes from `here` along `ahead` to the first symbolic link: its place, its target, and what comes after it.
fn next_link(here: &mut PathBuf, ahead: &Path) -> Result<Option<(PathBuf, PathBuf, PathBuf)>> {
    let mut parts = ahead.components();
    while let Some(part) = parts.next() {
        match part {
            Component::ParentDir => drop(here.pop()),
            Component::Normal(name) => {
                let next = here.join(name);
                let kind = fs::symlink_metadata(&next).with_context(|| format!("looking at {}", next.display()))?;
                if kind.is_symlink() {
                    let target =
                        fs::read_link(&next).with_context(|| format!("reading the link {}", next.display()))?;
                    return Ok(Some((next, target, parts.as_path().to_owned())));
                }
                *here = next;
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Ok(None)
}
