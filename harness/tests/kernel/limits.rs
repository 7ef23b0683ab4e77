//! Small limits (`ulimit`): each that is too small is named before anything is done, and the least of each is enough.

use super::{QUICK, SVCLAB, expect, ordinary_user, workplace};
use anyhow::{Result, ensure};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Each limit: the shell's option for it, too little, and the least.
const LIMITS: &[(&str, &str, &str)] = &[
    ("-v", "200000", "2097152"),
    ("-d", "30000", "1048576"),
    ("-s", "64", "1024"),
    ("-f", "100", "65536"),
    ("-n", "12", "128"),
];

/// A run under `limits`, as a shell sets them.
fn run(folder: &Path, limits: &str) -> Result<Output> {
    let mut command = Command::new("bash");
    command.args(["-c", &format!("{limits}; exec {SVCLAB} scenario quick.yaml --out out")]);
    Ok(command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::piped()).output()?)
}

pub(super) fn a_limit_that_is_too_small_is_named() -> Result<()> {
    let folder = workplace(QUICK)?;
    for (option, little, least) in LIMITS {
        let output = run(folder.path(), &format!("ulimit {option} {little}"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(3), "ulimit {option} {little}: {}: {said}", output.status);
        ensure!(said.contains(&format!("is {little}")), "{said}");
        ensure!(said.trim_end().ends_with(&format!("raise it with: ulimit {option} {least}")), "{said}");
    }
    Ok(())
}

/// Others of the same user count, so that no number is too large. For root there is no such limit.
pub(super) fn too_few_processes_are_named() -> Result<()> {
    let folder = workplace(QUICK)?;
    let shell = "ulimit -u 10; exec ./svclab scenario quick.yaml --out out";
    let said = expect(ordinary_user(folder.path())?.args(["bash", "-c", shell]), 3)?;
    ensure!(said.contains("the limit on processes, the user's other processes counted, is 10"), "{said}");
    Ok(())
}

pub(super) fn the_least_of_every_limit_is_enough() -> Result<()> {
    let folder = workplace(QUICK)?;
    let limits: Vec<String> = LIMITS.iter().map(|(option, _, least)| format!("ulimit {option} {least}")).collect();
    let output = run(folder.path(), &limits.join("; "))?;
    ensure!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    Ok(())
}
