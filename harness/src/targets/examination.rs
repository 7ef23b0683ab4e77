//! What works on the running kernel, found by trying it in a sandbox.
//!
//! A process that enters a sandbox starts the program again and exits with it. So a child process tries everything, and
//! its caller continues.

use crate::cell_error::{Missing, Obstacle};
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
    pub(crate) backends: BTreeMap<BackendName, Result<(), Obstacle>>,
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

    /// Checks that nothing is missing for `backends`. Returns what is broken of them: it would be anywhere.
    ///
    /// # Errors
    /// What the first one lacks that lacks something.
    pub(crate) fn allows(&self, backends: &[BackendName]) -> Result<Vec<String>, Missing> {
        let obstacles = backends.iter().filter_map(|name| self.backends.get(name)?.as_ref().err());
        let mut broken = Vec::new();
        for obstacle in obstacles {
            match obstacle {
                Obstacle::Missing(missing) => return Err(missing.clone()),
                Obstacle::Broken(why) => broken.push(why.clone()),
            }
        }
        Ok(broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_forbids_a_target_and_what_is_broken_is_told() {
        let missing = Missing { why: "no ip_vs".to_owned(), remedy: "load it".to_owned() };
        let broken = Obstacle::Broken("nft was killed by signal 9".to_owned());
        let backends = [
            (BackendName::Direct, Ok(())),
            (BackendName::Nftables, Err(broken)),
            (BackendName::Ipvs, Err(missing.clone().into())),
        ];
        let found = Examination { sandbox: Vec::new(), backends: backends.into(), probes: BTreeMap::new() };
        let told = Ok(vec!["nft was killed by signal 9".to_owned()]);
        assert_eq!(found.allows(&[BackendName::Direct, BackendName::Nftables]), told);
        assert_eq!(found.allows(&[BackendName::Nftables, BackendName::Ipvs]), Err(missing));
    }
}
