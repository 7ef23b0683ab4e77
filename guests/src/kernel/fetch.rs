//! Fetches a suite's stock kernel from its mirror into the cache, without root, and checks it at every step.

use super::answer::{OTHERWISE, said};
use super::apt::{Apt, Package};
use super::cache::{CONFIG, Cache, Locked, MODULES, VMLINUZ, whole};
use super::image::{self, Image};
use super::manifest::{Deb, Manifest};
use super::mirror::Mirror;
use super::progress::Steps;
use super::suite::Suite;
use super::{Kernel, NEEDED};
use crate::missing::Missing;
use crate::stop::Stop;
use crate::tool::{self, Tools};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes for a suite's lists of packages and for the smallest Debian kernel.
const ROOM: u64 = 256 << 20;
const UNPACK_LIMIT: Duration = Duration::from_secs(600);

/// Whether to fetch a kernel that is in the cache already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Fetch it again.
    Yes,
    /// Use the cache.
    No,
}

pub(super) fn fetch(
    cache: &Cache,
    suite: Suite,
    again: Again,
    tools: &dyn Tools,
    stop: Stop<'_>,
) -> Result<Kernel, Missing> {
    let steps = Steps::on_stderr(suite);
    let locked = cache.lock(stop, || steps.begin("waiting for another svclab that is fetching a kernel"))?;
    if let (Again::No, Some(kernel)) = (again, cache.find(suite).unwrap_or_default()) {
        return Ok(kernel);
    }
    for program in ["apt-get", "apt-cache", "dpkg-deb"] {
        if tool::find(program).is_none() {
            let why = format!("{program}, with which svclab fetches kernels, is not installed");
            return Err(Missing { why, remedy: format!("install apt and dpkg, {OTHERWISE}") });
        }
    }
    let work = locked.workplace()?;
    let unready = Unready { suite, folder: work.path(), steps: &steps, tools };
    let (packages, debs) = unready.download(&locked)?;
    let tree = unready.unpack(&debs)?;
    let new = unready.arrange(&packages, &tree).map_err(|error| unready.unfit(&packages[0], &error))?;
    steps.begin("checking it");
    let kernel = whole(suite, &new).map_err(|error| unready.unfit(&packages[0], &error))?;
    kernel.load_order(NEEDED)?;
    locked.put(suite, &new)
}

struct Unready<'a> {
    suite: Suite,
    folder: &'a Path,
    steps: &'a Steps,
    tools: &'a dyn Tools,
}

impl Unready<'_> {
    /// Downloads the packages that make up the kernel. Returns their files.
    fn download(&self, locked: &Locked<'_>) -> Result<(Vec<Package>, Vec<PathBuf>), Missing> {
        // `apt-get update` hangs when the disk is full.
        locked.check_room(self.suite, ROOM)?;
        let mirror = Mirror::of_this_machine(self.tools);
        let apt = Apt::open(&self.folder.join("apt"), self.suite, &mirror, self.tools)?;
        self.steps.begin("reading Debian's lists of packages");
        apt.update()?;
        let packages = apt.kernel()?;
        let size = packages.iter().map(|package| package.size).sum();
        let unpacked: u64 = packages.iter().map(|package| package.unpacked).sum();
        locked.check_room(self.suite, size + unpacked)?;
        let length = |path: PathBuf| fs::metadata(path).map_or(0, |file| file.len());
        let done = || packages.iter().filter_map(|package| apt.downloaded(package)).map(length).sum();
        let what = format!("downloading {} {}", packages[0].name, packages[0].version);
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
            said("dpkg-deb", "-x", UNPACK_LIMIT, self.tools.run("dpkg-deb", &args, UNPACK_LIMIT))?;
        }
        Ok(tree)
    }

    /// Moves what is kept of `tree` to its place, and writes the manifest.
    fn arrange(&self, packages: &[Package], tree: &Path) -> Result<PathBuf> {
        let release = packages[0].release().context("its name has no release in it")?;
        let new = self.folder.join("new");
        let modules = new.join(MODULES).join(release);
        fs::create_dir_all(new.join(MODULES))?;
        // Debian 12 has its modules in /lib, later ones in /usr/lib.
        take(tree, &[&format!("lib/modules/{release}"), &format!("usr/lib/modules/{release}")], &modules)?;
        // After Debian 13 image and configuration are beside the modules.
        for (file, place) in [("vmlinuz", VMLINUZ), ("config", CONFIG)] {
            let old = format!("boot/{file}-{release}");
            take(tree, &[&old], &new.join(place)).or_else(|_| take(&modules, &[file], &new.join(place)))?;
        }
        let image = Image::read(&new.join(VMLINUZ))?;
        ensure!(image.release == release, "its vmlinuz is of the release {}", image.release);
        let debs = packages.iter().map(|package| Deb { package: package.name.clone(), sha256: package.sha256.clone() });
        let manifest = Manifest {
            suite: self.suite.name().to_owned(),
            package: packages[0].name.clone(),
            version: packages[0].version.clone(),
            release: image.release,
            vmlinuz_sha256: image.sha256,
            debs: debs.collect(),
            fetched: jiff::Timestamp::now().to_string(),
        };
        manifest.write(&new)?;
        Ok(new)
    }

    fn unfit(&self, package: &Package, error: &anyhow::Error) -> Missing {
        let why = format!("{} {} cannot be used: {error:#}", package.name, package.version);
        Missing { why, remedy: format!("try again: svclab kernel fetch {}, {OTHERWISE}", self.suite) }
    }
}

/// The file `deb` of `package`, after a check against the signed lists.
fn checked(deb: Option<PathBuf>, package: &Package) -> Result<PathBuf> {
    let deb = deb.context("apt-get reports success, but the file is not there")?;
    let sha256 = image::sha256(&deb)?;
    ensure!(sha256 == package.sha256, "it has the SHA-256 {sha256}, expected {}", package.sha256);
    Ok(deb)
}

/// Moves the first of `names` that is in `tree` to `place`.
fn take(tree: &Path, names: &[&str], place: &Path) -> Result<()> {
    let found = names.iter().map(|name| tree.join(name)).find(|path| path.exists());
    let found = found.with_context(|| format!("it has no {}", names[0]))?;
    fs::rename(&found, place).with_context(|| format!("moving {}", found.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::apt;
    use crate::tool::Real;

    /// Arranges what packages with `images` in them, each a place and a release, are unpacked to.
    fn arranged(modules: &str, images: &[(&str, &str)]) -> (tempfile::TempDir, Result<PathBuf>) {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("tree");
        fs::create_dir_all(tree.join(modules).join("kernel")).unwrap();
        fs::create_dir_all(tree.join("boot")).unwrap();
        for (place, release) in images {
            fs::write(tree.join(place), image::fake(release)).unwrap();
            fs::write(tree.join(place.replace("vmlinuz", "config")), "CONFIG_VETH=m\n").unwrap();
        }
        let steps = Steps::on_stderr(Suite::Debian12);
        let unready =
            Unready { suite: Suite::Debian12, folder: folder.path(), steps: &steps, tools: &Real { stop: &|| false } };
        let new = unready.arrange(&[apt::fake("6.1-x")], &tree);
        (folder, new)
    }

    #[test]
    fn a_kernel_is_kept_in_one_way_however_its_packages_are_laid_out() {
        for (modules, vmlinuz) in [
            ("lib/modules/6.1-x", "boot/vmlinuz-6.1-x"),
            ("usr/lib/modules/6.1-x", "boot/vmlinuz-6.1-x"),
            ("usr/lib/modules/6.1-x", "usr/lib/modules/6.1-x/vmlinuz"),
        ] {
            let (_folder, new) = arranged(modules, &[(vmlinuz, "6.1-x")]);
            let new = new.unwrap();
            let kernel = whole(Suite::Debian12, &new).unwrap();
            assert_eq!((kernel.vmlinuz, kernel.modules), (new.join("vmlinuz"), new.join("lib/modules/6.1-x")));
            assert!(new.join("config").is_file());
        }
    }

    #[test]
    fn packages_that_are_no_longer_what_they_were_are_told() {
        let modules = "lib/modules/6.1-x";
        for (expected, modules, images) in [
            ("it has no lib/modules/6.1-x", "lib/modules/6.2", [("boot/vmlinuz-6.1-x", "6.1-x")]),
            ("it has no vmlinuz", modules, [("boot/vmlinuz-6.2", "6.1-x")]),
            ("its vmlinuz is of the release 6.2", modules, [("boot/vmlinuz-6.1-x", "6.2")]),
        ] {
            let (_folder, new) = arranged(modules, &images);
            assert_eq!(new.unwrap_err().to_string(), expected);
        }
    }

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
