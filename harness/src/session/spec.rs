//! What to run.

use crate::run::parts;
use crate::run::progress::Talk;
use anyhow::Result;
use lab_core::cell::{Cell, Interned};
use lab_core::plan::Plan;
use lab_core::scenario::Scenario;
use lab_core::shard::{Part, Shard};
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
    /// Whether what that folder has of the same run is kept, and not run again.
    pub(crate) resume: bool,
    /// What the plan's cells are of, if they are a part of another plan.
    pub(crate) shard: Option<Sharded>,
    /// How much it tells of itself.
    pub(crate) talk: Talk,
    /// Leave the namespaces up afterwards.
    pub(crate) keep: bool,
    /// Kernel and tools, and how to start guests, if there are any.
    pub(crate) guests: Guests,
}

/// A part of a plan.
#[derive(Debug, Clone)]
pub(crate) struct Sharded {
    pub(crate) part: Part,
    /// The cells of the whole plan.
    pub(crate) whole: Vec<Cell>,
}

impl Sharded {
    /// Leaves in `plan` only the cells of `shard`.
    ///
    /// # Errors
    /// When there are more shards than help.
    pub(crate) fn take(plan: &mut Plan, shard: Shard) -> Result<Self> {
        let part = parts::of(plan, shard)?;
        let own = part.cells.iter().map(|&place| plan.cells[place]).collect();
        Ok(Self { part, whole: std::mem::replace(&mut plan.cells, own) })
    }
}

/// What a node is made of, and how to start guests, for targets that have some.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guests {
    /// The kernel's name; `None` for the default, or where several are compared.
    pub(crate) kernel: Option<String>,
    /// The kernels that are compared, by name; empty where there is one only.
    pub(crate) kernels: Vec<Interned>,
    /// The tools that program a node: a suite's name or a root file system's folder; `None` for this machine's.
    pub(crate) tools: Option<String>,
    /// How many at a time; `None` for one per core.
    pub(crate) jobs: Option<u32>,
    /// Whether to count instructions by function.
    pub(crate) profiling: Profiling,
}

impl Guests {
    /// The kernels of all guests: those that are compared, each with its name, or the only one.
    pub(crate) fn kernels(&self) -> Vec<(Option<Interned>, Option<&str>)> {
        match self.kernels.as_slice() {
            [] => vec![(None, self.kernel.as_deref())],
            several => several.iter().map(|kernel| (Some(*kernel), Some(kernel.as_str()))).collect(),
        }
    }

    /// The first of them, for what asks nothing of a kernel.
    pub(crate) fn first_kernel(&self) -> Option<&str> {
        self.kernels.first().map(|kernel| kernel.as_str()).or(self.kernel.as_deref())
    }
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
