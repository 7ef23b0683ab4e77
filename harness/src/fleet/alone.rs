//! Runs a single program in a guest, such as a test that needs another kernel than this machine's.

use super::{AROUND, Fleet};
use crate::process::exit::{Exit, Failure};
use crate::process::interrupt;
use crate::session::spec::Guests;
use anyhow::anyhow;
use guests::{Engine, Message, Program, Silence, Stream};
use std::process::ExitCode;

/// Runs `program` in a guest with `memory` MiB, prints what it writes, and returns its exit code.
///
/// The guest is emulated and shows real time. That works everywhere, and nothing is measured.
pub(crate) fn run(guests: &Guests, memory: u32, program: Program) -> Result<ExitCode, Failure> {
    let fleet = Fleet::ready(guests, Engine::Emulated, memory, &[]).map_err(Failure::cannot_run)?;
    let mut guest = fleet.start_alone(program, memory)?;
    loop {
        match guest.next(AROUND, &interrupt::requested) {
            Ok(Message::Line { stream: Stream::Output, text }) => println!("{text}"),
            Ok(Message::Line { stream: Stream::Error, text }) => tell!("{text}"),
            Ok(Message::Exited { code, .. }) => return Ok(code.into()),
            Ok(Message::Up | Message::Ready | Message::Work(_) | Message::Done | Message::Symbols { .. }) => {}
            Ok(Message::Broken { reason }) | Err(Silence::Lost(reason) | Silence::NotUp(reason)) => {
                return Err(anyhow!(reason).into());
            }
            Err(Silence::Stopped) => return Ok(Exit::Interrupted.into()),
        }
    }
}
