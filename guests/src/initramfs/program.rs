//! Adds programs with everything that ld.so loads for them.

use super::Initramfs;
use super::closure::{Closure, Finder};
use crate::root::Root;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

impl Initramfs {
    /// Adds the host's program `path` at the same path, with its libraries.
    ///
    /// # Errors
    /// When it is no program, or one of its libraries is not found.
    pub fn program(&mut self, path: &Path) -> Result<()> {
        self.with_libraries(&mut Finder::new(Root::of_host()), path).map(drop)
    }

    /// Adds the host's program `path` as `place`, with its libraries.
    ///
    /// # Errors
    /// When it is no program, or one of its libraries is not found.
    pub fn program_at(&mut self, place: impl AsRef<Path>, path: &Path) -> Result<()> {
        let mut finder = Finder::new(Root::of_host());
        let closure = finder.closure(path)?;
        let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        self.file(place, 0o755, bytes);
        self.libraries(&finder, &closure)
    }

    /// Adds `path`, a program or a library, at the same path, with its libraries.
    pub(super) fn with_libraries(&mut self, finder: &mut Finder, path: &Path) -> Result<Closure> {
        let closure = finder.closure(path)?;
        self.copy(finder.root(), path)?;
        self.libraries(finder, &closure)?;
        Ok(closure)
    }

    /// Adds what is loaded with a program, where the guest's ld.so finds it without a cache.
    pub(super) fn libraries(&mut self, finder: &Finder, closure: &Closure) -> Result<()> {
        if let Some(interpreter) = &closure.interpreter {
            self.copy(finder.root(), interpreter)?;
        }
        let mut default: Vec<PathBuf> = Vec::new();
        for folder in &finder.folders().default {
            default.push(self.follow(finder.root(), folder)?);
        }
        let first = default.first().context("the root file system has none of the folders that ld.so searches")?;
        for library in &closure.libraries {
            let adding = || format!("adding {}", library.path.display());
            let file = self.copy(finder.root(), &library.path).with_context(adding)?;
            let folder =
                self.follow(finder.root(), library.path.parent().unwrap_or(Path::new("/"))).with_context(adding)?;
            let reachable = default.contains(&folder) || library.name.contains('/');
            let alias = first.join(&library.name);
            if !reachable && self.get(&alias).is_none() {
                self.link(alias, file);
            }
        }
        Ok(())
    }
}
