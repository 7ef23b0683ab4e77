//! The running program as the guest's first process.

use super::closure::Finder;
use super::{Initramfs, elf};
use crate::root::Root;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

impl Initramfs {
    /// Adds the running binary as `/init`, with its libraries and without its symbols.
    ///
    /// # Errors
    /// When it cannot be read, or one of its libraries is not found.
    pub fn init(&mut self) -> Result<()> {
        let path = std::env::current_exe().context("finding this program's own file")?;
        self.program_as(&path, "/init").with_context(|| format!("adding {} as /init", path.display()))
    }

    /// Adds the host's program `path` as `place`, with its libraries and without its symbols.
    fn program_as(&mut self, path: &Path, place: &str) -> Result<()> {
        let mut finder = Finder::new(Root::of_host());
        let closure = finder.closure(path)?;
        self.libraries(&finder, &closure)?;
        self.file(place, 0o755, elf::without_sections(fs::read(path)?)?);
        Ok(())
    }
}
