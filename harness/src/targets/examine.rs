//! The child process of an examination: tries everything in a sandbox.

use super::examination::Examination;
use super::host;
use crate::backend::BACKENDS;
use crate::driver;
use crate::probe::PROBES;
use crate::process::exit::{Exit, Failure};
use crate::tool::Real;
use anyhow::Context;
use std::process::ExitCode;

/// Tries everything, with these `tools`, and prints what it found, for the parent process.
pub(crate) fn examine(tools: Option<&str>) -> Result<ExitCode, Failure> {
    host::within(tools, &|| {
        let backend = |backend: &&'static dyn crate::backend::Backend| (backend.name(), driver::check(*backend, &Real));
        let found = Examination {
            sandbox: host::describe(),
            backends: BACKENDS.iter().map(backend).collect(),
            probes: PROBES.iter().map(|probe| (probe.name(), probe.check())).collect(),
        };
        println!("{}", serde_json::to_string(&found).context("writing what was found")?);
        Ok(Exit::Done.into())
    })
}
