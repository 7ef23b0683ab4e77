//! `host`: the running kernel, in private namespaces that vanish with the process.

use super::Target;
use super::examination::Examination;
use crate::backend::transaction;
use crate::cell_error::Missing;
use crate::fleet::image::TOOLS;
use crate::lab::node::NodeLab;
use crate::process::exit::Failure;
use crate::process::interrupt;
use crate::run::{Interrupted, run};
use crate::self_test::fault::{self, Faults};
use crate::session::record::RECORD;
use crate::session::spec::Guests;
use crate::session::spec::RunSpec;
use crate::session::{self, Ground, Ran, Session};
use crate::tool::cgroup::Places;
use crate::tool::{launcher, origin};
use anyhow::{Context, Error, Result, anyhow};
use guests::tools::{self, Toolset};
use jiff::Timestamp;
use lab_core::vocabulary::{BackendName, Clock, TargetName};
use netns_topology::sandbox::{self, Ended, Forbidden, Inside, Side};
use nix::sys::signal::Signal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(super) struct Host;

impl Target for Host {
    fn name(&self) -> TargetName {
        TargetName::Host
    }

    /// Tools that are not fetched yet are not fetched to find out: the machine's own are tried.
    fn prefer(&self, guests: &Guests, backends: &[BackendName]) -> Result<Vec<String>, Missing> {
        if let Some(kernel) = guests.first_kernel() {
            return Err(Missing {
                why: format!("it has this machine's kernel, and {kernel} is asked for"),
                remedy: "a guest boots the kernel of one's choice".to_owned(),
            });
        }
        let fetched = |tools: &&str| tools::to_fetch(tools).is_ok_and(|suite| suite.is_none());
        Examination::make(guests.tools.as_deref().filter(fetched))?.allows(backends)
    }

    fn run(&self, spec: &RunSpec) -> Result<ExitCode, Failure> {
        let begun = Timestamp::now();
        let so_far = || session::begun_since(spec, begun);
        enter(spec.guests.tools.as_deref(), &so_far, |inside, toolset| {
            interrupt::listen()?;
            inside.handle_signals();
            let ground = Ground { toolset, ..Ground::default() };
            let session = Session::begin(spec, Clock::Wall, ground)?;
            let visits = session.left().concat();
            let faults = Faults::of(&spec.plan, &visits);
            let mut labs = fault::labs(&spec.plan, &visits, &faults);
            let exit = session.run(|listener| {
                let Interrupted(interrupted) = run(&spec.plan, &visits, &mut labs, listener)?;
                Ok(Ran { interrupted, ..Ran::default() })
            })?;
            if spec.keep && !interrupt::requested() {
                keep(labs.up(), inside)?;
            }
            Ok(exit.into())
        })
    }
}

/// Runs `inside` in a sandbox with these `tools`, for verbs that make no run.
pub(crate) fn within(tools: Option<&str>, inside: &dyn Fn() -> Result<ExitCode, Failure>) -> Result<ExitCode, Failure> {
    enter(tools, &|| None, |_, _| inside())
}

/// Describes the sandbox from inside: what is as it should be, and what is limited.
pub(crate) fn describe() -> Vec<Result<String, Missing>> {
    if launcher::privileged() {
        return vec![Ok("private namespaces, as root".to_owned())];
    }
    let namespaces = Ok("private namespaces, without root".to_owned());
    let limit = transaction::limit();
    // What nft sends for a Service with two endpoints: 16.2 MB for 5,000, by strace.
    let services = limit / 3_240;
    let enough = format!("nf_tables transactions up to {} MiB", limit >> 20);
    let small = Missing {
        why: format!("without root, nft and iptables-nft load no more than about {services} Services"),
        remedy: transaction::REMEDY.to_owned(),
    };
    vec![namespaces, if services >= 20_000 { Ok(enough) } else { Err(small) }]
}

/// Enters the sandbox. Outside, this waits for the process inside and returns its exit code; if that was killed, it says so,
/// and where what it measured is, which `so_far` knows. Inside, nodes are programmed with `tools` from here on, if there
/// are any.
fn enter(
    tools: Option<&str>,
    so_far: &dyn Fn() -> Option<PathBuf>,
    inside: impl FnOnce(&Inside, Option<Toolset>) -> Result<ExitCode, Failure>,
) -> Result<ExitCode, Failure> {
    // Outside, because there is no network inside. The process inside finds them in the cache.
    let toolset = tools.map(|tools| tools::resolve(tools, &interrupt::requested)).transpose();
    let toolset = toolset.map_err(Failure::cannot_run)?;
    // Outside, because what /proc is there then is the sandbox's, and goes with it.
    let places = Places::here();
    let side = sandbox::enter().map_err(|error| match error.downcast::<Forbidden>() {
        Ok(forbidden) => Failure::cannot_run(forbidden),
        Err(error) => Failure::cannot_run(error),
    })?;
    match side {
        Side::Outside(Ended { killed: signal, code }) => {
            // With the inside, all that were in its cgroups are dead.
            places.sweep();
            signal.map_or(Ok(ExitCode::from(code)), |signal| Err(killed(signal, so_far()).into()))
        }
        Side::Inside(sandbox) => {
            if let Some(toolset) = &toolset {
                bring(toolset)?;
            }
            inside(&sandbox, toolset)
        }
    }
}

/// That the process inside was killed, which had no time to say anything.
fn killed(signal: Signal, so_far: Option<PathBuf>) -> Error {
    let because = match signal {
        Signal::SIGKILL => ", as the kernel does when memory runs out (see: dmesg)",
        _ => "",
    };
    let measured = match so_far {
        Some(folder) => format!("what was measured before is in {}", folder.join(RECORD).display()),
        None => "nothing was recorded".to_owned(),
    };
    anyhow!("the process inside the sandbox was killed by {signal}{because}; {measured}")
}

/// Where the tools' root is inside the sandbox: in its own /run, which is in memory and goes with it.
const TOOLS_ROOT: &str = "/run/svclab-tools";

/// Makes the root file system of `toolset`, and has tools taken from it.
fn bring(toolset: &Toolset) -> Result<(), Failure> {
    let tree = toolset.tree(TOOLS).map_err(Failure::cannot_run)?;
    let root = Path::new(TOOLS_ROOT);
    let made = tree.unpack(root).and_then(|()| tools::furnish(root));
    made.with_context(|| format!("making a root for the tools of {}", toolset.name)).map_err(Failure::cannot_run)?;
    origin::take_from(root);
    Ok(())
}

/// Keeps the labs up until an interrupt, and prints how to enter them.
fn keep<'a>(labs: impl Iterator<Item = &'a NodeLab>, inside: &Inside) -> Result<(), Failure> {
    let user = if launcher::privileged() { "" } else { "-U --preserve-credentials " };
    tell!("The labs are up until Ctrl-C. Enter a node or pod with one of:");
    for lab in labs {
        for namespace in lab.namespaces() {
            let handle = format!("{}-{}-{}", lab.backend.name(), lab.cluster.services.len(), namespace.name());
            namespace.persist(&handle)?;
            tell!("  nsenter {user}-m -t {} ip netns exec {handle} bash", inside.outer_pid);
        }
    }
    interrupt::wait()?;
    Ok(())
}
