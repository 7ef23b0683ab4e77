//! Exit codes. They are an interface: scripts and CI branch on them.

use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything was done.
    Done = 0,
    /// A check found something: a document out of date (`splice --check`), a run that is worse (`gate`, `drift`), a
    /// cluster that a release cannot do (`check`), packets that meet something else (`explain --diff`).
    Differs = 1,
    /// The command line, a scenario, a recorded run or the output folder cannot be used.
    Usage = 2,
    /// Nothing can run here.
    CannotRun = 3,
    /// Some cells failed, the run broke off, or a required backend was skipped; the rest is in the dataset.
    SomeFailed = 4,
    /// Two runs cannot be compared: they differ in something that is not allowed, or nothing of them gates.
    NotComparable = 5,
    /// Ctrl-C or a signal to the same effect.
    Interrupted = 130,
}

/// What `--help` says of exit codes.
pub(crate) const HELP: &str = "Exit codes:
  0    done
  1    the gate fails (gate), something has drifted (drift), a document is out of date
       (splice --check), a release cannot do or will do badly something of a cluster (check),
       packets meet something else (explain --diff)
  2    the command line, a scenario, a policy, a run, a baseline or the output folder cannot be used
  3    nothing can run here
  4    some cells failed, the run broke off, or a backend that --require names was skipped; the rest
       is in the dataset
  5    the runs cannot be compared (compare, gate), or have nothing that gates (gate)
  130  interrupted; the dataset so far is valid and reported";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error with its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) error: anyhow::Error,
}

impl Failure {
    /// The user's input cannot be used.
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Usage, error: error.into() }
    }

    /// The runs cannot be compared.
    pub(crate) fn not_comparable(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::NotComparable, error: error.into() }
    }

    /// This machine cannot do it.
    pub(crate) fn cannot_run(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::CannotRun, error: error.into() }
    }
}

/// Any other error broke off the run.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { exit: Exit::SomeFailed, error }
    }
}
