//! Backends: the ways to make a node carry Service traffic. A backend names its tools and modules, and counts what is
//! installed. What is installed is its layout's.

mod direct;
mod iptables;
mod ipvs;
mod nf_tables;
mod nftables;
pub(crate) mod tables;
pub(crate) mod transaction;

use crate::cell_error::{CellError, Missing};
use crate::tool::{Runner, origin};
use guests::tools::Toolset;
use lab_core::cell::{Load, Variant};
use lab_core::cluster::{Node, ServicePort};
use lab_core::layout::{Installed, Layout, Tool, release};
use lab_core::plan::Plan;
use lab_core::proxy_config::ProxyConfig;
use lab_core::vocabulary::{Access, BackendName};
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

/// What a scenario may choose of a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) variant: Variant,
    /// kube-proxy's settings.
    pub(crate) proxy: ProxyConfig,
}

impl Options {
    /// Those of a node of `plan` that is loaded with `load`. kube-proxy finds out whether the kernel counts.
    pub(crate) fn of(load: &Load, plan: &Plan) -> Self {
        static COUNTERS: LazyLock<bool> = LazyLock::new(node_netlink::has_counters);
        let proxy = ProxyConfig { nfacct: plan.proxy.nfacct && *COUNTERS, ..plan.proxy.clone() };
        Self { variant: load.variant, proxy }
    }

    /// kube-proxy's.
    #[cfg(test)]
    pub(crate) fn usual(backend: BackendName) -> Self {
        Self { variant: Variant::usual(backend), proxy: ProxyConfig::default() }
    }

    /// What is installed, and how; `None` when nothing is.
    pub(crate) fn layout(&self) -> Option<Arc<dyn Layout>> {
        release::layout(self.variant, &self.proxy)
    }
}

/// A way to make a node carry Service traffic.
pub(crate) trait Backend: Sync {
    /// Its name.
    fn name(&self) -> BackendName;
    /// The program behind a tool of the layout.
    fn program(&self, tool: Tool) -> &'static str;
    /// The tools its layout calls.
    fn tools(&self) -> &'static [Tool];
    /// The kernel modules it needs.
    fn modules(&self) -> &'static [&'static str];
    /// Whether the kernel has what it needs, where a trial would fail without a clear reason.
    fn check_kernel(&self) -> Result<(), Missing> {
        Ok(())
    }
    /// Counts what is installed in the calling thread's namespace.
    fn installed(&self, runner: &dyn Runner) -> Result<Installed, CellError>;
    /// Where the client's `attempt`th connection to `service` goes, by `access` on `node`.
    /// `None` where there is nothing to connect to.
    fn address(&self, service: ServicePort<'_>, access: Access, node: &Node, attempt: usize) -> Option<SocketAddr> {
        let _ = attempt;
        service.address_by(access, node)
    }
}

/// Every backend.
pub(crate) static BACKENDS: &[&dyn Backend] =
    &[&direct::Direct, &iptables::LEGACY, &iptables::NFT, &ipvs::Ipvs, &nftables::Nftables];

/// The backend called `name`.
pub(crate) fn named(name: BackendName) -> &'static dyn Backend {
    let found = BACKENDS.iter().find(|backend| backend.name() == name);
    *found.expect("every name of the vocabulary has its line in BACKENDS, which a test checks")
}

/// Whether the tools are installed.
pub(crate) fn check_tools(backend: &dyn Backend) -> Result<(), Missing> {
    let lacking = lacking(backend, |program| origin::find(program).is_some());
    lacking.map_or(Ok(()), |program| {
        Err(Missing { why: format!("{program} is not installed"), remedy: "install it with ci/setup".to_owned() })
    })
}

/// Whether the tools are in `toolset`; with `None`, whether they are installed.
pub(crate) fn check_tools_in(toolset: Option<&Toolset>, backend: &dyn Backend) -> Result<(), Missing> {
    let Some(toolset) = toolset else { return check_tools(backend) };
    lacking(backend, |program| toolset.has(program)).map_or(Ok(()), |program| {
        Err(Missing {
            why: format!("the tools of {} have no {program}", toolset.name),
            remedy: "name others with --tools (see them with: svclab fetch list)".to_owned(),
        })
    })
}

/// The first program of `backend` that is not there.
fn lacking(backend: &dyn Backend, there: impl Fn(&str) -> bool) -> Option<&'static str> {
    backend.tools().iter().map(|&tool| backend.program(tool)).find(|program| !there(program))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::vocabulary::Word;

    #[test]
    fn every_backend_of_the_vocabulary_is_here() {
        for &name in BackendName::ALL {
            assert_eq!(named(name).name(), name);
            let layout = Options::usual(name).layout();
            assert_eq!(layout.is_none(), name == BackendName::Direct);
        }
    }
}
