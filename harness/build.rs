//! Tells the program which revision it is built from, for the header of its datasets; and makes it one that is not moved.

use std::path::Path;
use std::process::Command;

fn main() {
    let git = |args: &[&str]| Command::new("git").args(args).output().ok().filter(|output| output.status.success());
    let revision = git(&["describe", "--always", "--dirty", "--abbrev=12"]);
    let revision = revision.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    println!("cargo::rustc-env=SVCLAB_REVISION={}", revision.unwrap_or_default());
    // The log of HEAD changes with every commit and checkout. A worktree has one of its own, and a bare folder none: to watch
    // a file that is not there would build the program anew every time.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])
        .map(|path| String::from_utf8_lossy(&path.stdout).trim().to_owned());
    let log = log.filter(|log| Path::new(log).exists()).unwrap_or_else(|| "build.rs".to_owned());
    println!("cargo::rerun-if-changed={log}");
    // A launcher is this program again, and forks. Where a program may be anywhere in memory, its loader writes a hundred
    // thousand addresses first, into pages that each fork then copies: instructions of a sync that no kube-proxy has.
    println!("cargo::rustc-link-arg-bin=svclab=-no-pie");
}
