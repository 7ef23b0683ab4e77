//! Kernels that guests boot: which exist, where they come from, and which modules they load.
//!
//! A stock Debian kernel is fetched into the user's cache. A kernel of this machine, or any other, can be named.

mod boot;
mod compression;
mod fetch;
mod folder;
mod image;
mod manifest;
mod modinfo;
mod modules;
mod unpacked;

pub(crate) use manifest::Manifest;
pub(crate) use modinfo::Modinfo;
pub use modules::Module;

use crate::debian::{self, Again, Cache, Suite};
use crate::missing::Missing;
use crate::stop::Stop;
use fetch::Stock;
use folder::Folder;
use image::Image;
use modules::Problem;
use std::path::{Path, PathBuf};

/// The suite whose kernel is the default if this machine's own cannot be booted.
const DEFAULT: Suite = Suite::Debian12;

/// Modules that a fetched kernel must have. Without them no node can be built, or the packages have changed their form.
/// Other modules are checked when they are needed.
const NEEDED: &[&str] = &["dummy", "veth", "nf_tables", "ip_vs"];

/// A kernel that a guest can boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// Its name: a suite's, a release of this machine, or `VMLINUZ:MODULES_DIR`.
    pub name: String,
    /// What `uname -r` prints when it runs.
    pub release: String,
    /// Name and version of its package, if known.
    pub package: Option<String>,
    /// SHA-256 of vmlinuz, in hex.
    pub sha256: String,
    /// The bzImage.
    pub vmlinuz: PathBuf,
    /// The folder of its modules: `…/lib/modules/RELEASE`.
    pub modules: PathBuf,
}

/// The kernel called `asked`: a suite's, which is fetched if need be; one of this machine, by its release; or
/// `VMLINUZ:MODULES_DIR`. With `None`, the running kernel if it can be booted, else that of Debian 12.
///
/// # Errors
/// When there is no such kernel, it cannot be fetched, or is damaged.
pub fn resolve(asked: Option<&str>, stop: Stop<'_>) -> Result<Kernel, Missing> {
    match find(asked)? {
        Found::Here(kernel) => Ok(kernel),
        Found::ToFetch(suite) => fetch(suite, Again::No, stop),
    }
}

/// Where a kernel is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// On this machine.
    Here(Kernel),
    /// Not in the cache yet: the suite that it is fetched from.
    ToFetch(Suite),
}

/// What [`resolve`] would return, without fetching anything.
///
/// # Errors
/// When there is no such kernel, or it is damaged.
pub fn find(asked: Option<&str>) -> Result<Found, Missing> {
    let cached = |suite| Ok(Cache::<Stock>::of_this_user()?.find(suite)?.map_or(Found::ToFetch(suite), Found::Here));
    let Some(name) = asked else {
        return boot::running().map_or_else(|| cached(DEFAULT), |kernel| Ok(Found::Here(kernel)));
    };
    if let Some(suite) = Suite::find(name) {
        return cached(suite);
    }
    let installed = boot::installed();
    if let Some(kernel) = installed.iter().find(|kernel| kernel.release == name) {
        return Ok(Found::Here(kernel.clone()));
    }
    match name.rsplit_once(':') {
        Some((vmlinuz, modules)) => from_files(name, Path::new(vmlinuz), Path::new(modules)).map(Found::Here),
        None => {
            let releases = installed.iter().map(|kernel| kernel.release.as_str());
            let known: Vec<&str> = Suite::ALL.iter().map(|suite| suite.name()).chain(releases).collect();
            Err(Missing {
                why: debian::unknown("kernel", name, &known),
                remedy: "or name one by its files: VMLINUZ:MODULES_DIR".to_owned(),
            })
        }
    }
}

/// Checks that there is a kernel called `asked`, whether or not it is fetched, or damaged.
///
/// # Errors
/// When there is none.
pub fn check(asked: &str) -> Result<(), Missing> {
    if Suite::find(asked).is_some() { Ok(()) } else { find(Some(asked)).map(drop) }
}

/// The default kernel; `None` when it is not fetched yet.
///
/// # Errors
/// When it is damaged.
pub fn default() -> Result<Option<Kernel>, Missing> {
    boot::running().map_or_else(|| Cache::<Stock>::of_this_user()?.find(DEFAULT), |kernel| Ok(Some(kernel)))
}

/// This user's cache folder.
///
/// # Errors
/// When this user has none.
pub fn cache_folder() -> Result<PathBuf, Missing> {
    Ok(Cache::<Stock>::of_this_user()?.beside())
}

/// The kernel of `suite` from the cache, fetched first if need be.
///
/// # Errors
/// When it is damaged or cannot be fetched.
pub fn fetch(suite: Suite, again: Again, stop: Stop<'_>) -> Result<Kernel, Missing> {
    debian::obtain::<Stock>(suite, again, stop)
}

/// Removes the kernel of `suite` from the cache.
///
/// # Errors
/// When it is not there, or cannot be removed.
pub fn remove(suite: Suite, stop: Stop<'_>) -> Result<(), Missing> {
    debian::remove::<Stock>(suite, stop)
}

fn from_files(name: &str, vmlinuz: &Path, modules: &Path) -> Result<Kernel, Missing> {
    let missing = |why: String| Missing {
        why: format!("kernel \"{name}\": {why}"),
        remedy: "name a bzImage and the folder of its modules: /boot/vmlinuz-RELEASE:/lib/modules/RELEASE".to_owned(),
    };
    let image = Image::read(vmlinuz).map_err(|error| missing(format!("{error:#}")))?;
    if !modules.join("kernel").is_dir() {
        return Err(missing(format!("{} has no folder \"kernel\" with modules in it", modules.display())));
    }
    let absolute = |path: &Path| std::path::absolute(path).map_err(|error| missing(error.to_string()));
    let (vmlinuz, modules) = (absolute(vmlinuz)?, absolute(modules)?);
    Ok(Kernel { name: name.to_owned(), release: image.release, package: None, sha256: image.sha256, vmlinuz, modules })
}

/// A kernel with a name.
pub struct Known {
    /// The name.
    pub name: String,
    /// The kernel, or why it is missing or damaged.
    pub kernel: Result<Kernel, Missing>,
    /// Whether it is the default.
    pub default: bool,
}

/// Every kernel with a name: the suites', then this machine's.
///
/// # Errors
/// When this user has no cache.
pub fn known() -> Result<Vec<Known>, Missing> {
    let cache = Cache::<Stock>::of_this_user()?;
    let running = boot::running().map(|kernel| kernel.release);
    let suites = Suite::ALL.iter().map(|&suite| Known {
        name: suite.to_string(),
        kernel: debian::state(&cache, suite),
        default: running.is_none() && suite == DEFAULT,
    });
    let installed = boot::installed().into_iter().map(|kernel| {
        let default = running.as_ref() == Some(&kernel.release);
        Known { name: kernel.name.clone(), kernel: Ok(kernel), default }
    });
    Ok(suites.chain(installed).collect())
}

impl Kernel {
    /// The modules `wanted` and all that they need, in the order of loading, each once. Built-in ones are left out.
    ///
    /// The order depends only on `wanted` and the kernel's files. It comes from `depends`, `softdep` and `alias` in the
    /// modules' .modinfo sections.
    ///
    /// # Errors
    /// When a module is neither there nor built in, or a file is damaged.
    pub fn load_order(&self, wanted: &[&str]) -> Result<Vec<Module>, Missing> {
        let order = Folder::open(&self.modules).map_err(Problem::Damaged);
        let order = order.and_then(|folder| modules::load_order(&folder, &self.release, wanted));
        order.map_err(|problem| self.unfit(problem))
    }

    fn unfit(&self, problem: Problem) -> Missing {
        let another = || "name another with --kernel (see them with: svclab fetch list)".to_owned();
        let (what, remedy) = match problem {
            Problem::Lacks(name, None) => (format!("has no module {name}"), another()),
            Problem::Lacks(name, Some(by)) => (format!("has no module {name}, which its {by} needs"), another()),
            Problem::Foreign(name, release) => (
                format!("has a module {name} that is for {release}"),
                "name the kernel and the modules that belong together".to_owned(),
            ),
            Problem::Damaged(error) => {
                let again = || format!("fetch it again: svclab fetch kernel {} --again", self.name);
                (
                    format!("has modules that cannot be read: {error:#}"),
                    Suite::find(&self.name).map_or_else(another, |_| again()),
                )
            }
        };
        Missing { why: format!("kernel {} ({}) {what}", self.name, self.release), remedy }
    }
}

#[cfg(test)]
mod tests;
