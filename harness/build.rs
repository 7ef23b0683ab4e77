//! Tells the program which revision it is built from, for the header of its datasets, and compiles the plugin for QEMU that
//! it carries.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    let git = |args: &[&str]| Command::new("git").args(args).output().ok().filter(|output| output.status.success());
    let revision = git(&["describe", "--always", "--dirty", "--abbrev=12"]);
    let revision = revision.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    println!("cargo::rustc-env=SVCLAB_REVISION={}", revision.unwrap_or_default());
    // The log of HEAD changes with every commit and checkout.
    println!("cargo::rerun-if-changed=../.git/logs/HEAD");
    compile_plugin();
}

/// One file without dependencies. As a package of its own, its library would not be at a place that the program's build knows.
fn compile_plugin() {
    const SOURCE: &str = "plugin/profile.rs";
    println!("cargo::rerun-if-changed={SOURCE}");
    let of_cargo = |name: &str| env::var_os(name).unwrap_or_else(|| panic!("cargo sets {name}"));
    let library = PathBuf::from(of_cargo("OUT_DIR")).join("profile.so");
    let mut rustc = Command::new(of_cargo("RUSTC"));
    rustc.args([
        "--edition=2024",
        "--crate-type=cdylib",
        "--crate-name=profile",
        "-O",
        "-Cpanic=abort",
        "-Cstrip=symbols",
    ]);
    rustc.arg("--target").arg(of_cargo("TARGET")).arg("-o").arg(&library).arg(SOURCE);
    let status = rustc.status().unwrap_or_else(|error| panic!("starting the compiler for {SOURCE}: {error}"));
    assert!(status.success(), "compiling {SOURCE}: {status}");
}
