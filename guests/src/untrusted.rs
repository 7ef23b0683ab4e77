//! The readers of what others made, on bytes alone: for programs that try many inputs. Each says whether it was read.

use crate::initramfs::elf;
use crate::kernel::{Manifest, Modinfo};
use crate::tools;

/// A program or library, as far as the initramfs looks at it.
#[must_use]
pub fn elf(bytes: &[u8]) -> bool {
    let read = elf::read(bytes).is_ok();
    elf::without_sections(bytes.to_vec()).is_ok() && read
}

/// A kernel's module.
#[must_use]
pub fn module(bytes: &[u8]) -> bool {
    Modinfo::read(bytes).is_ok()
}

/// A manifest beside a fetched kernel or beside fetched tools.
#[must_use]
pub fn manifest(bytes: &[u8]) -> bool {
    let kernel = serde_json::from_slice::<Manifest>(bytes).is_ok();
    kernel || tools::is_manifest(bytes)
}
