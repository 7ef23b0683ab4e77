//! `svclab fetch`: the kernels that guests boot, and the tools that belong to them.

use super::output::{Form, print_json, say};
use crate::cell_error::Missing;
use crate::process::exit::{Exit, Failure};
use crate::process::interrupt;
use anyhow::anyhow;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Subcommand, ValueEnum};
use guests::kernel::{self, Kernel};
use guests::tools::{self, Toolset};
use guests::{Again, Suite};
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Download a suite's stock kernel into your cache, and check it. Needs no privileges
    Kernel(What),
    /// Download a suite's iptables, nftables, ipset, ipvsadm and conntrack with their libraries into your cache, and check
    /// them. Needs no privileges
    Tools(What),
    /// List the kernels and tools that were fetched, and the kernels of this machine
    List(Listing),
    /// Remove what was fetched
    Remove {
        /// A kernel or tools
        #[arg(value_enum)]
        kind: Kind,
        /// Of which suite
        #[arg(value_parser = suite())]
        suite: Suite,
    },
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Listing {
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct What {
    /// The suite
    #[arg(value_parser = suite())]
    suite: Suite,
    /// Replace what was fetched before, because it is damaged or the suite has something newer
    #[arg(long)]
    again: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Kernel,
    Tools,
}

fn suite() -> impl TypedValueParser<Value = Suite> {
    let names = PossibleValuesParser::new(Suite::ALL.iter().map(|suite| suite.name()));
    names.map(|name| Suite::find(&name).expect("clap lets only these names through"))
}

pub(crate) fn run(verb: &Verb) -> Result<ExitCode, Failure> {
    interrupt::listen()?;
    let done = match verb {
        Verb::Kernel(what) => {
            kernel::fetch(what.suite, what.again(), &interrupt::requested).map(|kernel| say!("{}", described(&kernel)))
        }
        Verb::Tools(what) => {
            check(what.suite)?;
            tools::fetch(what.suite, what.again(), &interrupt::requested).map(|tools| say!("{}", listed(&tools)))
        }
        Verb::List(listing) if listing.form.is_json() => {
            let listed = json().map_err(|missing| Failure::cannot_run(anyhow!("{missing}")))?;
            print_json(&listed)?;
            Ok(())
        }
        Verb::List(_) => list(),
        Verb::Remove { kind: Kind::Kernel, suite } => kernel::remove(*suite, &interrupt::requested),
        Verb::Remove { kind: Kind::Tools, suite } => tools::remove(*suite, &interrupt::requested),
    };
    match done {
        Ok(()) => Ok(Exit::Done.into()),
        Err(_) if interrupt::requested() => Ok(Exit::Interrupted.into()),
        Err(missing) => Err(Failure::cannot_run(anyhow!("{missing}"))),
    }
}

impl What {
    fn again(&self) -> Again {
        if self.again { Again::Yes } else { Again::No }
    }
}

/// Whether tools of `suite` can be had.
fn check(suite: Suite) -> Result<(), Failure> {
    let known = tools::SUITES.iter().map(|suite| suite.name()).collect::<Vec<_>>().join(", ");
    let refused = || Failure::usage(anyhow!("{suite} has no tools of its own here; there are those of {known}"));
    if tools::SUITES.contains(&suite) { Ok(()) } else { Err(refused()) }
}

fn list() -> Result<(), Missing> {
    say!("kernels (--kernel)");
    for known in kernel::known()? {
        let name = if known.default { format!("{} (default)", known.name) } else { known.name };
        show(&name, known.kernel.as_ref().map(described));
    }
    say!("tools (--tools)");
    for known in tools::known()? {
        show(known.suite.name(), known.tools.as_ref().map(listed));
    }
    Ok(())
}

/// The same for other programs: see reports/FORMATS.md.
fn json() -> Result<Value, Missing> {
    let lacking = |Missing { why, remedy }: &Missing| json!({ "why": why, "remedy": remedy });
    let kernels = kernel::known()?.into_iter().map(|known| match &known.kernel {
        Ok(kernel) => json!({
            "name": known.name, "default": known.default, "release": kernel.release, "package": kernel.package,
            "vmlinuz": kernel.vmlinuz, "sha256": kernel.sha256,
        }),
        Err(missing) => json!({ "name": known.name, "default": known.default, "missing": lacking(missing) }),
    });
    let tools = tools::known()?.into_iter().map(|known| match &known.tools {
        Ok(tools) => json!({ "name": known.suite.name(), "packages": tools.packages }),
        Err(missing) => json!({ "name": known.suite.name(), "missing": lacking(missing) }),
    });
    Ok(json!({ "kernels": kernels.collect::<Vec<_>>(), "tools": tools.collect::<Vec<_>>() }))
}

fn show(name: &str, state: Result<String, &Missing>) {
    match state {
        Ok(what) => say!("  {name:<28}{what}"),
        Err(Missing { why, remedy }) => say!("  {name:<28}{why}; {remedy}"),
    }
}

/// Release, package and place, in a line.
fn described(kernel: &Kernel) -> String {
    let package = kernel.package.as_deref().unwrap_or("installed on this machine");
    format!("{:<24}{package:<50}{}", kernel.release, kernel.vmlinuz.display())
}

/// The packages, in a line.
fn listed(tools: &Toolset) -> String {
    tools.packages.join(", ")
}
