//! The tools of a suite in a guest: they are what runs there, and what the header names.

use super::{SUITE, SVCLAB, dataset, ended, scenario, workplace};
use anyhow::{Context, Result, ensure};
use lab_core::vocabulary::Outcome;
use std::process::Command;

/// Fetched once, then in this user's cache. This machine's own are Debian 12's.
const TOOLS: &str = "debian-13";

/// One cell that calls nft, and one that calls iptables-restore with its extensions.
const SMALL: &str = "\
name: guest
question: Whose tools?
target: exact
services: [4]
backends: [iptables-legacy, nftables]
probes: [sync_change]
";

pub(super) fn a_suite_s_tools_are_what_runs() -> Result<()> {
    ended(&Command::new(SVCLAB).args(["fetch", "tools", TOOLS]).output()?, 0)?;
    let folder = workplace(SMALL)?;
    ended(&scenario(folder.path(), "out", &["--tools", TOOLS]).output()?, 0)?;
    let run = dataset(folder.path(), "out")?;
    ensure!(run.cells.iter().all(|cell| cell.outcome == Outcome::Measured), "{:?}", run.cells);
    let told = run.header.tools;
    let of = |name: &str| told.get(name).map(String::as_str).with_context(|| format!("no {name} in {told:?}"));
    ensure!(of("tools_name")? == TOOLS && of("tools_sha256")?.len() == 64, "{told:?}");
    ensure!(of("tools_packages")?.contains("nftables 1.1.3"), "{told:?}");

    let mut guest = Command::new(SVCLAB);
    guest.args(["guest", "--kernel", SUITE, "--tools", TOOLS, "--program", "/usr/sbin/chroot", "--", "/tools"]);
    let output = guest.args(["/usr/sbin/nft", "--version"]).output()?;
    ended(&output, 0)?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(said.starts_with("nftables v1.1.3") && said.trim() == of("nft")?, "{said}, {told:?}");
    Ok(())
}
