//! Which tools may be named, and that they are run with what is in their own root.

use super::*;
use crate::tool;
use std::fs;
use std::os::unix::fs::symlink;

/// A root with this machine's `ls` in it, called `nft`, and what it loads.
fn root_with_ls() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut tree = Initramfs::base();
    tree.tools(&["ls"]).unwrap();
    tree.unpack(folder.path()).unwrap();
    let ls = tool::find("ls").unwrap();
    fs::create_dir_all(folder.path().join("usr/sbin")).unwrap();
    // Absolute: it leads to the one in this root.
    symlink(ls, folder.path().join("usr/sbin/nft")).unwrap();
    folder
}

#[test]
fn a_folder_s_tools_run_by_their_own_loader() {
    let folder = root_with_ls();
    let toolset = resolve(folder.path().to_str().unwrap(), &|| false).unwrap();
    assert!(toolset.has("nft") && !toolset.has("ipset"));
    let (file, arguments) = toolset.started_here("nft").unwrap();
    let inside = folder.path().canonicalize().unwrap();
    assert!(file.starts_with(&inside) && file.to_string_lossy().contains("ld-"), "{}", file.display());
    assert_eq!(arguments[1], "nft");
    assert!(arguments[3].split(':').all(|folder| Path::new(folder).starts_with(&inside)), "{arguments:?}");
    assert!(toolset.version("nft").unwrap().starts_with("ls ("), "{:?}", toolset.version("nft"));
    assert_eq!(toolset.version("ipset"), None);
}

#[test]
fn a_toolset_s_tree_has_what_its_programs_load_and_nothing_of_this_machine() {
    let folder = root_with_ls();
    let toolset = resolve(folder.path().to_str().unwrap(), &|| false).unwrap();
    let unpacked = tempfile::tempdir().unwrap();
    toolset.tree(&["nft", "ipset"]).unwrap().unpack(unpacked.path()).unwrap();
    let again = resolve(unpacked.path().to_str().unwrap(), &|| false).unwrap();
    assert_eq!(again.version("nft"), toolset.version("nft"));
    let missing = toolset.tree(&["ipset"]).unwrap_err();
    assert!(missing.why.ends_with("have none of ipset"), "{missing}");
}

#[test]
fn a_library_that_the_root_lacks_is_not_taken_from_this_machine() {
    let folder = root_with_ls();
    let toolset = resolve(folder.path().to_str().unwrap(), &|| false).unwrap();
    let (_, arguments) = toolset.started_here("nft").unwrap();
    let libc = arguments[3].split(':').map(|folder| Path::new(folder).join("libc.so.6"));
    libc.filter(|file| file.exists()).for_each(|file| fs::remove_file(file).unwrap());
    let missing = toolset.tree(&["nft"]).unwrap_err();
    assert!(missing.why.contains("the shared library libc.so.6 is in none of the folders"), "{missing}");
    assert!(missing.why.starts_with("tools of "), "{missing}");
}

#[test]
fn a_script_in_a_tool_s_place_is_named() {
    let folder = root_with_ls();
    fs::write(folder.path().join("usr/sbin/ipset"), "#!/bin/sh\n").unwrap();
    let toolset = resolve(folder.path().to_str().unwrap(), &|| false).unwrap();
    let missing = toolset.tree(&["ipset"]).unwrap_err();
    assert!(missing.why.contains("usr/sbin/ipset: it is no ELF file"), "{missing}");
    assert_eq!(missing.remedy, "name another root file system with --tools");
}

#[test]
fn what_is_no_toolset_is_answered_with_the_known_ones() {
    let missing = resolve("debian-21", &|| false).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "unknown tools \"debian-21\"; known: debian-12, debian-13, debian-sid (did you mean \"debian-12\"?); or name a \
         folder with a root file system"
    );
    let missing = resolve("debian-12-backports", &|| false).unwrap_err();
    assert!(missing.why.starts_with("unknown tools \"debian-12-backports\""), "{missing}");
    let missing = resolve("/nowhere", &|| false).unwrap_err();
    assert!(missing.why.starts_with("--tools /nowhere: No such file"), "{missing}");
    let empty = tempfile::tempdir().unwrap();
    let missing = resolve(empty.path().to_str().unwrap(), &|| false).unwrap_err();
    assert!(missing.why.ends_with("it has no usr, bin or sbin"), "{missing}");
}
