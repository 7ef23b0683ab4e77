//! The job that a guest gets, and the messages it sends: one JSON text in, one line of JSON for each message out.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// Where the guest finds its job.
pub(crate) const PLACE: &str = "/job.json";

/// What a guest is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job<W> {
    /// The work itself, for the program that is the guest's init.
    pub work: W,
    /// Files of kernel modules in the guest, loaded in this order before the work begins.
    pub modules: Vec<String>,
    /// The source of all randomness in the guest.
    pub entropy: Vec<u8>,
}

/// A program in the guest, and how to start it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Its file, in the guest.
    pub file: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables besides `PATH`, by name and value.
    pub environment: Vec<(String, String)>,
}

/// Where a program wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// What a guest sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message<W> {
    /// The kernel has booted and the guest's init runs. [`Guest::next`](crate::Guest::next) keeps it.
    Up,
    /// The guest is up and its work begins.
    Ready,
    /// A message of the work itself.
    Work(W),
    /// A program wrote a line.
    Line {
        /// Where.
        stream: Stream,
        /// The line, without its end.
        text: String,
    },
    /// A program has ended.
    Exited {
        /// Its exit code; 128+n after signal n.
        code: u8,
        /// How long it ran, by the guest's clock.
        took: Duration,
    },
    /// The work is done.
    Done,
    /// Where functions of the kernel and its modules begin, in the form of `/proc/kallsyms`. Only a guest that is
    /// profiled sends it, after [`Done`](Self::Done).
    Symbols {
        /// The lines.
        text: String,
    },
    /// The guest cannot go on.
    Broken {
        /// Why.
        reason: String,
    },
}
