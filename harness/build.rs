//! Tells the program which revision it is built from, for the header of its datasets.

use std::process::Command;

fn main() {
    let git = |args: &[&str]| Command::new("git").args(args).output().ok().filter(|output| output.status.success());
    let revision = git(&["describe", "--always", "--dirty", "--abbrev=12"]);
    let revision = revision.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    println!("cargo::rustc-env=SVCLAB_REVISION={}", revision.unwrap_or_default());
    // The log of HEAD changes with every commit and checkout.
    println!("cargo::rerun-if-changed=../.git/logs/HEAD");
}
