//! What broke a reader once is read again, each file within the limits; and the limits hold.

use fuzzing::targets;
use std::path::Path;
use std::process::{Command, Output};

fn fuzzing(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fuzzing")).args(arguments).output().unwrap()
}

#[test]
fn what_was_found_and_mended_stays_mended() {
    let mut tried = 0;
    for target in targets::ALL {
        for (file, _) in targets::found(target.name) {
            let output = fuzzing(&["--target", target.name, "--file", file.to_str().unwrap()]);
            assert!(output.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
            tried += 1;
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("found");
    let files = std::fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_dir());
    let all: usize = files.map(|entry| std::fs::read_dir(entry.path()).unwrap().count()).sum();
    assert_eq!(tried, all, "every folder is named after a target");
    assert!(tried > 0);
}

#[test]
fn every_target_reads_its_seeds_and_some_inputs() {
    let output = fuzzing(&["--inputs", "60"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.lines().count(), targets::ALL.len(), "{said}");
}

#[test]
fn a_panic_a_hang_too_much_memory_and_too_deep_a_call_are_found_and_kept() {
    for (target, what) in [
        ("planted-panic", "panicked: "),
        ("planted-hang", "took more than 5 s"),
        ("planted-memory", "took more than 1024 MiB"),
        ("planted-depth", "ended by signal: 6"),
    ] {
        let output = fuzzing(&["--target", target, "--inputs", "1000"]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{target}: {said}");
        assert!(said.contains(what), "{said}");
        let again = said.lines().find_map(|line| line.trim().strip_prefix("again: ci/fuzz ")).unwrap();
        assert!(!fuzzing(&again.split(' ').collect::<Vec<_>>()).status.success(), "{again}");
    }
    assert!(fuzzing(&["--target", "planted-nothing", "--inputs", "1000"]).status.success());
}
