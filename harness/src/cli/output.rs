//! Writing to standard output. A reader that has seen enough (`| head`) is no failure.

use anyhow::{Context, Result};
use std::io::{ErrorKind, Write, stdout};

/// Prints a line.
macro_rules! say {
    ($($arg:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stdout(), $($arg)*);
    }};
}
pub(super) use say;

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
