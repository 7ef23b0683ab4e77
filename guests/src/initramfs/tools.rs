//! Adds tools, with what each loads at run time that its ELF headers do not name.

use super::Initramfs;
use super::closure::{Closure, Finder};
use super::loader::Folders;
use crate::missing::Missing;
use crate::tool;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// The guest's `PATH`. The kernel starts `/init` without one.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The library that loads the extensions of iptables, from a folder beside it.
const XTABLES: &str = "libxtables.so";

/// The extensions for rules of either family; the others are for ebtables and arptables.
const EXTENSIONS: [&str; 3] = ["libxt_", "libipt_", "libip6t_"];

/// What the C library loads when a thread is cancelled, as iperf3 does since 3.16.
const UNWINDER: &str = "libgcc_s.so.1";

impl Initramfs {
    /// Adds the tools `names`, each where the host has it, with all that they load.
    ///
    /// # Errors
    /// When one of them is not installed, or a file that it loads is not found.
    pub fn tools(&mut self, names: &[&str]) -> Result<(), Missing> {
        let mut finder = Finder::new(Folders::of_host());
        for name in names {
            let path = tool::find(name).ok_or_else(|| Missing {
                why: format!("{name} is not installed"),
                remedy: "install it with ci/setup".to_owned(),
            })?;
            add(self, &mut finder, name, &path).map_err(|error| Missing {
                why: format!("{name} cannot be put into a guest: {error:#}"),
                remedy: "reinstall it from the distribution's package".to_owned(),
            })?;
        }
        Ok(())
    }
}

fn add(initramfs: &mut Initramfs, finder: &mut Finder, name: &str, path: &Path) -> Result<()> {
    let closure = initramfs.with_libraries(finder, path)?;
    if !PATH.split(':').any(|folder| path.parent() == Some(Path::new(folder))) {
        initramfs.link(Path::new("/usr/local/bin").join(name), path);
    }
    for plugin in plugins(&closure)? {
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
fn plugins(closure: &Closure) -> Result<Vec<PathBuf>> {
    let library = closure.libraries.iter().find(|library| library.name.starts_with(XTABLES));
    let Some(folder) = library.and_then(|library| library.path.parent()).map(|folder| folder.join("xtables")) else {
        return Ok(Vec::new());
    };
    let reading = || format!("listing the iptables extensions in {}", folder.display());
    let entries = fs::read_dir(&folder).with_context(reading)?.collect::<Result<Vec<_>, _>>().with_context(reading)?;
    let names = entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok());
    let wanted = names.filter(|name| name.ends_with(".so") && EXTENSIONS.iter().any(|prefix| name.starts_with(prefix)));
    Ok(wanted.map(|name| folder.join(name)).collect())
}
