//! What works on the running kernel, found by trying it in a sandbox.
//!
//! A process that enters a sandbox starts the program again and exits with it. So a child process tries everything, and
//! its caller continues.

use crate::cell_error::Missing;
use anyhow::{Context, Result, ensure};
use lab_core::vocabulary::{BackendName, ProbeName};
use netns_topology::sandbox::{self, Forbidden};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::process::{Command, Stdio};

/// The verb of the child process. It is not for users.
pub(crate) const VERB: &str = "examine";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Examination {
    /// About the sandbox: what is as it should be, and what is limited.
    pub(crate) sandbox: Vec<Result<String, Missing>>,
    pub(crate) backends: BTreeMap<BackendName, Result<(), Missing>>,
    pub(crate) probes: BTreeMap<ProbeName, Result<(), Missing>>,
}

impl Examination {
    /// Starts the child process, which tries every backend, with these `tools`, and every probe.
    ///
    /// # Errors
    /// When a sandbox is not possible here.
    pub(crate) fn make(tools: Option<&str>) -> Result<Self, Missing> {
        let missing = |forbidden: Forbidden| Missing { why: forbidden.why(), remedy: forbidden.remedy() };
        sandbox::check().map_err(missing)?;
        Self::ask(tools).map_err(|error| Missing {
            why: format!("this kernel could not be examined: {error:#}"),
            remedy: format!("see the error with: svclab {VERB}"),
        })
    }

    fn ask(tools: Option<&str>) -> Result<Self> {
        let mut command = Command::new("/proc/self/exe");
        command.arg(VERB).args(tools.map(|tools| format!("--tools={tools}"))).stdin(Stdio::null());
        let output = command.output();
        let output = output.context("starting this program again")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {}", output.status, said.trim());
        serde_json::from_slice(&output.stdout).context("reading what it found")
    }

    /// Checks that all of `backends` run.
    ///
    /// # Errors
    /// What the first one lacks that does not.
    pub(crate) fn allows(&self, backends: &[BackendName]) -> Result<(), Missing> {
        let missing = backends.iter().find_map(|name| self.backends.get(name)?.as_ref().err());
        missing.map_or(Ok(()), |missing| Err(missing.clone()))
    }
}
