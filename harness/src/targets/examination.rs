//! What the running kernel can do, found out by trying, in a sandbox that vanishes at once.
//!
//! Whoever enters a sandbox starts the program again and ends with it. The trial is a process of its own, then, so
//! that its caller can go on.

use crate::cell_error::Missing;
use anyhow::{Context, Result, ensure};
use lab_core::vocabulary::{BackendName, ProbeName};
use netns_topology::sandbox::{self, Forbidden};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::process::{Command, Stdio};

/// The verb of the process that tries. Nobody is meant to type it.
pub(crate) const VERB: &str = "examine";

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Examination {
    /// What the sandbox is: a line each of what is as it should be, and of what limits it.
    pub(crate) sandbox: Vec<Result<String, Missing>>,
    pub(crate) backends: BTreeMap<BackendName, Result<(), Missing>>,
    pub(crate) probes: BTreeMap<ProbeName, Result<(), Missing>>,
}

impl Examination {
    /// Has a process try every backend and every probe.
    ///
    /// # Errors
    /// When there can be no sandbox here.
    pub(crate) fn make() -> Result<Self, Missing> {
        let missing = |forbidden: Forbidden| Missing { why: forbidden.why(), remedy: forbidden.remedy() };
        sandbox::check().map_err(missing)?;
        Self::ask().map_err(|error| Missing {
            why: format!("this kernel could not be examined: {error:#}"),
            remedy: format!("see what it says: svclab {VERB}"),
        })
    }

    fn ask() -> Result<Self> {
        let output = Command::new("/proc/self/exe").arg(VERB).stdin(Stdio::null()).output();
        let output = output.context("starting this program again")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {}", output.status, said.trim());
        serde_json::from_slice(&output.stdout).context("reading what it found")
    }

    /// Whether all of `backends` run.
    ///
    /// # Errors
    /// What the first of them lacks that does not.
    pub(crate) fn allows(&self, backends: &[BackendName]) -> Result<(), Missing> {
        let missing = backends.iter().find_map(|name| self.backends.get(name)?.as_ref().err());
        missing.map_or(Ok(()), |missing| Err(missing.clone()))
    }
}
