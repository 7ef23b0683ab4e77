//! What to run.

use lab_core::plan::Plan;
use lab_core::scenario::Scenario;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

#[derive(Debug, Clone)]
pub(crate) struct RunSpec {
    pub(crate) scenario: Scenario,
    pub(crate) plan: Plan,
    /// The user's command line.
    pub(crate) command: Vec<String>,
    /// Where its folder goes; `None` for `runs/<id>`.
    pub(crate) out: Option<PathBuf>,
    /// Leave the namespaces up afterwards.
    pub(crate) keep: bool,
    /// Kernel and tools, and how to start guests, if there are any.
    pub(crate) guests: Guests,
}

/// What a node is made of, and how to start guests, for targets that have some.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guests {
    /// The kernel's name; `None` for the default.
    pub(crate) kernel: Option<String>,
    /// The tools that program a node: a suite's name or a root file system's folder; `None` for this machine's.
    pub(crate) tools: Option<String>,
    /// How many at a time; `None` for one per core.
    pub(crate) jobs: Option<u32>,
    /// Whether to count instructions by function.
    pub(crate) profiling: Profiling,
}

/// Whether to count guests' instructions by function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Profiling {
    /// No.
    #[default]
    Off,
    /// Yes, for every sample.
    On,
}
