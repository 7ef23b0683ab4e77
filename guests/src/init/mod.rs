//! The guest's first process, for the program that is `/init` there: mounts, entropy, modules, then the job.

mod kernel;
mod program;

pub use kernel::load as load_module;

use crate::message::{Job, Message, PLACE};
use crate::port::{Port, Wanted};
use crate::profile::of_code;
use anyhow::{Context, Result};
use nix::sys::reboot::{RebootMode, reboot};
use serde::de::DeserializeOwned;

/// The argument that tells a program to be a guest's init. The kernel passes it; it is no verb for users.
const WORD: &str = "agent";

/// Whether this process is a guest's init. Parameters that the kernel does not know come before the word.
pub fn is_asked_for() -> bool {
    std::process::id() == 1 && std::env::args_os().any(|argument| argument == WORD)
}

/// Does the guest's job with `work`, and powers the guest off. Never returns: the kernel panics when its init does.
pub fn main<W: DeserializeOwned>(work: impl FnOnce(W, &mut Port) -> Result<()>) -> ! {
    let mut port = Port::open();
    port.tell(&Message::<()>::Up);
    if let Err(error) = job(work, &mut port) {
        // The host reads the console if the message is lost.
        eprintln!("init: {error:#}");
        port.tell(&Message::<()>::Broken { reason: format!("{error:#}") });
    }
    power_off()
}

/// Ends the guest at once, also while its main thread is busy. The host finds `reason` on the console.
pub fn give_up(reason: &str) -> ! {
    eprintln!("init: {reason}");
    power_off()
}

fn power_off() -> ! {
    let _ = reboot(RebootMode::RB_POWER_OFF);
    loop {
        std::thread::park();
    }
}

fn job<W: DeserializeOwned>(work: impl FnOnce(W, &mut Port) -> Result<()>, port: &mut Port) -> Result<()> {
    kernel::furnish()?;
    let text = std::fs::read_to_string(PLACE).with_context(|| format!("reading {PLACE}"))?;
    let job: Job<W> = serde_json::from_str(&text).with_context(|| format!("reading {PLACE}"))?;
    kernel::stir(&job.entropy).context("handing the kernel its entropy")?;
    job.modules.iter().try_for_each(|module| kernel::load(module))?;
    work(job.work, port)?;
    port.tell(&Message::<()>::Done);
    symbols(port)
}

/// Sends where functions begin, if the host wants it.
fn symbols(port: &mut Port) -> Result<()> {
    let modules_only = match port.wanted() {
        Wanted::Nothing => return Ok(()),
        Wanted::Modules => true,
        Wanted::All => false,
    };
    let text = std::fs::read_to_string("/proc/kallsyms").context("reading /proc/kallsyms")?;
    port.tell(&Message::<()>::Symbols { text: of_code(&text, modules_only) });
    Ok(())
}
