//! `svclab fetch`, and the names of what it fetches.

use super::{in_file, refused};
use std::fs;
use std::process::Command;

#[test]
fn kernels_and_tools_are_listed_with_the_way_to_fetch_them_and_what_is_damaged_with_the_remedy() {
    let cache = tempfile::tempdir().unwrap();
    let damaged = cache.path().join("svclab/kernels/debian-13");
    fs::create_dir_all(&damaged).unwrap();
    let mut list = Command::new(env!("CARGO_BIN_EXE_svclab"));
    let output = list.args(["fetch", "list"]).env("XDG_CACHE_HOME", cache.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let list = String::from_utf8(output.stdout).unwrap();
    assert!(list.contains("not fetched yet; svclab fetch kernel debian-12\n"), "{list}");
    assert!(list.contains("not fetched yet; svclab fetch tools debian-sid\n"), "{list}");
    let remedy = "fetch it again: svclab fetch kernel debian-13 --again\n";
    assert!(list.contains(&format!("{} is not what was fetched", damaged.display())), "{list}");
    assert!(list.contains(remedy), "{list}");

    let mut fetch = Command::new(env!("CARGO_BIN_EXE_svclab"));
    let output = fetch.args(["fetch", "kernel", "debian-13"]).env("XDG_CACHE_HOME", cache.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).ends_with(remedy), "{output:?}");

    let mut remove = Command::new(env!("CARGO_BIN_EXE_svclab"));
    remove.args(["fetch", "remove", "kernel", "debian-13"]).env("XDG_CACHE_HOME", cache.path());
    assert!(remove.status().unwrap().success());
    assert!(!damaged.exists());
    let output = remove.output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("svclab: there are no fetched kernels of debian-13; see what there is"), "{said}");
}

#[test]
fn tools_that_are_none_are_refused_before_anything_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = |tools: &str| {
        let mut run = Command::new(env!("CARGO_BIN_EXE_svclab"));
        run.current_dir(folder.path()).env("XDG_CACHE_HOME", folder.path());
        let run = run.args(["scenario", "smoke", "--target", "exact", "--kernel", "/nowhere:/nowhere"]);
        String::from_utf8(run.args(["--tools", tools]).output().unwrap().stderr).unwrap()
    };
    assert!(run("debian-31").contains("unknown tools \"debian-31\"; known: debian-12, debian-13"), "{}", run("x"));
    assert!(run("/nowhere").contains("--tools /nowhere: No such file"), "{}", run("/nowhere"));
    let mut plan = Command::new(env!("CARGO_BIN_EXE_svclab"));
    plan.env("XDG_CACHE_HOME", folder.path()).args(["plan", "smoke", "--target", "exact", "--tools", "debian-13"]);
    let planned = String::from_utf8(plan.output().unwrap().stdout).unwrap();
    assert!(planned.contains("\ntools debian-13, which the run fetches first; or: svclab fetch tools debian-13\n"));
    assert!(refused(&["fetch", "tools", "debian-12-backports"]).contains("there are those of debian-12, debian-13"));
}

#[test]
fn a_cache_of_kernels_that_cannot_be_used_is_named_before_anything_is_downloaded() {
    let folder = tempfile::tempdir().unwrap();
    let file = in_file(folder.path(), "");
    let mut fetch = Command::new(env!("CARGO_BIN_EXE_svclab"));
    let output = fetch.args(["fetch", "kernel", "debian-12"]).env("XDG_CACHE_HOME", &file).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    let why = format!("svclab: {file}/svclab/kernels, where fetched kernels are kept, cannot be used: Not a directory");
    assert!(said.starts_with(&why) && said.contains("set XDG_CACHE_HOME to another folder"), "{said}");
    assert!(refused(&["fetch", "kernel", "debian-21"]).contains("possible values: debian-12"));
}
