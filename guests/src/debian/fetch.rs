//! Fetches goods of a suite from its mirror into the cache, without root, and checks them at every step.

use super::answer::said;
use super::apt::{Apt, Package};
use super::cache::{Cache, Locked};
use super::mirror::Mirror;
use super::progress::Steps;
use super::suite::Suite;
use super::{Again, Goods, sha256};
use crate::missing::Missing;
use crate::stop::Stop;
use crate::tool::{self, Tools};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes for a suite's lists of packages and for the smallest Debian kernel.
const ROOM: u64 = 256 << 20;
const UNPACK_LIMIT: Duration = Duration::from_secs(600);

/// Fetches the goods of `suite`, unless they are in `cache` and wanted from there.
pub(crate) fn fetch<G: Goods>(
    cache: &Cache<G>,
    suite: Suite,
    again: Again,
    tools: &dyn Tools,
    stop: Stop<'_>,
) -> Result<G::Kept, Missing> {
    let steps = Steps::on_stderr(suite);
    let waiting = format!("waiting for another svclab that is fetching: {}", G::NAME);
    let locked = cache.lock(stop, || steps.begin(&waiting))?;
    if let (Again::No, Some(kept)) = (again, cache.find(suite).unwrap_or_default()) {
        return Ok(kept);
    }
    for program in ["apt-get", "apt-cache", "dpkg-deb"] {
        if tool::find(program).is_none() {
            let why = format!("{program}, with which svclab fetches from Debian, is not installed");
            return Err(Missing { why, remedy: format!("install apt and dpkg, {}", G::OTHERWISE) });
        }
    }
    let work = locked.workplace()?;
    let unready = Unready { suite, folder: work.path(), steps: &steps, tools, goods: PhantomData::<G> };
    let (packages, debs) = unready.download(&locked)?;
    let tree = unready.unpack(&debs)?;
    let new = work.path().join("new");
    let unfit = |error| unready.unfit(&packages[0], &error);
    fs::create_dir(&new).map_err(|error| unfit(error.into()))?;
    G::arrange(suite, &packages, &tree, &new).map_err(unfit)?;
    steps.begin("checking it");
    G::check(&G::whole(suite, &new).map_err(unfit)?)?;
    locked.put(suite, &new)
}

struct Unready<'a, G> {
    suite: Suite,
    folder: &'a Path,
    steps: &'a Steps,
    tools: &'a dyn Tools,
    goods: PhantomData<G>,
}

impl<G: Goods> Unready<'_, G> {
    /// Downloads the packages. Returns their files.
    fn download(&self, locked: &Locked<'_, G>) -> Result<(Vec<Package>, Vec<PathBuf>), Missing> {
        // `apt-get update` hangs when the disk is full.
        locked.check_room(self.suite, ROOM)?;
        let mirror = Mirror::of_this_machine(self.tools);
        let apt = Apt::open(&self.folder.join("apt"), self.suite, &mirror, self.tools, G::OTHERWISE)?;
        self.steps.begin("reading Debian's lists of packages");
        apt.update()?;
        let packages = G::packages(&apt)?;
        let size = packages.iter().map(|package| package.size).sum();
        let unpacked: u64 = packages.iter().map(|package| package.unpacked).sum();
        locked.check_room(self.suite, size + unpacked)?;
        let length = |path: PathBuf| fs::metadata(path).map_or(0, |file| file.len());
        let done = || packages.iter().filter_map(|package| apt.downloaded(package)).map(length).sum();
        let what = format!("downloading {} {}", packages[0].name, packages[0].version);
        let what = match packages.len() {
            1 => what,
            more => format!("{what} and {} more", more - 1),
        };
        self.steps.count(&what, size, done, || apt.download(&packages))?;
        let debs = packages
            .iter()
            .map(|package| checked(apt.downloaded(package), package).map_err(|error| self.unfit(package, &error)));
        let debs = debs.collect::<Result<_, _>>()?;
        Ok((packages, debs))
    }

    /// Unpacks the packages into one folder.
    fn unpack(&self, debs: &[PathBuf]) -> Result<PathBuf, Missing> {
        self.steps.begin("unpacking it");
        let tree = self.folder.join("tree");
        for deb in debs {
            let args = ["-x".to_owned(), deb.display().to_string(), tree.display().to_string()];
            let run = self.tools.run("dpkg-deb", &args, UNPACK_LIMIT);
            said("dpkg-deb", "-x", UNPACK_LIMIT, run, G::OTHERWISE)?;
        }
        Ok(tree)
    }

    fn unfit(&self, package: &Package, error: &anyhow::Error) -> Missing {
        let why = format!("{} {} cannot be used: {error:#}", package.name, package.version);
        Missing { why, remedy: format!("try again: svclab fetch {} {}, {}", G::NAME, self.suite, G::OTHERWISE) }
    }
}

/// The file `deb` of `package`, after a check against the signed lists.
fn checked(deb: Option<PathBuf>, package: &Package) -> Result<PathBuf> {
    let deb = deb.context("apt-get reports success, but the file is not there")?;
    let sha256 = sha256(&deb)?;
    ensure!(sha256 == package.sha256, "it has the SHA-256 {sha256}, expected {}", package.sha256);
    Ok(deb)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::debian::apt;

    #[test]
    fn a_deb_that_is_not_what_the_lists_say_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let deb = folder.path().join("linux-image-6.1-x_1_amd64.deb");
        fs::write(&deb, "cut off").unwrap();
        let error = checked(Some(deb), &apt::fake("6.1-x")).unwrap_err().to_string();
        assert!(error.starts_with("it has the SHA-256 "), "{error}");
        assert!(checked(None, &apt::fake("6.1-x")).is_err());
    }
}
