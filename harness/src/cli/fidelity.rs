//! `svclab fidelity`: whether a real kube-proxy installs what the lab's layout says, rule for rule.

use super::cluster;
use super::command_line::word;
use super::output::say;
use crate::backend::{self, BACKENDS};
use crate::cell_error::CellError;
use crate::driver;
use crate::driver::kube_proxy::{self, binary};
use crate::process::exit::{Exit, Failure};
use crate::process::interrupt;
use crate::targets;
use crate::tool::Real;
use anyhow::{Context, Result, anyhow};
use lab_core::cell::{ClusterSpec, Load, Variant};
use lab_core::cluster::{Cluster, Family, NODE_ADDRESS, NODE_ADDRESS_V6, Node};
use lab_core::kube_proxy::KubeProxy;
use lab_core::plan::Plan;
use lab_core::units;
use lab_core::vocabulary::{BackendName, LayoutName, TargetName, Word};
use netns_topology::Addresses;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// How many differences are shown of a node.
const SHOWN: usize = 20;
/// Endpoints of a generated Service whose mix does not say how many.
const ENDPOINTS: u32 = 3;
/// Time for a load.
const LIMIT: Duration = Duration::from_secs(600);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A kube-proxy binary, with a name of your choice; repeat it for more
    #[arg(long = "kube-proxy", value_name = "[NAME=]PATH", required = true)]
    kube_proxies: Vec<String>,
    /// A cluster, as `kubectl get services,endpointslices -A -o json` prints it: a file, a folder, a tar archive, or - for
    /// standard input; repeat it where several make one cluster
    #[arg(long, value_name = "FILE", conflicts_with_all = ["services", "mix"])]
    cluster: Vec<PathBuf>,
    /// The node of that cluster
    #[arg(long, value_name = "NAME", requires = "cluster")]
    node: Option<String>,
    /// Otherwise, so many generated Services
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    services: u32,
    /// What those are like: the name of a mix
    #[arg(long, value_name = "MIX", default_value = "mixed")]
    mix: String,
    /// A backend to compare in; repeat it for more [default: all that this kernel can run]
    #[arg(long = "backend", value_name = "BACKEND", value_parser = word::<BackendName>())]
    backends: Vec<BackendName>,
    /// The layout to compare with [default: that of the binary's release, or of the one before it]
    #[arg(long, value_name = "LAYOUT", value_parser = LayoutName::choose)]
    layout: Option<LayoutName>,
}

/// How one comparison ended.
enum Compared {
    Same,
    Different,
    /// It could not be made.
    Not,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let binaries = binary::read_all(&args.kube_proxies).map_err(Failure::usage)?;
    let cluster = cluster_of(args).map_err(Failure::usage)?;
    if args.backends == [BackendName::Direct] {
        return Err(Failure::usage(anyhow!("--backend direct: no kube-proxy programs it; name another backend")));
    }
    if Family::ALL.into_iter().all(|family| cluster.ports(family).next().is_none()) {
        return Err(Failure::usage(anyhow!("--cluster: no Service in it is one that kube-proxy programs")));
    }
    targets::within_host(None, &|| {
        interrupt::listen()?;
        let mut ended = Vec::new();
        for binary in &binaries {
            for backend in BACKENDS.iter().map(|backend| backend.name()) {
                let asked = args.backends.is_empty() || args.backends.contains(&backend);
                if asked && backend != BackendName::Direct && !interrupt::requested() {
                    ended.push(compare(args, binary, backend, &cluster));
                }
            }
        }
        let any = |is: fn(&Compared) -> bool| ended.iter().any(is);
        Ok(match () {
            () if any(|one| matches!(one, Compared::Different)) => Exit::Differs,
            () if any(|one| matches!(one, Compared::Same)) => Exit::Done,
            () => Exit::CannotRun,
        }
        .into())
    })
}

/// The cluster to install, on the lab's own node.
fn cluster_of(args: &Args) -> Result<Arc<Cluster>> {
    if args.cluster.is_empty() {
        return cluster::generated(&args.mix, ENDPOINTS, args.services).map(Arc::new);
    }
    cluster::on_node(&args.cluster, args.node.as_deref(), &Node::default().addresses).context("--cluster")
}

/// Compares one binary in one backend, and says what was found.
fn compare(args: &Args, binary: &KubeProxy, backend: BackendName, cluster: &Cluster) -> Compared {
    let layout = args.layout.filter(|layout| LayoutName::of(backend).contains(layout));
    let layout = layout.unwrap_or_else(|| binary.layout(backend));
    let called = format!("{} {} in {backend}", binary.name.as_str(), binary.version);
    let found = differences(binary, backend, layout, cluster);
    let unknown = if args.layout.is_none() && !binary.is_known(backend) {
        " (the nearest release that the lab knows)"
    } else {
        ""
    };
    match found {
        Ok(differences) if differences.is_empty() => {
            say!("{called}: no difference from {}{unknown}", layout.name());
            Compared::Same
        }
        Ok(differences) => {
            let count = differences.len();
            let counted = units::counted(count as u64, "difference");
            say!("{called}: {counted} from {}{unknown}", layout.name());
            differences.iter().take(SHOWN).for_each(|sentence| say!("  {sentence}"));
            if count > SHOWN {
                say!("  and {} more", count - SHOWN);
            }
            Compared::Different
        }
        Err(error) => {
            say!("{called}: not compared: {}", error.reason());
            Compared::Not
        }
    }
}

fn differences(
    binary: &KubeProxy,
    name: BackendName,
    layout: LayoutName,
    cluster: &Cluster,
) -> Result<Vec<String>, CellError> {
    driver::check(backend::named(name), &Real)?;
    let variant = Variant { layout, driver: binary.driver(), ..Variant::usual(name) };
    let load = Load { cluster: ClusterSpec::uniform(1, 1), variant, only: None, memory: None };
    let plan = Plan { kube_proxies: vec![binary.clone()], budget: LIMIT, ..Plan::example(TargetName::Host) };
    let has_v6 = cluster.ports(Family::V6).next().is_some();
    let addresses = Addresses { v4: NODE_ADDRESS, v6: has_v6.then_some(NODE_ADDRESS_V6) };
    let node = netns_topology::Node::bare(addresses).context("making an empty node")?;
    kube_proxy::differences(&load, &plan, &Real, &node, cluster)
}
