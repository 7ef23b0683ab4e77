//! A device without room for what a tool writes.

use super::{QUICK, SVCLAB, dataset, workplace};
use anyhow::{Context, Result, ensure};
use lab_core::vocabulary::Outcome;
use std::fs;
use std::process::Command;

/// iperf3 keeps what it sends in a temporary file, and dies without a report where there is no room for it.
pub(super) fn a_full_folder_for_temporary_files_is_named() -> Result<()> {
    let folder = workplace(
        &(QUICK.replace("direct, iptables-legacy, iptables-nft, nftables", "direct") + "probes: [bandwidth]\n"),
    )?;
    let full = folder.path().join("full");
    fs::create_dir(&full)?;
    let script = format!(
        "mount -t tmpfs -o size=64k tmpfs {0}; cat /dev/zero > {0}/fill 2>&-; TMPDIR={0} exec {SVCLAB} scenario quick.yaml --out out",
        full.display()
    );
    let output = Command::new("unshare").args(["-rm", "sh", "-c", &script]).current_dir(folder.path()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(4), "{}: {said}", output.status);
    let dataset = dataset(folder.path())?;
    let record = dataset.cells.first().context("no record")?;
    let expected = format!("the device of {}, where it keeps what it sends, is full", full.display());
    ensure!(record.outcome == Outcome::Failed && record.reason.ends_with(&expected), "{record:?}");
    Ok(())
}
