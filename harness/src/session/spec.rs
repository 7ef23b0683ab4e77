//! What a run is asked for.

use lab_core::plan::Plan;
use lab_core::scenario::Scenario;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a run is asked for.
#[derive(Debug, Clone)]
pub(crate) struct RunSpec {
    pub(crate) scenario: Scenario,
    pub(crate) plan: Plan,
    /// The command line that it is asked for by.
    pub(crate) command: Vec<String>,
    /// Where its folder goes; `None` for `runs/<id>`.
    pub(crate) out: Option<PathBuf>,
    /// Leave the namespaces up afterwards.
    pub(crate) keep: bool,
    /// How guests are started, where there are any.
    pub(crate) guests: Guests,
}

/// How guests are started, for targets that have some.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guests {
    /// The kernel, as it was asked for; `None` for the default.
    pub(crate) kernel: Option<String>,
    /// How many at a time; `None` for one a core.
    pub(crate) jobs: Option<u32>,
    /// Whether what they execute is counted by function.
    pub(crate) profiling: Profiling,
}

/// Whether what guests execute is counted by function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Profiling {
    /// It is not.
    #[default]
    Off,
    /// It is, for every sample.
    On,
}
