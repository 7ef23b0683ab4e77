//! Writing to standard output. A reader that has seen enough (`| head`) is no failure.

use crate::process::exit::Failure;
use anyhow::{Context, Result};
use std::fs;
use std::io::{ErrorKind, Write, stdout};
use std::path::Path;

/// Prints a line.
macro_rules! say {
    ($($arg:tt)*) => { $crate::process::standard::say(format_args!("{}\n", format_args!($($arg)*))) };
}
pub(super) use say;

/// Writes `text` to the file `out`, or to standard output.
///
/// # Errors
/// When it cannot be written.
pub(super) fn hand_over(text: &str, out: Option<&Path>) -> Result<(), Failure> {
    let Some(out) = out else { return Ok(print(text.as_bytes())?) };
    let written = fs::write(out, text).with_context(|| format!("--out {} cannot be written", out.display()));
    written.map_err(Failure::usage)
}

/// Writes `bytes`.
///
/// # Errors
/// When standard output cannot be written, and not because its reader has left.
pub(super) fn print(bytes: &[u8]) -> Result<()> {
    let mut out = stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("writing to standard output"),
        _ => Ok(()),
    }
}
