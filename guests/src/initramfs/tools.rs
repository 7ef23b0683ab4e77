//! Adds tools, with what each loads at run time that its ELF headers do not name.

use super::Initramfs;
use super::closure::{Closure, Finder};
use crate::missing::Missing;
use crate::root::{PATH, Root};
use anyhow::Result;
use std::path::{Path, PathBuf};

/// The library that loads the extensions of iptables, from a folder beside it.
const XTABLES: &str = "libxtables.so";

/// The extensions for rules of either family; the others are for ebtables and arptables.
const EXTENSIONS: [&str; 3] = ["libxt_", "libipt_", "libip6t_"];

/// What the C library loads when a thread is cancelled, as iperf3 does since 3.16.
const UNWINDER: &str = "libgcc_s.so.1";

impl Initramfs {
    /// Adds the tools `names`, each where the host has it, with all that they load. One that is no program, or loads a file
    /// that is not found, is added as it is: it fails when it is called, as it does on the host.
    ///
    /// # Errors
    /// When one of them is not installed.
    pub fn tools(&mut self, names: &[&str]) -> Result<(), Missing> {
        self.tools_of(Root::of_host(), names, "install it with ci/setup", None)
    }

    /// Adds the tools `names` of `root`. The remedies are for one that is not there, and one that cannot be used; without
    /// the latter it is added as it is.
    pub(crate) fn tools_of(
        &mut self,
        root: Root,
        names: &[&str],
        install: &str,
        replace: Option<&str>,
    ) -> Result<(), Missing> {
        let mut finder = Finder::new(root);
        for name in names {
            let missing = |why: String, remedy: &str| Missing { why, remedy: remedy.to_owned() };
            let path = finder.root().program(name);
            let path = path.ok_or_else(|| missing(format!("{name} is not installed"), install))?;
            let added = match (add(self, &mut finder, name, &path), replace) {
                (Err(_), None) => self.copy(finder.root(), &path).map(drop),
                (added, _) => added,
            };
            added.map_err(|error| {
                let why = format!("{name} cannot be put into a guest: {error:#}");
                missing(why, replace.unwrap_or("reinstall it from its package"))
            })?;
        }
        Ok(())
    }
}

fn add(initramfs: &mut Initramfs, finder: &mut Finder, name: &str, path: &Path) -> Result<()> {
    if !PATH.split(':').any(|folder| path.parent() == Some(Path::new(folder))) {
        initramfs.link(Path::new("/usr/local/bin").join(name), path);
    }
    let closure = initramfs.with_libraries(finder, path)?;
    for plugin in plugins(finder.root(), &closure)? {
        initramfs.with_libraries(finder, &plugin)?;
    }
    let kind = finder.needs(path)?.kind;
    if name == "iperf3"
        && let Ok(unwinder) = finder.find(UNWINDER, kind, &[])
    {
        initramfs.with_libraries(finder, &unwinder)?;
    }
    Ok(())
}

/// The extensions of iptables, when a program uses the library that loads them.
fn plugins(root: &Root, closure: &Closure) -> Result<Vec<PathBuf>> {
    let library = closure.libraries.iter().find(|library| library.name.starts_with(XTABLES));
    let Some(folder) = library.and_then(|library| library.path.parent()).map(|folder| folder.join("xtables")) else {
        return Ok(Vec::new());
    };
    let wanted = |name: &String| name.ends_with(".so") && EXTENSIONS.iter().any(|prefix| name.starts_with(prefix));
    Ok(root.names(&folder)?.into_iter().filter(wanted).map(|name| folder.join(name)).collect())
}
