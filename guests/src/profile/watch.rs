//! What a guest whose instructions are counted is started with.

use super::totals::Totals;
use crate::port::Wanted;
use crate::tool::memory_file;
use anyhow::Result;
use std::fs::File;
use std::os::fd::AsRawFd;

/// What is watched of one guest.
pub struct Watch {
    plugin: File,
    totals: File,
    /// What is executed by block, if functions are wanted.
    blocks: Option<File>,
    pub(crate) wanted: Wanted,
}

impl Watch {
    pub(super) fn new(plugin: File, wanted: Wanted) -> Result<Self> {
        let blocks = (wanted != Wanted::Nothing).then(|| memory_file("blocks", b"")).transpose()?;
        Ok(Self { plugin, totals: memory_file("totals", b"")?, blocks, wanted })
    }

    /// What it counts, while the guest runs and after.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn totals(&self) -> Result<Totals> {
        Totals::of(&self.totals)
    }

    pub(super) fn blocks(&self) -> Option<&File> {
        self.blocks.as_ref()
    }

    /// What QEMU takes for it, and the files that it needs.
    pub(crate) fn argument(&self) -> (String, Vec<i32>) {
        let [plugin, totals] = [&self.plugin, &self.totals].map(AsRawFd::as_raw_fd);
        let mut argument = format!("file=/proc/self/fd/{plugin},totals=/proc/self/fd/{totals}");
        let blocks = self.blocks.as_ref().map(AsRawFd::as_raw_fd);
        if let Some(blocks) = blocks {
            argument += &format!(",blocks=/proc/self/fd/{blocks}");
        }
        (argument, [plugin, totals].into_iter().chain(blocks).collect())
    }
}
