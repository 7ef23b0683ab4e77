//! What tools in a root of their own see of the system: the same devices, processes and locks as the lab.

use anyhow::{Context, Result};
use nix::mount::{MsFlags, mount};
use std::path::Path;

/// Folders that the root shares with the one around it. /run first: the root may be below it.
const SHARED: &[&str] = &["run", "dev", "proc", "sys"];

/// Binds what the root file system in the folder `root` shares with the one around it. Needs a mount namespace of its
/// own, or a guest.
///
/// # Errors
/// When the kernel refuses a mount.
pub fn furnish(root: &Path) -> Result<()> {
    for name in SHARED {
        let (from, to) = (Path::new("/").join(name), root.join(name));
        // Recursive: a user namespace may not uncover what is below a mount it did not make.
        let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
        mount(Some(&from), &to, None::<&str>, flags, None::<&str>)
            .with_context(|| format!("mounting {} at {}", from.display(), to.display()))?;
    }
    Ok(())
}
