//! No two files of a crate import each other in a loop, in any crate of the workspace.

use anyhow::{Context, Result, ensure};
use loops::{Modules, loops};
use serde_json::Value;
use std::env;
use std::path::Path;
use std::process::Command;

#[test]
fn no_two_files_of_a_crate_import_each_other_in_a_loop() -> Result<()> {
    let cargo = env::var_os("CARGO").context("cargo says where it is")?;
    let asked = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let output = Command::new(cargo).args(asked).output().context("run cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let (mut found, mut checked) = (String::new(), 0);
    for package in metadata["packages"].as_array().context("packages")? {
        let name = package["name"].as_str().context("a package has a name")?;
        for target in package["targets"].as_array().context("targets")? {
            if !matches!(target["kind"][0].as_str(), Some("lib" | "bin")) {
                continue;
            }
            let root = Path::new(target["src_path"].as_str().context("a target has a root")?);
            let all = loops(&Modules::read(root)?);
            checked += 1;
            found.extend(all.iter().map(|one| format!("{name}: {one}")));
        }
    }
    ensure!(checked > 0, "cargo metadata names no crate");
    ensure!(found.is_empty(), "import loops; move what both need into a file below them:\n{found}");
    Ok(())
}
