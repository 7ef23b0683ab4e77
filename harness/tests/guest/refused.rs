//! What cannot be used is refused or skipped with a reason: kernels, modules, memory, an emulator.

use super::{SUITE, SVCLAB, TWO, dataset, ended, scenario, workplace};
use anyhow::{Context, Result, ensure};
use lab_core::vocabulary::{BackendName, Outcome};
use std::env;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The error of a run with `options` that cannot start.
fn refused(options: &[&str]) -> Result<String> {
    let folder = workplace(TWO)?;
    let said = ended(&scenario(folder.path(), "out", options).output()?, 3)?;
    ensure!(!folder.path().join("out").exists(), "something was written");
    Ok(said)
}

pub(super) fn a_kernel_that_is_none_is_refused() -> Result<()> {
    let folder = workplace(TWO)?;
    let with = |kernel: &str| {
        let mut command = Command::new(SVCLAB);
        command.current_dir(folder.path()).args(["scenario", "guest.yaml", "--kernel", kernel]);
        ended(&command.output()?, 2)
    };
    let said = with("nonsense")?;
    ensure!(said.starts_with("svclab: unknown kernel \"nonsense\"; known: debian-12"), "{said}");
    ensure!(said.trim_end().ends_with("or name one by its files: VMLINUZ:MODULES_DIR"), "{said}");
    let said = with("/etc/passwd:/tmp")?;
    ensure!(said.starts_with("svclab: kernel \"/etc/passwd:/tmp\": /etc/passwd is no kernel"), "{said}");
    ensure!(said.contains("; name a bzImage and the folder of its modules: "), "{said}");
    Ok(())
}

pub(super) fn more_memory_than_the_machine_has_is_refused() -> Result<()> {
    let said = refused(&["--memory", "1048576"])?;
    ensure!(said.contains("a guest has 1048576 MiB of memory, and this machine has "), "{said}");
    ensure!(said.contains("take smaller guests with --memory"), "{said}");
    Ok(())
}

/// The kernel in this user's cache.
pub(super) fn cached() -> Result<PathBuf> {
    let caches = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = caches.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")));
    Ok(caches.context("no HOME")?.join("svclab/kernels").join(SUITE))
}

/// The folder of that kernel's modules.
pub(super) fn release() -> Result<PathBuf> {
    Ok(fs::read_dir(cached()?.join("lib/modules"))?.next().context("no modules")??.path())
}

/// Copies `names` of `from`, with what is in them, to `to`.
fn copy(from: &Path, names: &[&str], to: &Path) -> Result<()> {
    for name in names {
        let place = to.join(name);
        fs::create_dir_all(place.parent().context("a file is in a folder")?)?;
        let copied = Command::new("cp").arg("--recursive").arg(from.join(name)).arg(&place).status()?;
        ensure!(copied.success(), "copying {name}");
    }
    Ok(())
}

pub(super) fn a_damaged_kernel_is_refused() -> Result<()> {
    let caches = tempfile::tempdir()?;
    let place = caches.path().join("svclab/kernels").join(SUITE);
    copy(&cached()?, &["kernel.json", "vmlinuz"], &place)?;
    let mut image = File::options().write(true).open(place.join("vmlinuz"))?;
    image.seek(SeekFrom::Start(1 << 20))?;
    image.write_all(b"flipped")?;
    let folder = workplace(TWO)?;
    let output = scenario(folder.path(), "out", &[]).env("XDG_CACHE_HOME", caches.path()).output()?;
    let said = ended(&output, 3)?;
    let what = format!("svclab: {} is not what was fetched: vmlinuz has the SHA-256 ", place.display());
    ensure!(said.starts_with(&what), "{said}");
    ensure!(said.trim_end().ends_with("; fetch it again: svclab fetch kernel debian-12 --again"), "{said}");
    Ok(())
}

pub(super) fn a_module_that_is_missing_skips_what_needs_it() -> Result<()> {
    let folder = workplace(&TWO.replace("[4, 5]", "[4]").replace("[direct]", "[direct, ipvs]"))?;
    let release = release()?;
    let modules = folder.path().join("modules");
    let needed = ["kernel/net", "kernel/lib", "kernel/crypto", "kernel/arch/x86/crypto", "kernel/drivers/net/veth.ko"];
    let also = ["kernel/drivers/net/dummy.ko", "modules.builtin", "modules.builtin.modinfo"];
    copy(&release, &[&needed[..], &also].concat(), &modules)?;
    fs::remove_file(modules.join("kernel/net/netfilter/ipvs/ip_vs.ko"))?;
    let kernel = format!("{}:{}", cached()?.join("vmlinuz").display(), modules.display());
    let run = |out: &str, options: &[&str]| {
        let mut command = Command::new(SVCLAB);
        command.current_dir(folder.path()).args(["scenario", "guest.yaml", "--out", out, "--kernel", &kernel]);
        command.args(options).output()
    };
    ended(&run("out", &[])?, 0)?;
    for cell in dataset(folder.path(), "out")?.cells {
        if cell.cell.variant.backend == BackendName::Ipvs {
            ensure!(cell.outcome == Outcome::Skipped, "{cell:?}");
            ensure!(cell.reason.contains(" has no module ip_vs; name another with --kernel "), "{}", cell.reason);
        } else {
            ensure!(cell.outcome == Outcome::Measured, "{cell:?}");
        }
    }
    let output = run("none", &["--backend", "ipvs"])?;
    ended(&output, 3)?;
    Ok(())
}

/// `script` with svclab and its arguments as `"$@"`, in namespaces of its own.
fn sandboxed(folder: &Path, namespaces: &str, script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.current_dir(folder).args(["--map-root-user", namespaces, "sh", "-c", script, "sh", SVCLAB]);
    command.args(["scenario", "guest.yaml", "--out", "out", "--kernel", SUITE]);
    command
}

pub(super) fn a_kernel_that_cannot_be_fetched_is_named() -> Result<()> {
    let folder = workplace(TWO)?;
    let mut command = sandboxed(folder.path(), "--net", "exec \"$@\"");
    let said = ended(&command.env("XDG_CACHE_HOME", folder.path().join("cache")).output()?, 3)?;
    let last = said.lines().last().unwrap_or_default();
    ensure!(last.starts_with("svclab: ") && last.contains("VMLINUZ:MODULES_DIR"), "{said}");
    ensure!(!folder.path().join("out").exists(), "something was written");
    Ok(())
}

pub(super) fn an_emulator_that_is_missing_is_named() -> Result<()> {
    let folder = workplace(TWO)?;
    let hide = "PATH=$PATH:/usr/sbin:/sbin; mount --bind /dev/null \"$(command -v qemu-system-x86_64)\" && exec \"$@\"";
    let said = ended(&sandboxed(folder.path(), "--mount", hide).output()?, 3)?;
    let expected =
        "svclab: qemu-system-x86_64 is not installed; install it with ci/setup (the package qemu-system-x86)";
    ensure!(said.trim_end() == expected, "{said}");
    Ok(())
}
