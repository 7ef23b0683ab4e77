//! A guest for a single program, such as a test that needs another kernel than this machine's.

use super::errand::{News, Program, Stream};
use super::fleet::{AROUND, Fleet};
use super::guest::Silence;
use super::qemu::Engine;
use crate::cell_error::Missing;
use crate::process::exit::Failure;
use crate::targets::Guests;
use anyhow::anyhow;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

/// Runs `program` in a guest with `memory` MiB, passes on what it writes, and gives its exit code.
///
/// The guest is emulated, on a wall clock: that works everywhere, and nothing is measured.
pub(crate) fn run(guests: &Guests, memory: u32, program: Program) -> Result<ExitCode, Failure> {
    let refused = |missing: Missing| Failure::cannot_run(missing);
    let fleet = Fleet::ready(guests, Engine::Emulated, memory).map_err(refused)?;
    let guest = fleet.start_alone(program, memory)?;
    loop {
        match guest.next(AROUND, &AtomicBool::new(false)) {
            Ok(News::Said { stream: Stream::Output, line }) => println!("{line}"),
            Ok(News::Said { stream: Stream::Error, line }) => eprintln!("{line}"),
            Ok(News::Exited { code }) => return Ok(code.into()),
            Ok(News::Ready | News::CellStarted(_) | News::CellEnded { .. } | News::Accounted { .. } | News::Done) => {}
            // No guest sends them that is not watched.
            Ok(News::Symbols { .. }) => {}
            Ok(News::Broken { reason }) | Err(Silence::Lost(reason)) => return Err(anyhow!(reason).into()),
            Err(Silence::Interrupted) => return Ok(crate::process::exit::Exit::Interrupted.into()),
        }
    }
}
