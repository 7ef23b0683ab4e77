//! Every type of Service in every backend and release, asked with traffic from a pod, the node and outside.
//!
//! Each trial programs a node in a sandbox of its own with a layout's full sync, by the real tools, and then checks all
//! of [`cases`], or that the [`walk`] of a packet agrees with the kernel. With `SVCLAB_NO_SANDBOX` set it runs where it is: as the only program of a guest, which may have the
//! modules that the host lacks.

mod cases;
mod lab;
mod services;
#[path = "../../../ci/tier.rs"]
mod tier;
mod tool;
mod walk;
mod wire;

use anyhow::{Context, Result, ensure};
use lab::Lab;
use lab_core::vocabulary::{BackendName, LayoutName, Word};
use libtest_mimic::{Arguments, Failed};
use netns_topology::{Ended, Side, enter};
use std::env;
use std::process::{Command, ExitCode};
use tier::{Requirement, Tier};

/// In the environment: the backend and layout of the trial that this process is.
const TRIAL: &str = "SVCLAB_TRAFFIC_TRIAL";
/// What a trial's name begins with that checks the walk.
const WALK: &str = "walk ";
/// In the environment: the namespaces are made without a sandbox around them.
const NO_SANDBOX: &str = "SVCLAB_NO_SANDBOX";

fn main() -> ExitCode {
    if let Ok(trial) = env::var(TRIAL) {
        return run(&trial).unwrap_or_else(|error| {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        });
    }
    let tier = Tier::look(&[
        Requirement { name: "netns", check: || netns_topology::check().map(drop).map_err(|error| error.to_string()) },
        Requirement { name: "iptables", check: || takes(BackendName::IptablesLegacy) },
        Requirement { name: "nftables", check: || takes(BackendName::Nftables) },
        Requirement { name: "ipvs", check: || takes(BackendName::Ipvs) },
    ]);
    let mut trials = Vec::new();
    for &backend in BackendName::ALL {
        let needs: &[&str] = match backend {
            BackendName::Direct => continue,
            BackendName::IptablesLegacy | BackendName::IptablesNft => &["netns", "iptables"],
            BackendName::Nftables => &["netns", "nftables"],
            BackendName::Ipvs => &["netns", "ipvs"],
        };
        for &layout in LayoutName::of(backend) {
            for checks in ["", WALK] {
                let name = format!("{checks}{backend} {layout}");
                let of = name.clone();
                trials.push(tier.trial(&name, needs, move || child(&of).map_err(|e| Failed::from(format!("{e:#}")))));
            }
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Whether this kernel takes a node without Services.
fn takes(backend: BackendName) -> Result<(), String> {
    child(&format!("{backend}")).map_err(|error| format!("{error:#}"))
}

/// Runs `trial` in a process of its own.
fn child(trial: &str) -> Result<()> {
    let this = env::current_exe().context("the test binary has a path")?;
    let output = Command::new(this).env(TRIAL, trial).output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{}", said.trim());
    Ok(())
}

fn run(trial: &str) -> Result<ExitCode> {
    if env::var_os(NO_SANDBOX).is_none()
        && let Side::Outside(Ended { code, .. }) = enter()?
    {
        return Ok(code.into());
    }
    let of = trial.strip_prefix(WALK).unwrap_or(trial);
    let (backend, layout) = match of.split_once(' ') {
        Some((backend, layout)) => (BackendName::find(backend)?, Some(LayoutName::find(layout)?)),
        None => (BackendName::find(of)?, None),
    };
    let Some(layout) = layout else {
        Lab::empty(backend)?;
        return Ok(ExitCode::SUCCESS);
    };
    let lab = Lab::build(backend, layout)?;
    let found = if of == trial { cases::check(&lab) } else { walk::check(&lab)? };
    ensure!(found.is_empty(), "{} things are wrong with {trial}:\n{}", found.len(), found.join("\n"));
    Ok(ExitCode::SUCCESS)
}
