//! The kube-proxy binary of a user: found, looked at, and put where a guest has it.

use crate::tool::Runner;
use crate::tool::{Ending, Real};
use anyhow::{Context, Result, bail, ensure};
use data_encoding::HEXLOWER;
use guests::named;
use lab_core::cell::DriverName;
use lab_core::kube_proxy::KubeProxy;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a binary is called whose name is not given.
const USUAL_NAME: &str = "kube-proxy";
/// The longest name.
const LONGEST: usize = 32;
/// Time to say a version.
const LIMIT: Duration = Duration::from_secs(20);
/// Where guests have binaries, by name.
const IN_GUESTS: &str = "/kube-proxy";
/// How an ELF file of 64 bits begins, in the order of bytes that x86_64 and aarch64 have.
const ELF: &[u8] = b"\x7fELF\x02\x01";
/// How a script begins, which may start a kube-proxy.
const SCRIPT: &[u8] = b"#!";
/// Where an ELF file names its architecture (`e_machine`), and some of them.
const MACHINE: usize = 18;
const MACHINES: [(u16, &str); 5] =
    [(62, "x86_64"), (183, "aarch64"), (243, "riscv64"), (21, "powerpc64"), (22, "s390x")];

/// Reads what `--kube-proxy` was given, once or several times.
///
/// # Errors
/// When one cannot be read, or two have the same name.
pub(crate) fn read_all(texts: &[String]) -> Result<Vec<KubeProxy>> {
    let mut binaries: Vec<KubeProxy> = Vec::new();
    for text in texts {
        let binary = read(text).with_context(|| format!("--kube-proxy {text}"))?;
        let name = binary.name.as_str();
        let is_taken = binaries.iter().any(|other| other.name == binary.name);
        ensure!(!is_taken, "--kube-proxy {text}: {name} is the name of another one; write NAME=PATH");
        binaries.push(binary);
    }
    Ok(binaries)
}

/// Reads `[NAME=]PATH`, and asks the binary for its version.
///
/// # Errors
/// When there is no such file, it is no program of this machine, or it does not answer as kube-proxy does.
fn read(text: &str) -> Result<KubeProxy> {
    let (name, path) = match text.split_once('=') {
        Some((name, path)) if !name.contains('/') => (name, path),
        _ => (USUAL_NAME, text),
    };
    check_name(name)?;
    ensure!(!path.is_empty(), "there is no path; write NAME=PATH");
    let path = fs::canonicalize(path).with_context(|| format!("{path} cannot be read"))?;
    let shown = path.display();
    let sha256 = look_at(&path).with_context(|| shown.to_string())?;
    let version = version(&path).with_context(|| shown.to_string())?;
    let path = path.to_str().with_context(|| format!("{shown}: the path is no text"))?.to_owned();
    Ok(KubeProxy { name: name.to_owned().into(), path, version, sha256 })
}

fn check_name(name: &str) -> Result<()> {
    let letters = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-._".contains(letter);
    let fits = !name.is_empty() && name.len() <= LONGEST && name.chars().all(letters) && !name.starts_with('.');
    ensure!(fits, "{name:?} is no name: it takes up to {LONGEST} of a to z, 0 to 9, -, . and _");
    ensure!(name != DriverName::LAB, "{name:?} is what the lab's own driver is called; choose another name");
    Ok(())
}

/// The file's SHA-256, if it is a program of this machine.
fn look_at(path: &Path) -> Result<String> {
    let mut file = named::open(path)?;
    let facts = file.metadata()?;
    ensure!(facts.permissions().mode() & 0o111 != 0, "it may not be executed; allow it with: chmod +x");
    let (mut sum, mut block, mut start) = (Sha256::new(), vec![0; 1 << 20], Vec::new());
    loop {
        let read = file.read(&mut block)?;
        if read == 0 {
            break;
        }
        if start.is_empty() {
            start = block[..read.min(64)].to_vec();
        }
        sum.update(&block[..read]);
    }
    if start.starts_with(SCRIPT) {
        return Ok(HEXLOWER.encode(&sum.finalize()));
    }
    ensure!(start.starts_with(ELF), "it is no program: it does not begin as an ELF file of 64 bits does");
    let machine = start.get(MACHINE..MACHINE + 2).map_or(0, |bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
    let name = MACHINES.iter().find(|(number, _)| *number == machine).map_or("another architecture", |(_, name)| name);
    ensure!(name == std::env::consts::ARCH, "it is a program for {name}; this machine is {}", std::env::consts::ARCH);
    Ok(HEXLOWER.encode(&sum.finalize()))
}

/// What the binary says of itself, such as `v1.36.2`.
fn version(path: &Path) -> Result<String> {
    let run = Real.run(path.to_str().context("its path is no text")?, &["--version".to_owned()], b"", LIMIT)?;
    let (first, words) = (run.stdout.lines().next().unwrap_or_default(), run.stderr.lines().next().unwrap_or_default());
    match (run.ending, first.strip_prefix("Kubernetes v")) {
        (Ending::Exited(0), Some(version)) => Ok(format!("v{version}")),
        (Ending::TimedOut | Ending::TooSlow, _) => bail!("it did not say its version within {} s", LIMIT.as_secs()),
        (Ending::Interrupted, _) => bail!("interrupted"),
        _ => {
            let answer = if first.is_empty() { words } else { first };
            bail!("it is no kube-proxy: asked for --version, it answered {answer:?}")
        }
    }
}

/// Where `binary` is in this process's root file system: a guest has it at a place of its own.
pub(super) fn place(binary: &KubeProxy) -> PathBuf {
    let in_guest = in_guest(binary);
    if in_guest.is_file() { in_guest } else { PathBuf::from(&binary.path) }
}

/// Where guests have `binary`.
pub(crate) fn in_guest(binary: &KubeProxy) -> PathBuf {
    Path::new(IN_GUESTS).join(binary.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        format!("{:#}", read(text).unwrap_err())
    }

    #[test]
    fn what_is_no_kube_proxy_is_told_so_with_its_own_words() {
        assert!(said("/nowhere/kube-proxy").contains("/nowhere/kube-proxy cannot be read"));
        assert!(said("lab=/bin/true").contains("is what the lab's own driver is called"));
        assert!(said("A B=/bin/true").contains("is no name"));
        assert!(said("/etc/passwd").contains("may not be executed"), "{}", said("/etc/passwd"));
        assert!(said("/bin").contains("it is a folder"));
    }

    #[test]
    fn a_program_of_another_architecture_is_told_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kube-proxy");
        let mut bytes = vec![0; 64];
        bytes[..ELF.len()].copy_from_slice(ELF);
        bytes[MACHINE] = if cfg!(target_arch = "x86_64") { 183 } else { 62 };
        fs::write(&file, bytes).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(said(file.to_str().unwrap()).contains("it is a program for "));
    }
}
