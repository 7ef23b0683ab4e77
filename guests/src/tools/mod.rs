//! The tools that program a node, from a Debian suite or from any root file system, beside those of this machine.
//!
//! ```text
//!   suite ── fetch ──► a root in the cache ──┐
//!   DIR, a root file system ─────────────────┴──► Toolset ── tree(programs) ──► a small root of its own:
//!                                                             programs, their libraries, their own ld.so
//! ```
//!
//! That root is a folder of the guest ([`PLACE`]), or of a mount namespace. A tool is started in it with chroot(2), so
//! that nothing of this machine's libraries is loaded with it.

mod fetch;
mod furnish;

pub use fetch::SUITES;
pub(crate) use fetch::is_manifest;
pub use furnish::furnish;

use crate::debian::{self, Again, Cache, Suite};
use crate::initramfs::Initramfs;
use crate::initramfs::loaded;
use crate::missing::Missing;
use crate::root::Root;
use crate::stop::Stop;
use crate::tool::{Real, Tools, VERSION_LIMIT};
use fetch::Packaged;
use std::path::{Path, PathBuf};

/// The folder of a guest that is the root of its tools, if they are not this machine's.
pub const PLACE: &str = "/tools";

/// Tools of one origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolset {
    /// A suite's name, or the folder with the root file system.
    pub name: String,
    /// Names and versions of the packages that were asked for; empty for a folder's.
    pub packages: Vec<String>,
    root: Root,
}

/// The tools called `asked`: a suite's, which are fetched if need be, or those of a root file system in a folder.
///
/// # Errors
/// When there are none of that name, they cannot be fetched, or are damaged.
pub fn resolve(asked: &str, stop: Stop<'_>) -> Result<Toolset, Missing> {
    match named(asked)? {
        Origin::Suite(suite) => fetch(suite, Again::No, stop),
        Origin::Folder(toolset) => Ok(toolset),
    }
}

/// The same without fetching; `None` if they are not fetched yet.
///
/// # Errors
/// When there are none of that name, or they are damaged.
pub fn find(asked: &str) -> Result<Option<Toolset>, Missing> {
    match named(asked)? {
        Origin::Suite(suite) => Cache::<Packaged>::of_this_user()?.find(suite),
        Origin::Folder(toolset) => Ok(Some(toolset)),
    }
}

/// The suite called `asked` whose tools are not fetched yet; `None` if nothing has to be fetched.
///
/// # Errors
/// When there are no tools of that name.
pub fn to_fetch(asked: &str) -> Result<Option<Suite>, Missing> {
    match named(asked)? {
        Origin::Suite(suite) => Ok(Some(suite).filter(|&suite| !is_there(suite))),
        Origin::Folder(_) => Ok(None),
    }
}

fn is_there(suite: Suite) -> bool {
    Cache::<Packaged>::of_this_user().is_ok_and(|cache| cache.has(suite))
}

enum Origin {
    Suite(Suite),
    Folder(Toolset),
}

fn named(asked: &str) -> Result<Origin, Missing> {
    if let Some(suite) = Suite::find(asked).filter(|suite| SUITES.contains(suite)) {
        return Ok(Origin::Suite(suite));
    }
    let folder = Path::new(asked);
    if !asked.contains('/') && !folder.is_dir() {
        let known: Vec<&str> = SUITES.iter().map(|suite| suite.name()).collect();
        let why = debian::unknown("tools", asked, &known);
        return Err(Missing { why, remedy: "or name a folder with a root file system".to_owned() });
    }
    let missing = |why: String| Missing {
        why: format!("--tools {asked}: {why}"),
        remedy: "name a folder with a root file system: an unpacked image with usr and lib in it".to_owned(),
    };
    let folder = folder.canonicalize().map_err(|error| missing(error.to_string()))?;
    let Some(name) = folder.to_str().map(str::to_owned) else {
        return Err(missing("its path is not UTF-8".to_owned()));
    };
    let root = Root::at(folder);
    if !["/usr", "/bin", "/sbin"].iter().any(|inside| root.is_folder(Path::new(inside))) {
        return Err(missing("it has no usr, bin or sbin".to_owned()));
    }
    Ok(Origin::Folder(Toolset { name, packages: Vec::new(), root }))
}

/// The tools of `suite` from the cache, fetched first if need be.
///
/// # Errors
/// When they are damaged, cannot be fetched, or the suite has none here.
pub fn fetch(suite: Suite, again: Again, stop: Stop<'_>) -> Result<Toolset, Missing> {
    debian::obtain::<Packaged>(suite, again, stop)
}

/// Removes the tools of `suite` from the cache.
///
/// # Errors
/// When they are not there, or cannot be removed.
pub fn remove(suite: Suite, stop: Stop<'_>) -> Result<(), Missing> {
    debian::remove::<Packaged>(suite, stop)
}

/// A suite with tools.
pub struct Known {
    /// The suite.
    pub suite: Suite,
    /// Its tools, or why they are missing or damaged.
    pub tools: Result<Toolset, Missing>,
}

/// The suites with tools, and the tools of each, if they are fetched.
///
/// # Errors
/// When this user has no cache.
pub fn known() -> Result<Vec<Known>, Missing> {
    let cache = Cache::<Packaged>::of_this_user()?;
    let state = |&suite| Known { suite, tools: debian::state(&cache, suite) };
    Ok(SUITES.iter().map(state).collect())
}

impl Toolset {
    /// Whether there is a tool `program`.
    pub fn has(&self, program: &str) -> bool {
        self.root.program(program).is_some()
    }

    /// A root file system of its own for `programs`, as far as they are there.
    ///
    /// # Errors
    /// When none is there, or one cannot be used.
    pub fn tree(&self, programs: &[&str]) -> Result<Initramfs, Missing> {
        let mut tree = Initramfs::base_of(&self.root);
        let there: Vec<&str> = programs.iter().copied().filter(|program| self.has(program)).collect();
        let again = match Suite::find(&self.name) {
            Some(suite) => format!("fetch them again: svclab fetch tools {suite} --again"),
            None => "name another root file system with --tools".to_owned(),
        };
        if there.is_empty() {
            let why = format!("the tools of {} have none of {}", self.name, programs.join(", "));
            return Err(Missing { why, remedy: again });
        }
        tree.tools_of(self.root.clone(), &there, &again, Some(&again))
            .map_err(|missing| Missing { why: format!("tools of {}: {}", self.name, missing.why), ..missing })?;
        Ok(tree)
    }

    /// The first line of what `program --version` prints. It is run here, by its own loader with its own libraries. If it
    /// prints nothing, as ipvsadm on a kernel without IPVS: the package of that name, with its version.
    pub fn version(&self, program: &str) -> Option<String> {
        let package = || self.packages.iter().find(|package| package.split(' ').next() == Some(program)).cloned();
        self.told(program).or_else(package)
    }

    fn told(&self, program: &str) -> Option<String> {
        let (file, arguments) = self.started_here(program)?;
        let arguments: Vec<String> = arguments.into_iter().chain(["--version".to_owned()]).collect();
        let output = Real { stop: &|| false }.run(file.to_str()?, &arguments, VERSION_LIMIT).ok()?;
        output.stdout.lines().next().map(|line| line.trim().to_owned())
    }

    /// What to start on this machine so that it becomes `program`: a file, and arguments ahead of the program's own.
    fn started_here(&self, program: &str) -> Option<(PathBuf, Vec<String>)> {
        let place = self.root.program(program)?;
        let file = self.root.outside(&self.root.end(&place).ok()?);
        let loaded = loaded(&self.root, &place).ok()?;
        let Some(loader) = loaded.loader else { return Some((file, Vec::new())) };
        let folders: Vec<String> = loaded.folders.iter().map(|folder| folder.display().to_string()).collect();
        // By its name iptables knows which of its programs it is.
        let ahead = ["--argv0", program, "--library-path", &folders.join(":"), file.to_str()?];
        Some((loader, ahead.map(str::to_owned).to_vec()))
    }
}

#[cfg(test)]
mod tests;
