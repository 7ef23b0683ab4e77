//! The modules of a kernel on disk: `/lib/modules/RELEASE` or a folder like it.
//!
//! Modules are found by file name, and opened only when needed: Debian has some 4,000 of them. depmod's lists
//! (`modules.dep`, `modules.alias`) are not used, because Debian's packages come without them.

use super::compression::Compression;
use super::modinfo::{Modinfo, plain};
use super::modules::Shelf;
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders of modules that others name by an alias: the crypto API's algorithms.
const ALGORITHMS: &[&str] = &["kernel/arch", "kernel/crypto", "kernel/lib"];

#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    files: BTreeMap<String, (PathBuf, Compression)>,
    built_in: BTreeSet<String>,
    /// Aliases of what is built in.
    aliases: BTreeSet<String>,
}

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        walk(&path.join("kernel"), &mut files)?;
        let names = optional(&path.join("modules.builtin"))?;
        let about = optional(&path.join("modules.builtin.modinfo"))?;
        let built_in = names.lines().filter_map(|line| {
            let (name, _) = Compression::split(line.rsplit('/').next()?)?;
            Some(plain(name))
        });
        // Entries are MODULE.KEY=VALUE, each ended by a zero byte.
        let aliases = about.split('\0').filter_map(|entry| {
            let (key, alias) = entry.split_once('=')?;
            key.ends_with(".alias").then(|| plain(alias))
        });
        Ok(Self { path: path.to_owned(), files, built_in: built_in.collect(), aliases: aliases.collect() })
    }
}

/// Adds every module's file below `folder`. Of two with one name, the first by path counts.
fn walk(folder: &Path, files: &mut BTreeMap<String, (PathBuf, Compression)>) -> Result<()> {
    let listing = || format!("listing the modules in {}", folder.display());
    let mut entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>).with_context(listing)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_type().with_context(listing)?.is_dir() {
            walk(&entry.path(), files)?;
        } else if let Some((name, compression)) = entry.file_name().to_str().and_then(Compression::split) {
            files.entry(plain(name)).or_insert_with(|| (entry.path(), compression));
        }
    }
    Ok(())
}

fn optional(path: &Path) -> Result<String> {
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

impl Shelf for Folder {
    fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    fn is_built_in(&self, name: &str) -> bool {
        self.built_in.contains(name) || self.aliases.contains(name)
    }

    fn read(&self, name: &str) -> Result<(Vec<u8>, Modinfo)> {
        let (path, compression) = self.files.get(name).context("there is no such module")?;
        let bytes = compression.read(path)?;
        let info = Modinfo::read(&bytes).with_context(|| format!("{} is damaged", path.display()))?;
        Ok((bytes, info))
    }

    fn provider(&self, alias: &str) -> Result<Option<String>> {
        let inside = |path: &Path| ALGORITHMS.iter().any(|folder| path.starts_with(self.path.join(folder)));
        let mut names: Vec<_> = self.files.iter().filter(|(_, (path, _))| inside(path)).map(|(name, _)| name).collect();
        // Generic ones first: they run on every processor model. The sort is stable, so each group stays sorted by
        // name.
        names.sort_by_key(|name| !name.ends_with("_generic"));
        for name in names {
            let (_, info) = self.read(name)?;
            if info.aliases.iter().any(|known| known == alias) {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::modinfo::fake;

    fn folder(files: &[(&str, &[&str])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, entries) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, fake(entries)).unwrap();
        }
        folder
    }

    #[test]
    fn modules_are_found_by_name_whatever_their_dashes() {
        let folder = folder(&[("kernel/net/nf-conntrack.ko", &["depends=a"]), ("kernel/README", &[])]);
        let shelf = Folder::open(folder.path()).unwrap();
        assert!(shelf.has("nf_conntrack") && !shelf.has("README"));
        assert_eq!(shelf.read("nf_conntrack").unwrap().1.depends, ["a"]);
    }

    #[test]
    fn what_is_built_in_is_known_by_its_name_and_its_aliases() {
        let folder = folder(&[("kernel/a.ko", &[])]);
        fs::write(folder.path().join("modules.builtin"), "kernel/lib/crc-t10dif.ko\n").unwrap();
        fs::write(folder.path().join("modules.builtin.modinfo"), "sha256.license=GPL\0sha256.alias=crypto-sha256\0")
            .unwrap();
        let shelf = Folder::open(folder.path()).unwrap();
        assert!(shelf.is_built_in("crc_t10dif") && shelf.is_built_in("crypto_sha256") && !shelf.is_built_in("a"));
    }

    #[test]
    fn an_alias_is_looked_for_among_the_algorithms_and_the_generic_one_is_preferred() {
        let folder = folder(&[
            ("kernel/arch/x86/crypto/crc32c-intel.ko", &["alias=crc32c"]),
            ("kernel/crypto/aes_generic.ko", &["alias=aes"]),
            ("kernel/crypto/crc32c_generic.ko", &["alias=crc32c"]),
            ("kernel/drivers/a_generic.ko", &["alias=crc32c"]),
        ]);
        let shelf = Folder::open(folder.path()).unwrap();
        assert_eq!(shelf.provider("crc32c").unwrap().as_deref(), Some("crc32c_generic"));
        assert_eq!(shelf.provider("sha1").unwrap(), None);
    }

    #[test]
    fn a_folder_without_modules_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let error = format!("{:#}", Folder::open(folder.path()).unwrap_err());
        assert!(error.contains(&format!("{}/kernel: No such file", folder.path().display())), "{error}");
    }
}
