//! Whether a backend can be programmed on this kernel, found out by trying.

use super::of;
use crate::backend::{self, Backend};
use crate::cell_error::{CellError, Missing, Obstacle};
use crate::tool::{Ending, Runner, origin};
use anyhow::Context;
use guests::tool::{VERSION_LIMIT, asked_version};
use lab_core::cell::{ClusterSpec, Load, Variant};
use lab_core::cluster::{AddressPlan, Cluster, NODE_ADDRESS};
use lab_core::plan::Plan;
use lab_core::vocabulary::TargetName;
use netns_topology::Node;
use std::time::Duration;

/// Time for the trial.
const LIMIT: Duration = Duration::from_secs(60);

/// Whether `backend` can program this kernel: its tools are here, and a load of one Service goes through and is as the
/// layout says.
pub(crate) fn check(backend: &'static dyn Backend, runner: &'static dyn Runner) -> Result<(), Obstacle> {
    backend::check_tools(backend)?;
    // A tool that does not even say its version is not waited for in every cell.
    let programs = backend.tools().iter().map(|&tool| backend.program(tool));
    programs.into_iter().try_for_each(|program| answers(program, runner)).map_err(Obstacle::Broken)?;
    backend.check_kernel()?;
    let name = backend.name();
    let load = Load { cluster: ClusterSpec::uniform(1, 1), variant: Variant::usual(name), only: None, memory: None };
    let trial = || -> Result<(), CellError> {
        let node = Node::bare(NODE_ADDRESS).context("making an empty node")?;
        let cluster = Cluster::generate(1, &AddressPlan::new(1));
        of(&load, &Plan::example(TargetName::Host), runner).quick_install(&node, &cluster, LIMIT)
    };
    trial().map_err(|error| judge(backend, &error))
}

/// Whether `program` says its version and ends.
fn answers(program: &str, runner: &dyn Runner) -> Result<(), String> {
    if origin::is_own() {
        return asked_version(program).map(drop);
    }
    let args = ["--version".to_owned()];
    let run = runner.run(program, &args, b"", VERSION_LIMIT).map_err(|error| format!("{error:#}"))?;
    match run.ending {
        Ending::Exited(_) | Ending::Interrupted => Ok(()),
        _ => run.through(&format!("{program} --version")).map(drop).map_err(|error| error.reason().to_owned()),
    }
}

/// What the trial of `backend` showed that ended with `error`. Only what the tool or the kernel calls missing is missing.
fn judge(backend: &dyn Backend, error: &CellError) -> Obstacle {
    let (name, reason) = (backend.name(), error.reason());
    match error {
        CellError::Skipped(_) => Obstacle::Missing(Missing {
            why: format!("{name} cannot program this kernel: {reason}"),
            remedy: format!(
                "run with --target exact, which brings its own kernel, or load what it needs, if it is here: sudo modprobe -a {}",
                backend.modules().join(" ")
            ),
        }),
        _ => Obstacle::Broken(format!("{name} failed its trial with one Service: {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::vocabulary::BackendName;

    #[test]
    fn only_what_the_kernel_lacks_is_missing() {
        let judged = |error| judge(backend::named(BackendName::Nftables), &error);
        let lacking =
            CellError::Skipped("the kernel lacks what nft asks it for: \"Operation not supported\"".to_owned());
        let Obstacle::Missing(missing) = judged(lacking) else { panic!("it is missing") };
        assert!(missing.why.starts_with("nftables cannot program this kernel: the kernel lacks"), "{missing}");
        assert!(missing.remedy.contains("sudo modprobe -a nft_chain_nat "), "{missing}");
        for error in [
            CellError::Failed("nft was killed by signal 9".to_owned()),
            CellError::OverBudget("nft was killed after 60.0 s".to_owned()),
        ] {
            let broken = format!("nftables failed its trial with one Service: {}", error.reason());
            assert_eq!(judged(error), Obstacle::Broken(broken));
        }
    }
}
