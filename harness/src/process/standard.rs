//! Standard output and standard error, as they may be: full, closed, or read by somebody who has left.
//!
//! A run goes on whatever becomes of them. What was lost of standard output is said at the end.

use super::exit::Exit;
use lab_core::foreign::shown_lines;
use std::fmt::Arguments;
use std::io::{Error, ErrorKind, Write, stderr, stdout};
use std::process::ExitCode;
use std::sync::Mutex;

/// Why standard output could not be written, if it could not.
static LOST: Mutex<Option<String>> = Mutex::new(None);

/// Writes to standard error. Whatever the text says of others is shown as text.
pub(crate) fn tell(text: Arguments<'_>) {
    let _ = stderr().write_all(shown_lines(&text.to_string()).as_bytes());
}

/// Writes to standard output. A reader that has seen enough (`| head`) is no failure.
pub(crate) fn say(text: Arguments<'_>) {
    if let Err(error) = stdout().write_all(shown_lines(&text.to_string()).as_bytes()) {
        lose(&error);
    }
}

fn lose(error: &Error) {
    if error.kind() != ErrorKind::BrokenPipe {
        let mut lost = LOST.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        lost.get_or_insert_with(|| error.to_string());
    }
}

/// `code`; if all was done and standard output could not be written, the code that says so.
pub(crate) fn complete(code: ExitCode) -> ExitCode {
    if let Err(error) = stdout().flush() {
        lose(&error);
    }
    let lost = LOST.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match &*lost {
        Some(why) => {
            tell!("svclab: writing to standard output: {why}; what was printed is not whole");
            if code == ExitCode::SUCCESS { Exit::SomeFailed.into() } else { code }
        }
        None => code,
    }
}

/// The command line, as far as it is text.
pub(crate) fn arguments() -> Vec<String> {
    std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect()
}
