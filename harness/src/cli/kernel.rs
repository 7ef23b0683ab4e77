//! `svclab kernel`: the kernels that guests can boot.

use super::output::say;
use crate::cell_error::Missing;
use crate::process::exit::{Exit, Failure};
use crate::process::interrupt;
use anyhow::anyhow;
use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use guests::kernel::{self, Again, Kernel, Suite};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Download a suite's stock kernel into your cache, and check it. Needs no privileges
    Fetch {
        /// The suite
        #[arg(value_parser = suite())]
        suite: Suite,
        /// Replace a kernel that was fetched before, because it is damaged or the suite has a newer one
        #[arg(long)]
        again: bool,
    },
    /// List the fetched kernels and those of this machine
    List,
}

fn suite() -> impl TypedValueParser<Value = Suite> {
    let names = PossibleValuesParser::new(Suite::ALL.iter().map(|suite| suite.name()));
    names.map(|name| Suite::find(&name).expect("clap lets only these names through"))
}

pub(crate) fn run(verb: &Verb) -> Result<ExitCode, Failure> {
    match *verb {
        Verb::Fetch { suite, again } => fetch(suite, if again { Again::Yes } else { Again::No }),
        Verb::List => list(),
    }
}

fn fetch(suite: Suite, again: Again) -> Result<ExitCode, Failure> {
    interrupt::listen()?;
    match kernel::fetch(suite, again, &interrupt::requested) {
        Ok(kernel) => say!("{}", describe(&kernel)),
        Err(_) if interrupt::requested() => return Ok(Exit::Interrupted.into()),
        Err(missing) => return Err(refused(missing)),
    }
    Ok(Exit::Done.into())
}

fn list() -> Result<ExitCode, Failure> {
    for known in kernel::known().map_err(refused)? {
        let name = if known.default { format!("{} (default)", known.name) } else { known.name };
        match known.kernel {
            Ok(kernel) => say!("{name:<30}{}", describe(&kernel)),
            Err(Missing { why, remedy }) => say!("{name:<30}{why}; {remedy}"),
        }
    }
    Ok(Exit::Done.into())
}

/// Release, package and place, in a line.
fn describe(kernel: &Kernel) -> String {
    let package = kernel.package.as_deref().unwrap_or("installed on this machine");
    format!("{:<24}{package:<50}{}", kernel.release, kernel.vmlinuz.display())
}

fn refused(missing: Missing) -> Failure {
    Failure::cannot_run(anyhow!("{missing}"))
}
