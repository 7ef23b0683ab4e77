//! What is kept of a kernel's packages, and what is said of those that are not as expected.

use super::*;
use crate::debian::{Cache, answering, fake};
use crate::kernel::image;
use crate::tool::{Ending, Output, Tools};
use std::path::PathBuf;
use std::time::Duration;

const SUITE: Suite = Suite::Debian12;

/// Arranges what packages with `images` in them, each a place and a release, are unpacked to.
fn arranged(modules: &str, images: &[(&str, &str)]) -> (tempfile::TempDir, Result<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let (tree, new) = (folder.path().join("tree"), folder.path().join("new"));
    fs::create_dir_all(tree.join(modules).join("kernel")).unwrap();
    fs::create_dir_all(tree.join("boot")).unwrap();
    fs::create_dir_all(&new).unwrap();
    for (place, release) in images {
        fs::write(tree.join(place), image::fake(release)).unwrap();
        fs::write(tree.join(place.replace("vmlinuz", "config")), "CONFIG_VETH=m\n").unwrap();
    }
    let arranged = Stock::arrange(SUITE, &[fake("6.1-x")], &tree, &new);
    (folder, arranged.map(|()| new))
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
        let kernel = Stock::whole(SUITE, &new).unwrap();
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
fn a_damaged_kernel_is_told_with_the_way_to_fetch_it_again() {
    let image = |bytes: Vec<u8>| move |folder: &Path| fs::write(folder.join(VMLINUZ), &bytes).unwrap();
    type Damage = Box<dyn Fn(&Path)>;
    let damages: [(&str, Damage); 4] = [
        ("has the SHA-256", Box::new(image([image::fake("6.1-x"), b"x".to_vec()].concat()))),
        ("is no kernel for x86", Box::new(image(Vec::new()))),
        ("it has no modules", Box::new(|folder| fs::remove_dir_all(folder.join(MODULES)).unwrap())),
        ("kernel.json: EOF", Box::new(|folder| fs::write(folder.join("kernel.json"), "").unwrap())),
    ];
    for (expected, damage) in damages {
        let (folder, new) = arranged("lib/modules/6.1-x", &[("boot/vmlinuz-6.1-x", "6.1-x")]);
        let caches = folder.path().join("caches");
        let place = caches.join("svclab/kernels/debian-12");
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::rename(new.unwrap(), &place).unwrap();
        let cache = Cache::<Stock>::at(&caches);
        assert!(cache.find(SUITE).unwrap().is_some());
        damage(&place);
        let missing = cache.find(SUITE).unwrap_err();
        assert!(missing.why.contains(expected), "{}", missing.why);
        assert_eq!(missing.remedy, "fetch it again: svclab fetch kernel debian-12 --again");
    }
}

/// Answers `apt-cache show` as for a kernel that is split into packages.
struct Lists;

impl Tools for Lists {
    fn run(&self, _: &str, args: &[String], _: Duration) -> anyhow::Result<Output> {
        let asked = args.last().unwrap();
        let needs: &[&str] = match asked.as_str() {
            "linux-image-amd64" => &["linux-base-amd64", "linux-image-7.2-amd64"],
            "linux-base-amd64=7.2-1" => &["linux-base-7.2-amd64"],
            "linux-image-7.2-amd64=7.2-1" => &["linux-base-7.2-amd64", "linux-modules-7.2-amd64"],
            "linux-modules-7.2-amd64=7.2-1" | "linux-base-7.2-amd64=7.2-1" => &[],
            _ => panic!("{asked} was asked for"),
        };
        let needs: Vec<_> = needs.iter().map(|name| format!("{name} (= 7.2-1)")).collect();
        let name = asked.trim_end_matches("=7.2-1");
        let stdout = format!(
            "Package: {name}\nVersion: 7.2-1\nInstalled-Size: 1\nSize: 1\nSHA256: 00\nDepends: kmod, {}\n",
            needs.join(", ")
        );
        Ok(Output { ending: Ending::exited(0), stdout, stderr: String::new() })
    }
}

#[test]
fn a_kernel_in_several_packages_is_had_whole_and_each_package_once() {
    let packages = Stock::packages(&answering(&Lists)).unwrap();
    let names: Vec<_> = packages.iter().map(|package| package.name.as_str()).collect();
    let expected = ["linux-image-7.2-amd64", "linux-base-7.2-amd64", "linux-base-amd64", "linux-modules-7.2-amd64"];
    assert_eq!(names, expected);
}
