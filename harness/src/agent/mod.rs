//! The guest's init: mounts, loads modules, does what it was sent for, and reports it to the host.

mod kernel;
mod port;
mod program;

use crate::lab::labs::Labs;
use crate::process::clock;
use crate::run::event::{Event, Listener};
use crate::run::run;
use crate::tool::Real;
use crate::vm::errand::{Errand, News, PLACE, Task};
use crate::vm::profile::{Wanted, of_code};
use anyhow::{Context, Result};
pub(crate) use kernel::load as load_module;
use nix::sys::reboot::{RebootMode, reboot};
pub(crate) use port::NUMBER as PORT;
use port::Port;
use std::time::Duration;

/// The argument that makes this program a guest's init. Not a verb: nobody is meant to type it.
pub(crate) const WORD: &str = "agent";

/// Time for the trials' leftovers to go; where the clock counts instructions it takes none.
const AFTER_TRIALS: Duration = Duration::from_secs(1);

/// Whether this process is a guest's init. The kernel hands it words ahead of that one that it made nothing of itself.
pub(crate) fn is_asked_for() -> bool {
    std::process::id() == 1 && std::env::args().any(|argument| argument == WORD)
}

/// Runs the errand and powers the guest off. Never returns: the kernel panics when its init does.
pub(crate) fn main() -> ! {
    let mut port = Port::open();
    // The console is the host's to read when all else fails.
    let outcome = errand(&mut port);
    if let Err(error) = &outcome {
        eprintln!("svclab: agent: {error:#}");
        port.tell(&News::Broken { reason: format!("{error:#}") });
    }
    let _ = reboot(RebootMode::RB_POWER_OFF);
    loop {
        std::thread::park();
    }
}

fn errand(port: &mut Port) -> Result<()> {
    kernel::furnish()?;
    let text = std::fs::read_to_string(PLACE).with_context(|| format!("reading {PLACE}"))?;
    let errand: Errand = serde_json::from_str(&text).with_context(|| format!("reading {PLACE}"))?;
    kernel::stir(&errand.entropy).context("handing the kernel its entropy")?;
    errand.modules.iter().try_for_each(|module| kernel::load(module))?;
    clock::set(errand.clock);
    match &errand.task {
        Task::Visits { plan, visits, planting } => {
            let mut labs = Labs::new(plan, visits, planting, &Real);
            // The backends were tried out in namespaces that the kernel now takes down, in the background.
            std::thread::sleep(AFTER_TRIALS);
            port.tell(&News::Ready);
            run(plan, visits, &mut labs, &mut Reporter(port))?;
            port.tell(&News::Done);
            symbols(port)?;
        }
        Task::Program(program) => program::run(program, port)?,
    }
    Ok(())
}

/// Sends where functions begin, if the host wants to know.
fn symbols(port: &mut Port) -> Result<()> {
    let modules_only = match port.wanted() {
        Wanted::Nothing => return Ok(()),
        Wanted::Modules => true,
        Wanted::All => false,
    };
    let text = std::fs::read_to_string("/proc/kallsyms").context("reading /proc/kallsyms")?;
    port.tell(&News::Symbols { text: of_code(&text, modules_only) });
    Ok(())
}

/// Passes on what happens.
struct Reporter<'a>(&'a mut Port);

impl Listener for Reporter<'_> {
    fn hear(&mut self, event: Event<'_>) -> Result<()> {
        match event {
            Event::CellStarted(visit) => self.0.tell(&News::CellStarted(*visit)),
            Event::CellEnded { visit, records } => {
                self.0.tell(&News::CellEnded { visit: *visit, records: records.to_vec() });
            }
            Event::Accounted { visit, accounts } => {
                self.0.tell(&News::Accounted { visit: *visit, accounts: accounts.to_vec() });
            }
            Event::Started(_) | Event::Profiled(_) | Event::CellError => {}
        }
        Ok(())
    }
}
