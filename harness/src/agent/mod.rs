//! svclab as a guest's init: makes the visits of its job and reports them to the host.

mod watchdog;

use crate::fleet::job::{Progress, Work};
use crate::fleet::patience;
use crate::process::clock;
use crate::run::event::{Event, Listener};
use crate::run::run;
use crate::self_test::fault;
use crate::tool::origin;
use anyhow::{Context, Result};
use guests::{Message, Port, init, tools};
use std::path::Path;
use std::time::Duration;
use watchdog::Watchdog;

/// Time for the kernel to clean up after the trials. A clock that counts instructions jumps over it.
const AFTER_TRIALS: Duration = Duration::from_secs(1);

/// If this process is a guest's init, does the guest's job and never returns.
pub(crate) fn serve() {
    if init::is_asked_for() {
        init::main(work);
    }
}

fn work(work: Work, port: &mut Port) -> Result<()> {
    if Path::new(tools::PLACE).is_dir() {
        origin::take_from(Path::new(tools::PLACE));
    }
    match &work {
        Work::Visits { plan, visits, faults, clock } => {
            clock::set(*clock);
            let mut labs = fault::labs(plan, visits, faults);
            // Each backend was tried in a namespace, which the kernel now removes in the background.
            std::thread::sleep(AFTER_TRIALS);
            port.tell(&Message::<Progress>::Ready);
            let watchdog = Watchdog::start(patience(plan.budget));
            run(plan, visits, &mut labs, &mut Reporter(port, watchdog))?;
        }
        Work::Program(program) => {
            netns_topology::raise_loopback().context("bringing lo up")?;
            program.run(port)?;
        }
    }
    Ok(())
}

/// Sends the run's events to the host.
struct Reporter<'a>(&'a mut Port, Watchdog);

impl Listener for Reporter<'_> {
    fn hear(&mut self, event: Event<'_>) -> Result<()> {
        self.1.hear();
        let progress = match event {
            Event::CellStarted(visit) => Progress::CellStarted(*visit),
            Event::CellEnded { visit, records, accounts } => {
                Progress::CellEnded { visit: *visit, records: records.to_vec(), accounts: accounts.to_vec() }
            }
            Event::Started(_) | Event::Profiled(_) | Event::Ended => return Ok(()),
        };
        self.0.tell(&Message::Work(progress));
        Ok(())
    }
}
