//! Whether a backend can be programmed on this kernel, found out by trying.

use super::of;
use crate::backend::{self, Backend};
use crate::cell_error::{CellError, Missing};
use crate::tool::Runner;
use anyhow::Context;
use lab_core::cell::{ClusterSpec, Load, Variant};
use lab_core::cluster::{AddressPlan, Cluster, NODE_ADDRESS};
use lab_core::plan::Plan;
use lab_core::vocabulary::TargetName;
use netns_topology::Node;
use std::time::Duration;

/// Time for the trial.
const LIMIT: Duration = Duration::from_secs(60);

/// Whether `backend` can program this kernel: its tools are here, and a load of one Service goes through.
pub(crate) fn check(backend: &'static dyn Backend, runner: &'static dyn Runner) -> Result<(), Missing> {
    backend::check_tools(backend)?;
    backend.check_kernel()?;
    let name = backend.name();
    let load = Load { cluster: ClusterSpec::uniform(1, 1), variant: Variant::usual(name), only: None };
    let trial = || -> Result<(), CellError> {
        let node = Node::bare(NODE_ADDRESS).context("making an empty node")?;
        let cluster = Cluster::generate(1, &AddressPlan::new(1));
        of(&load, &Plan::example(TargetName::Host), runner).quick_install(&node, &cluster, LIMIT)
    };
    trial().map_err(|error| Missing {
        why: format!("{name} cannot program this kernel: {}", error.reason()),
        remedy: format!(
            "run with --target exact, which brings its own kernel, or load what it needs, if it is here: sudo modprobe -a {}",
            backend.modules().join(" ")
        ),
    })
}
