//! What may be asked for, and what the answers to nonsense are.

use super::*;
use std::fs;

fn files(release: &str, modules: &[(&str, &[&str])]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("vmlinuz"), image::fake(release)).unwrap();
    fs::create_dir(folder.path().join("kernel")).unwrap();
    for (name, entries) in modules {
        let vermagic = format!("vermagic={release} SMP");
        let entries: Vec<_> = entries.iter().copied().chain([vermagic.as_str()]).collect();
        fs::write(folder.path().join("kernel").join(name), modinfo::fake(&entries)).unwrap();
    }
    let name = format!("{0}/vmlinuz:{0}", folder.path().display());
    (folder, name)
}

#[test]
fn a_kernel_is_named_by_its_files() {
    let (folder, name) = files("6.1-x", &[("a.ko", &["depends=b"]), ("b.ko", &[])]);
    let kernel = resolve(Some(&name), &|| false).unwrap();
    assert_eq!((kernel.release.as_str(), kernel.package.as_ref()), ("6.1-x", None));
    assert_eq!(kernel.modules, folder.path());
    let order: Vec<_> = kernel.load_order(&["a"]).unwrap().into_iter().map(|module| module.name).collect();
    assert_eq!(order, ["b", "a"]);
}

#[test]
fn a_module_that_the_kernel_lacks_is_named_with_the_kernel() {
    let (_folder, name) = files("6.1-x", &[("a.ko", &["depends=b"])]);
    let kernel = resolve(Some(&name), &|| false).unwrap();
    let missing = kernel.load_order(&["ip_vs"]).unwrap_err();
    assert_eq!(missing.why, format!("kernel {name} (6.1-x) has no module ip_vs"));
    assert!(missing.remedy.contains("svclab fetch list"), "{}", missing.remedy);
    let missing = kernel.load_order(&["a"]).unwrap_err();
    assert!(missing.why.ends_with("has no module b, which its a needs"), "{}", missing.why);
}

#[test]
fn files_that_are_no_kernel_are_told_with_the_remedy() {
    let (folder, _) = files("6.1-x", &[]);
    let shown = folder.path().display();
    for (name, why) in [
        (format!("/nowhere/vmlinuz:{shown}"), "reading /nowhere/vmlinuz: No such file".to_owned()),
        (format!("/etc/hostname:{shown}"), "/etc/hostname is no kernel for x86".to_owned()),
        (format!("{shown}/vmlinuz:/nowhere"), "/nowhere has no folder \"kernel\" with modules in it".to_owned()),
    ] {
        let missing = resolve(Some(&name), &|| false).unwrap_err();
        assert!(missing.why.contains(&why), "{}", missing.why);
        assert!(missing.remedy.contains("/boot/vmlinuz-RELEASE:/lib/modules/RELEASE"));
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_known_ones() {
    let missing = resolve(Some("debian-21"), &|| false).unwrap_err();
    let known = "unknown kernel \"debian-21\"; known: debian-12, debian-12-backports, debian-13, debian-sid";
    assert!(missing.why.starts_with(known), "{}", missing.why);
    assert!(missing.why.contains("(did you mean \"debian-12\"?)"), "{}", missing.why);
    assert!(missing.to_string().ends_with("; or name one by its files: VMLINUZ:MODULES_DIR"), "{missing}");
}
