//! Compiles the plugin for QEMU that the library carries.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// One file without dependencies. As a package of its own, its library would not be at a place that this build knows.
fn main() {
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
