//! A suite's tools: their packages with all that these depend on, and what is kept of them.

use super::Toolset;
use crate::debian::{self, Apt, Deb, Goods, Package, Suite};
use crate::missing::Missing;
use crate::root::Root;
use anyhow::{Context, Result, bail, ensure};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

/// The suites that tools can be had of. Backports are left out: what they lack is in Debian 12.
pub const SUITES: &[Suite] = &[Suite::Debian12, Suite::Debian13, Suite::DebianSid];

/// The packages with the tools that program a node. apt knows what they depend on.
const PACKAGES: &[&str] = &["iptables", "nftables", "ipset", "ipvsadm", "conntrack"];

/// A file that each package must have. Otherwise the packages have changed their form.
const NEEDED: &[&str] = &["iptables-legacy", "iptables-nft", "nft", "ipset", "ipvsadm", "conntrack"];

const MANIFEST: &str = "tools.json";
/// What is kept: the root file system with programs and libraries.
const ROOT: &str = "root";
/// Folders that are links into /usr since Debian 12, but not in all of its packages.
const MERGED: &[&str] = &["bin", "lib", "lib64", "sbin"];
/// What no tool reads: manuals, translations.
const UNREAD: &str = "usr/share";

/// Tools, fetched.
#[derive(Debug)]
pub(super) struct Packaged;

/// Where tools come from, and their checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    /// The suite's name, such as `debian-12`.
    suite: String,
    /// Names and versions of the packages with the tools.
    packages: Vec<String>,
    /// SHA-256 of all files in the root, in hex.
    root_sha256: String,
    /// The downloaded packages, those that they depend on included.
    debs: Vec<Deb>,
    /// When they were fetched, in RFC 3339.
    fetched: String,
}

/// Whether `bytes` are the manifest of fetched tools.
pub(crate) fn is_manifest(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Manifest>(bytes).is_ok()
}

impl Goods for Packaged {
    type Kept = Toolset;
    const NAME: &'static str = "tools";
    const FOLDER: &'static str = "tools";
    const OTHERWISE: &'static str = "or name a folder with a root file system: --tools DIR";

    fn packages(apt: &Apt<'_>) -> Result<Vec<Package>, Missing> {
        apt.closure(PACKAGES)
    }

    fn arrange(suite: Suite, packages: &[Package], tree: &Path, new: &Path) -> Result<()> {
        let root = new.join(ROOT);
        fs::create_dir(&root)?;
        for name in MERGED {
            let (from, to) = (tree.join(name), tree.join("usr").join(name));
            // A package with the link itself has nothing to move.
            if fs::symlink_metadata(&from).is_ok_and(|attributes| attributes.is_dir()) {
                merge(&from, &to).with_context(|| format!("moving {name} into usr"))?;
            }
            if to.is_dir() {
                symlink(Path::new("usr").join(name), root.join(name))?;
            }
        }
        let unread = tree.join(UNREAD);
        if unread.is_dir() {
            fs::remove_dir_all(unread)?;
        }
        fs::rename(tree.join("usr"), root.join("usr")).context("keeping usr")?;
        let named = packages.iter().filter(|package| PACKAGES.contains(&package.name.as_str()));
        let manifest = Manifest {
            suite: suite.name().to_owned(),
            packages: named.map(|package| format!("{} {}", package.name, package.version)).collect(),
            root_sha256: sha256(&root)?,
            debs: packages
                .iter()
                .map(|package| Deb { package: package.name.clone(), sha256: package.sha256.clone() })
                .collect(),
            fetched: jiff::Timestamp::now().to_string(),
        };
        debian::write(&manifest, &new.join(MANIFEST))
    }

    fn whole(suite: Suite, folder: &Path) -> Result<Toolset> {
        let manifest: Manifest = debian::read(&folder.join(MANIFEST))?;
        ensure!(manifest.suite == suite.name(), "its manifest is that of {}", manifest.suite);
        let root = folder.join(ROOT);
        let found = sha256(&root)?;
        if found != manifest.root_sha256 {
            bail!("its files have the SHA-256 {found}, and should have {}", manifest.root_sha256);
        }
        Ok(Toolset { name: suite.name().to_owned(), packages: manifest.packages, root: Root::at(root) })
    }

    fn check(toolset: &Toolset) -> Result<(), Missing> {
        match NEEDED.iter().find(|program| !toolset.has(program)) {
            None => toolset.tree(NEEDED).map(drop),
            Some(program) => Err(Missing {
                why: format!("the packages {} have no {program}", toolset.packages.join(", ")),
                remedy: format!("name another suite, {}", Self::OTHERWISE),
            }),
        }
    }
}

/// Moves what is in the folder `from` to the folder `to`, which may have files of its own.
fn merge(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() && place.is_dir() {
            merge(&entry.path(), &place)?;
        } else {
            ensure!(fs::symlink_metadata(&place).is_err(), "{} is there twice", place.display());
            fs::rename(entry.path(), place)?;
        }
    }
    Ok(())
}

/// SHA-256 of everything in `folder`: names, files, and where links lead.
fn sha256(folder: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    add(&mut hasher, folder, Path::new(""))?;
    Ok(HEXLOWER.encode(&hasher.finalize()))
}

fn add(hasher: &mut Sha256, folder: &Path, path: &Path) -> Result<()> {
    let here = folder.join(path);
    let reading = || format!("reading {}", here.display());
    let mut entries = fs::read_dir(&here).and_then(Iterator::collect::<Result<Vec<_>, _>>).with_context(reading)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = path.join(entry.file_name());
        let kind = entry.file_type().with_context(reading)?;
        let (letter, content) = if kind.is_dir() {
            (b'd', Vec::new())
        } else if kind.is_symlink() {
            (b'l', fs::read_link(entry.path()).with_context(reading)?.as_os_str().as_bytes().to_vec())
        } else {
            ensure!(kind.is_file(), "{} is neither a file nor a folder nor a link", entry.path().display());
            (b'f', fs::read(entry.path()).with_context(|| format!("reading {}", entry.path().display()))?)
        };
        hasher.update([letter]);
        // With the lengths, no other tree gives the same bytes.
        for part in [path.as_os_str().as_bytes(), &content] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        if kind.is_dir() {
            add(hasher, folder, &path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes the files `names` in `tree`, each with its name in it.
    fn made(tree: &Path, names: &[&str]) {
        for name in names {
            let place = tree.join(name);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, name).unwrap();
        }
    }

    /// A toolset made of a tree with `names` in it.
    fn arranged(folder: &Path, names: &[&str]) -> Result<Toolset> {
        let (tree, new) = (folder.join("tree"), folder.join("new"));
        made(&tree, names);
        fs::create_dir_all(&new).unwrap();
        Packaged::arrange(Suite::Debian12, &[], &tree, &new)?;
        Packaged::whole(Suite::Debian12, &new)
    }

    #[test]
    fn folders_beside_usr_are_merged_into_it() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["lib/x/libc.so.6", "usr/lib/x/libnft.so", "lib64/ld.so", "sbin/ipvsadm", "usr/share/doc/a"];
        let toolset = arranged(folder.path(), &names).unwrap();
        let root = folder.path().join("new/root");
        assert_eq!(fs::read_link(root.join("lib64")).unwrap(), Path::new("usr/lib64"));
        for path in ["/lib/x/libc.so.6", "/usr/lib/x/libc.so.6", "/lib/x/libnft.so", "/lib64/ld.so"] {
            assert!(toolset.root.is_file(Path::new(path)), "{path}");
        }
        assert!(toolset.has("ipvsadm") && !toolset.has("nft"));
        assert!(!root.join("usr/share").exists() && !root.join("bin").exists());
    }

    #[test]
    fn a_file_that_two_packages_have_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let error = format!("{:#}", arranged(folder.path(), &["lib/a.so", "usr/lib/a.so"]).unwrap_err());
        assert!(
            error.starts_with("moving lib into usr: ") && error.ends_with("usr/lib/a.so is there twice"),
            "{error}"
        );
    }

    #[test]
    fn a_file_that_was_changed_added_or_removed_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        arranged(folder.path(), &["usr/sbin/nft", "usr/lib/a.so"]).unwrap();
        let (new, nft) = (folder.path().join("new"), folder.path().join("new/root/usr/sbin/nft"));
        let whole = || Packaged::whole(Suite::Debian12, &new).map(drop).map_err(|error| error.to_string());
        let damages: [&dyn Fn(); 4] = [
            &|| fs::write(&nft, "usr/sbin/nfx").unwrap(),
            &|| fs::remove_file(&nft).unwrap(),
            &|| fs::remove_file(&nft).and_then(|()| symlink("nfx", &nft)).unwrap(),
            &|| fs::create_dir(new.join("root/usr/bin")).unwrap(),
        ];
        for damage in damages {
            assert_eq!(whole(), Ok(()));
            damage();
            assert!(whole().unwrap_err().starts_with("its files have the SHA-256 "));
            let _ = fs::remove_file(&nft);
            let _ = fs::remove_dir(new.join("root/usr/bin"));
            fs::write(&nft, "usr/sbin/nft").unwrap();
        }
        let error = Packaged::whole(Suite::Debian13, &new).unwrap_err().to_string();
        assert_eq!(error, "its manifest is that of debian-12");
    }

    #[test]
    fn packages_without_a_tool_are_no_toolset() {
        let folder = tempfile::tempdir().unwrap();
        let toolset = arranged(folder.path(), &["usr/sbin/iptables-legacy"]).unwrap();
        assert!(Packaged::check(&toolset).unwrap_err().why.ends_with("have no iptables-nft"));
    }
}
