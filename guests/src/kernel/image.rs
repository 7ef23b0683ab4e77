//! A kernel image: its release and its checksum.

use crate::named;
use anyhow::{Context, Result, bail};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::path::Path;

/// Where a bzImage has its setup header (Documentation/arch/x86/boot.rst in the kernel's source).
const SIGNATURE: std::ops::Range<usize> = 0x202..0x206;
const VERSION_POINTER: std::ops::Range<usize> = 0x20e..0x210;
/// The version pointer counts from here.
const VERSION_BASE: usize = 0x200;

/// What is known of a vmlinuz.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    /// What `uname -r` prints when it runs.
    pub(super) release: String,
    /// SHA-256 of the file, in hex.
    pub(super) sha256: String,
}

impl Image {
    /// Reads the image at `path`.
    ///
    /// # Errors
    /// When it cannot be read, or is no bzImage.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = named::made(path)?;
        let release = release(&bytes).with_context(|| format!("{} is no kernel for x86", path.display()))?;
        Ok(Self { release, sha256: HEXLOWER.encode(&Sha256::digest(&bytes)) })
    }
}

/// The first word of the version string, which `uname -r` prints.
fn release(image: &[u8]) -> Result<String> {
    if image.get(SIGNATURE) != Some(b"HdrS") {
        bail!("it lacks the header of a bzImage");
    }
    let pointer = image.get(VERSION_POINTER).map_or(0, |bytes| usize::from(bytes[0]) | usize::from(bytes[1]) << 8);
    let text = image.get(VERSION_BASE + pointer..).filter(|_| pointer > 0).context("its header names no version")?;
    let word = text.split(|&byte| byte == 0 || byte == b' ').next().unwrap_or_default();
    let release = std::str::from_utf8(word).ok().filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    release.map(str::to_owned).context("its header points to no version")
}

/// The smallest file that passes for a bzImage of `release`.
#[cfg(test)]
pub(super) fn fake(release: &str) -> Vec<u8> {
    let mut image = vec![0; 0x400];
    image[SIGNATURE].copy_from_slice(b"HdrS");
    image[VERSION_POINTER].copy_from_slice(&0x100_u16.to_le_bytes());
    image.splice(0x300.., format!("{release} (debian@debian.org) #1 SMP\0").into_bytes());
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_the_first_word_of_the_version() {
        assert_eq!(release(&fake("6.1.0-56-amd64")).unwrap(), "6.1.0-56-amd64");
    }

    #[test]
    fn what_is_no_image_is_said_so() {
        assert!(release(b"\x7fELF").is_err());
        let mut nowhere = fake("6.1");
        nowhere[VERSION_POINTER].copy_from_slice(&[0xff, 0xff]);
        assert!(release(&nowhere).is_err());
        nowhere[VERSION_POINTER].copy_from_slice(&[0, 0]);
        assert!(release(&nowhere).is_err());
    }
}
