//! Files that a user names: regular ones, up to a size. A named pipe would be waited for without an end, and a device
//! read without one.

use anyhow::{Context, Result, bail, ensure};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// The most bytes of a file that people write, such as a scenario.
pub const WRITTEN: u64 = 16 << 20;
/// The most bytes of a file that programs write, such as a kernel.
pub const MADE: u64 = 2 << 30;

/// Opens the regular file at `path`; or a descriptor that this process was given, as the shell's `<(…)` makes one.
///
/// # Errors
/// If there is none, it cannot be opened, or it is something else: the message says what, and what to do.
pub fn open(path: &Path) -> Result<File> {
    let kind = fs::metadata(path)?.file_type();
    let is_given = path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd") || path == Path::new("/dev/stdin");
    if kind.is_dir() {
        bail!("it is a folder; name a file in it");
    }
    ensure!(
        kind.is_file() || is_given,
        "it is no regular file; a named pipe or a device may never end. Copy what is in it into a file"
    );
    Ok(File::open(path)?)
}

/// The bytes of the regular file at `path`, of which there may be `most`.
///
/// # Errors
/// As [`open`]; if it cannot be read; if it is larger.
pub fn bytes(path: &Path, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    ensure!(bytes.len() as u64 <= most, "it is larger than {} MiB, which such a file never is", most >> 20);
    Ok(bytes)
}

/// As [`bytes`], with the path in each error.
///
/// # Errors
/// As [`bytes`].
pub(crate) fn made(path: &Path) -> Result<Vec<u8>> {
    bytes(path, MADE).with_context(|| format!("reading {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_up_to_a_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let said = |path: &Path| format!("{:#}", bytes(path, 3).unwrap_err());
        assert!(said(folder.path()).contains("folder"));
        assert!(said(Path::new("/dev/zero")).contains("no regular file"));
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(said(&pipe).contains("no regular file"));
        let file = folder.path().join("file");
        std::fs::write(&file, "four").unwrap();
        assert!(said(&file).contains("larger than"));
        assert_eq!(bytes(&file, 4).unwrap(), b"four");
    }
}
