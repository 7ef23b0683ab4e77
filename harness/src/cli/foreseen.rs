//! What is said before a run: the guests' kernel, and what of a plan's clusters a layout cannot install.

use crate::backend::Options;
use crate::cell_error::Missing;
use crate::lab::node;
use guests::kernel::Found;
use lab_core::cell::{Cell, Load, Variant};
use lab_core::kube_proxy::KubeProxy;
use lab_core::plan::Plan;
use lab_core::units;
use lab_core::vocabulary::{BackendName, Word};
use std::collections::BTreeSet;

/// How many objects are named for each load.
const NAMED: usize = 3;

/// The kernel that guests will boot, and whether it has to be fetched.
pub(super) fn kernel(found: Result<Found, Missing>) -> String {
    match found {
        Ok(Found::Here(kernel)) if kernel.name == kernel.release => format!("kernel {}, of this machine", kernel.name),
        Ok(Found::Here(kernel)) => format!("kernel {}: {}", kernel.name, kernel.release),
        Ok(Found::ToFetch(suite)) => {
            format!("kernel {suite}, which is not in the cache: a run fetches it first (svclab fetch kernel {suite})")
        }
        Err(missing) => format!("kernel: {missing}"),
    }
}

/// The kube-proxy binaries of releases that the lab has no layout of.
pub(super) fn unknown_releases(plan: &Plan) -> Vec<String> {
    let unknown = plan.kube_proxies.iter().filter(|binary| !BackendName::ALL.iter().any(|&one| binary.is_known(one)));
    let said = |binary: &KubeProxy| {
        let (name, version) = (binary.name.as_str(), &binary.version);
        format!(
            "{name} is kube-proxy {version}, of which the lab has no layout; it runs, beside the rules of the nearest release"
        )
    };
    unknown.map(said).collect()
}

/// A line for each object, of each load at most [`NAMED`] and how many more there are.
pub(super) fn caveats(plan: &Plan) -> Vec<String> {
    // What is installed does not depend on memory, nor on the kernel.
    let load = |cell: &Cell| {
        let load = cell.guest_load();
        Load { memory: None, variant: Variant { kernel: None, ..load.variant }, ..load }
    };
    let loads: BTreeSet<Load> = plan.cells.iter().map(load).collect();
    let mut lines = Vec::new();
    for load in loads {
        let (Some(layout), Ok((_, cluster))) = (Options::of(&load, plan).layout(), node::cluster(&load, plan)) else {
            continue;
        };
        let found = layout.caveats(&cluster);
        let services = units::counted(load.cluster.services.into(), "Service");
        let place = format!("{} ({}) at {services}", load.variant.backend, load.variant.layout);
        lines.extend(found.iter().take(NAMED).map(|caveat| format!("{place}: {caveat}")));
        if let Some(more) = found.len().checked_sub(NAMED).filter(|&more| more > 0) {
            lines.push(format!("{place}: {more} more like these"));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use guests::Suite;
    use guests::kernel::Kernel;
    use std::path::PathBuf;

    #[test]
    fn a_kernel_is_named_and_that_it_must_be_fetched() {
        let suite = Suite::find("debian-13").unwrap();
        assert_eq!(
            kernel(Ok(Found::ToFetch(suite))),
            "kernel debian-13, which is not in the cache: a run fetches it first (svclab fetch kernel debian-13)"
        );
        let here = |name: &str| Kernel {
            name: name.to_owned(),
            release: "6.12.57+deb13-amd64".to_owned(),
            package: None,
            sha256: String::new(),
            vmlinuz: PathBuf::new(),
            modules: PathBuf::new(),
        };
        assert_eq!(kernel(Ok(Found::Here(here("debian-13")))), "kernel debian-13: 6.12.57+deb13-amd64");
        let own = kernel(Ok(Found::Here(here("6.12.57+deb13-amd64"))));
        assert_eq!(own, "kernel 6.12.57+deb13-amd64, of this machine");
        let missing = Missing { why: "unknown kernel \"x\"".to_owned(), remedy: "name one".to_owned() };
        assert_eq!(kernel(Err(missing)), "kernel: unknown kernel \"x\"; name one");
    }
}
