//! Writing to standard output. A reader that has seen enough (`| head`) is no failure.

use crate::process::exit::Failure;
use anyhow::{Context, Result};
use lab_core::foreign::shown_in_json;
use std::fs;
use std::io::{ErrorKind, Write, stdout};
use std::path::Path;

/// Prints a line.
macro_rules! say {
    ($($arg:tt)*) => { $crate::process::standard::say(format_args!("{}\n", format_args!($($arg)*))) };
}
pub(super) use say;

/// How a listing is written.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Form {
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For reading in a terminal
    Text,
    /// For other programs
    Json,
}

impl Form {
    pub(super) fn is_json(self) -> bool {
        self.format == Format::Json
    }
}

/// Writes `value` as JSON for other programs: see reports/FORMATS.md.
///
/// # Errors
/// When it cannot be written.
pub(super) fn print_json(value: &serde_json::Value) -> Result<()> {
    print(shown_in_json(&format!("{value:#}\n")).as_bytes())
}

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
