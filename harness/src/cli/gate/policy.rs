//! The policy that holds: the file's or the built-in one, and what the command line allows.

use crate::cli::handed;
use crate::process::exit::Failure;
use analysis::gate::{Aspect, Policy};
use anyhow::{Context, anyhow};
use std::path::Path;

/// The policy of `file`, or the built-in one, with `allow` added.
///
/// # Errors
/// If the file cannot be read or is no policy: every problem with its line.
pub(crate) fn in_force(file: Option<&Path>, allow: &[Aspect]) -> Result<Policy, Failure> {
    if allow.contains(&Aspect::Clock) {
        let never = anyhow!("--allow clock: times and instructions cannot be compared, whatever is allowed");
        return Err(Failure::usage(never));
    }
    let mut policy = match file {
        Some(file) => {
            let name = file.display().to_string();
            let text = handed::text(file).with_context(|| format!("reading the policy {name}"));
            Policy::read(&name, &text.map_err(Failure::usage)?).map_err(Failure::usage)?
        }
        None => Policy::default(),
    };
    policy.allow.extend(allow);
    Ok(policy)
}
