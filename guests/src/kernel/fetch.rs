//! A suite's stock kernel: its packages, and what is kept of them.

use super::image::Image;
use super::manifest::Manifest;
use super::{Kernel, NEEDED};
use crate::debian::{Apt, Deb, Goods, Package, Suite};
use crate::missing::Missing;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::Path;

/// The package that depends on the newest kernel of its suite.
const NEWEST: &str = "linux-image-amd64";
/// What a kernel's folder contains.
const VMLINUZ: &str = "vmlinuz";
const CONFIG: &str = "config";
const MODULES: &str = "lib/modules";

/// Kernels, fetched.
#[derive(Debug)]
pub(super) struct Stock;

impl Goods for Stock {
    type Kept = Kernel;
    const NAME: &'static str = "kernel";
    const FOLDER: &'static str = "kernels";
    const OTHERWISE: &'static str = "or name a kernel of your own: VMLINUZ:MODULES_DIR";

    /// The packages that make up the newest kernel. The one with the release in its name comes first.
    ///
    /// Up to Debian 13 it is one package, later one for the image, one for modules and one for what both share.
    fn packages(apt: &Apt<'_>) -> Result<Vec<Package>, Missing> {
        let newest = apt.describe(NEWEST)?;
        let (mut packages, mut waiting) = (Vec::<Package>::new(), newest.needs);
        while let Some(name) = waiting.pop() {
            if packages.iter().all(|package| package.name != name) {
                let package = apt.describe(&format!("{name}={}", newest.version))?;
                waiting.extend(package.needs.clone());
                packages.push(package);
            }
        }
        packages.sort_by_key(|package| (release(package).is_none(), package.name.clone()));
        if packages.first().and_then(release).is_none() {
            let why = format!("{NEWEST} {} depends on no kernel", newest.version);
            return Err(Missing { why, remedy: format!("name another suite, {}", Self::OTHERWISE) });
        }
        Ok(packages)
    }

    fn arrange(suite: Suite, packages: &[Package], tree: &Path, new: &Path) -> Result<()> {
        let release = release(&packages[0]).context("its name has no release in it")?;
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
            suite: suite.name().to_owned(),
            package: packages[0].name.clone(),
            version: packages[0].version.clone(),
            release: image.release,
            vmlinuz_sha256: image.sha256,
            debs: debs.collect(),
            fetched: jiff::Timestamp::now().to_string(),
        };
        manifest.write(new)
    }

    fn whole(suite: Suite, folder: &Path) -> Result<Kernel> {
        let manifest = Manifest::read(folder)?;
        ensure!(manifest.suite == suite.name(), "its manifest is that of {}", manifest.suite);
        let vmlinuz = folder.join(VMLINUZ);
        let image = Image::read(&vmlinuz)?;
        if image.sha256 != manifest.vmlinuz_sha256 {
            bail!("{VMLINUZ} has the SHA-256 {}, and should have {}", image.sha256, manifest.vmlinuz_sha256);
        }
        ensure!(
            image.release == manifest.release,
            "{VMLINUZ} is of the release {}, but the manifest names {}",
            image.release,
            manifest.release
        );
        let modules = folder.join(MODULES).join(&manifest.release);
        ensure!(modules.join("kernel").is_dir(), "it has no modules in {}", modules.display());
        Ok(Kernel {
            name: suite.name().to_owned(),
            release: manifest.release,
            package: Some(format!("{} {}", manifest.package, manifest.version)),
            sha256: image.sha256,
            vmlinuz,
            modules,
        })
    }

    fn check(kernel: &Kernel) -> Result<(), Missing> {
        kernel.load_order(NEEDED).map(drop)
    }
}

/// The kernel release, if `package` is a kernel's image.
fn release(package: &Package) -> Option<&str> {
    package.name.strip_prefix("linux-image-")
}

/// Moves the first of `names` that is in `tree` to `place`.
fn take(tree: &Path, names: &[&str], place: &Path) -> Result<()> {
    let found = names.iter().map(|name| tree.join(name)).find(|path| path.exists());
    let found = found.with_context(|| format!("it has no {}", names[0]))?;
    fs::rename(&found, place).with_context(|| format!("moving {}", found.display()))
}

#[cfg(test)]
mod tests;
