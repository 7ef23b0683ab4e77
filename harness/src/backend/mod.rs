//! The ways to make a node carry Service traffic. What each installs is its layout's; here it is called and counted.

mod direct;
mod iptables;
mod nf_tables;
mod nftables;

use crate::ended::Missing;
use crate::tool::{self, Runner};
use anyhow::Result;
use lab_core::cluster::ServicePort;
use lab_core::layout::{Installed, Layout, Tool};
use lab_core::vocabulary::BackendName;
use std::net::SocketAddrV4;

/// One way to make a node carry Service traffic.
pub(crate) trait Backend: Sync {
    /// Its name.
    fn name(&self) -> BackendName;
    /// Which rules it installs; `None` when it installs none.
    fn layout(&self) -> Option<&'static dyn Layout>;
    /// The binary behind a tool of the layout's.
    fn program(&self, tool: Tool) -> &'static str;
    /// The tools its layout calls.
    fn tools(&self) -> &'static [Tool];
    /// Kernel modules that hold what it needs, for the remedy when the kernel refuses.
    fn modules(&self) -> &'static str;
    /// Counts what is installed in the calling thread's namespace.
    fn installed(&self, runner: &dyn Runner) -> Result<Installed>;
    /// Where the client's `attempt`th connection to `service` goes.
    fn address(&self, service: &ServicePort, attempt: usize) -> SocketAddrV4 {
        let _ = attempt;
        SocketAddrV4::new(service.cluster_ip, service.port)
    }
}

/// Every backend.
pub(crate) static BACKENDS: &[&dyn Backend] =
    &[&direct::Direct, &iptables::LEGACY, &iptables::NFT, &nftables::Nftables];

/// The backend called `name`.
pub(crate) fn named(name: BackendName) -> &'static dyn Backend {
    let found = BACKENDS.iter().find(|backend| backend.name() == name);
    *found.expect("every name of the vocabulary has its line in BACKENDS, which a test checks")
}

/// Whether the tools are installed.
pub(crate) fn check_tools(backend: &dyn Backend) -> Result<(), Missing> {
    for &tool in backend.tools() {
        let program = backend.program(tool);
        if tool::find(program).is_none() {
            return Err(Missing {
                why: format!("{program} is not installed"),
                remedy: "install it with ci/setup".to_owned(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::vocabulary::Word;

    #[test]
    fn every_backend_of_the_vocabulary_is_here() {
        for &name in BackendName::ALL {
            assert_eq!(named(name).name(), name);
            assert_eq!(named(name).layout().is_none(), name == BackendName::Direct);
        }
    }
}
