//! Kernels that are installed on this machine.

use super::Kernel;
use super::image::Image;
use std::fs;
use std::path::{Path, PathBuf};

/// Kernels whose image this user may read and whose modules are installed, by release.
pub(super) fn installed() -> Vec<Kernel> {
    below(Path::new("/"))
}

/// The running kernel, if it is among them. In a container, or for an ordinary user on Ubuntu, it is not.
pub(super) fn running() -> Option<Kernel> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    installed().into_iter().find(|kernel| kernel.release == release.trim())
}

fn below(root: &Path) -> Vec<Kernel> {
    let folders = fs::read_dir(root.join("lib/modules")).into_iter().flatten().filter_map(Result::ok);
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    folders.sort();
    folders.iter().filter_map(|modules| whole(root, modules)).collect()
}

/// The kernel with the modules in the folder `modules`, if it also has an image.
fn whole(root: &Path, modules: &Path) -> Option<Kernel> {
    let release = modules.file_name()?.to_str()?;
    // A package of headers makes a folder here as well.
    if !modules.join("kernel").is_dir() {
        return None;
    }
    // Fedora, Arch and Debian after 13 keep the image beside the modules.
    let images = [root.join("boot").join(format!("vmlinuz-{release}")), modules.join("vmlinuz")];
    images.into_iter().find_map(|vmlinuz| {
        let image = Image::read(&vmlinuz).ok().filter(|image| image.release == release)?;
        let (name, modules) = (release.to_owned(), modules.to_owned());
        Some(Kernel { name, release: image.release, package: None, sha256: image.sha256, vmlinuz, modules })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::image::fake;

    #[test]
    fn kernels_with_an_image_and_modules_are_found_in_both_places() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["boot", "lib/modules/6.1/kernel", "lib/modules/6.2/kernel", "lib/modules/6.3/build"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        fs::create_dir_all(root.path().join("lib/modules/6.4/kernel")).unwrap();
        let images = [("boot/vmlinuz-6.1", "6.1"), ("lib/modules/6.2/vmlinuz", "6.2"), ("boot/vmlinuz-6.3", "6.3")];
        for (path, release) in images {
            fs::write(root.path().join(path), fake(release)).unwrap();
        }
        fs::write(root.path().join("boot/vmlinuz-6.4"), fake("6.5")).unwrap();
        let releases: Vec<_> = below(root.path()).into_iter().map(|kernel| kernel.release).collect();
        assert_eq!(releases, ["6.1", "6.2"]);
    }

    #[test]
    fn a_machine_without_kernels_has_none() {
        assert!(below(tempfile::tempdir().unwrap().path()).is_empty());
    }
}
