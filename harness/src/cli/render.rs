//! `svclab render`: prints the input that a tool would get.

use super::cluster;
use super::command_line::word;
use super::options::no_layout;
use super::proxy::ProxyOptions;
use crate::backend;
use crate::process::exit::{Exit, Failure};
use anyhow::{Context, Result, anyhow};
use lab_core::cell::Variant;
use lab_core::change::Change;
use lab_core::cluster::{AddressPlan, Cluster, Family};
use lab_core::layout::{Action, Invocation, Layout, Tool, release};
use lab_core::scenario::MOST_ENDPOINTS;
use lab_core::vocabulary::{BackendName, LayoutName, Scheduler, Way, Word};
use std::io::{BufWriter, ErrorKind, Write, stdout};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["services", "cluster"]))]
pub(crate) struct Args {
    /// The backend whose tool would get it
    #[arg(long, value_parser = word::<BackendName>(), default_value = "iptables-legacy")]
    backend: BackendName,
    /// The kube-proxy release [default: the newest that was compared with a real binary]
    #[arg(long, value_name = "LAYOUT", value_parser = LayoutName::choose)]
    layout: Option<LayoutName>,
    /// Generate so many Services
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    services: Option<u32>,
    /// Endpoints a Service of a generated cluster
    #[arg(long, value_name = "N", default_value_t = 2, conflicts_with = "cluster",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_ENDPOINTS)))]
    endpoints: u32,
    /// A cluster, as `kubectl get services,endpointslices -A -o json` prints it, in JSON or YAML: a file, a folder, a tar
    /// archive, or - for standard input; repeat it for more parts of it
    #[arg(long, value_name = "FILE")]
    cluster: Vec<PathBuf>,
    /// Instead of the cluster's first sync, the one that changes it to this one; repeat it for more parts of it
    #[arg(long, value_name = "FILE", requires = "cluster", conflicts_with = "input")]
    then: Vec<PathBuf>,
    /// The node's name: endpoints on it are local. A Node of that name in the dump gives its addresses and zone
    #[arg(long, value_name = "NAME", requires = "cluster")]
    node: Option<String>,
    /// The node's addresses, the primary one of each family first
    #[arg(long, value_name = "ADDRESS,…", value_delimiter = ',', requires = "cluster")]
    node_ip: Vec<IpAddr>,
    /// How it is programmed [default: the backend's first way]
    #[arg(long, value_parser = word::<Way>())]
    way: Option<Way>,
    /// How IPVS picks a real server
    #[arg(long, value_parser = word::<Scheduler>(), default_value = "rr")]
    ipvs_scheduler: Scheduler,
    /// Which input
    #[arg(long, value_enum, default_value_t = Input::SyncFull)]
    input: Input,
    /// Print every call with its arguments, in order, reads included, instead of what the tool reads
    #[arg(long)]
    calls: bool,
    /// Print what the tool of this family reads
    #[arg(long, value_enum, conflicts_with = "calls", default_value_t = Ip::Both)]
    family: Ip,
    #[command(flatten)]
    proxy: ProxyOptions,
}

/// Address families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Ip {
    /// IPv4, or IPv6 of a cluster that has no other; the families of nftables one after the other
    Both,
    /// IPv4
    Ipv4,
    /// IPv6
    Ipv6,
}

/// An input that a backend's tool gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum Input {
    /// The calls ahead of the first sync, as command lines
    Prepare,
    /// Empty node to all Services
    SyncFull,
    /// One Service added
    SyncChange,
    /// One endpoint of the middle Service replaced
    EndpointChange,
    /// The middle Service removed
    RemoveService,
    /// One rule added, as a command line
    AppendRule,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let backend = backend::named(args.backend);
    let Some(layout) = layout(args)? else {
        return Err(Failure::usage(anyhow!(
            "--backend {}: it installs nothing, so there is nothing to render",
            args.backend
        )));
    };
    let addresses = AddressPlan::new(args.endpoints);
    let cluster = match args.services {
        None => imported(args, &args.cluster).context("--cluster").map_err(Failure::usage)?,
        Some(services) => {
            addresses.check(services).map_err(|full| Failure::usage(anyhow!("--services: {full}")))?;
            Arc::new(Cluster::generate(services, &addresses))
        }
    };
    let then = match &args.then[..] {
        [] => None,
        files => Some(imported(args, files).context("--then").map_err(Failure::usage)?),
    };
    let after = Arc::clone(then.as_ref().unwrap_or(&cluster));
    for caveat in layout.caveats(&after) {
        tell!("svclab: {caveat}");
    }
    let calls = match (then, args.input) {
        (Some(after), _) => layout.partial_sync(&Change { before: cluster, after }),
        (None, Input::Prepare) => layout.prepare(),
        (None, Input::SyncFull) => layout.full_sync(&cluster),
        (None, Input::SyncChange) => layout.partial_sync(&Change::adding(&cluster, &addresses)),
        (None, Input::EndpointChange) => layout.partial_sync(&Change::replacing_endpoint(&cluster, &addresses)),
        (None, Input::RemoveService) => layout.partial_sync(&Change::removing(&cluster)),
        (None, Input::AppendRule) => vec![layout.append_rule(&cluster).add.into()],
    };
    let family = match args.family {
        // A cluster without IPv4 is in the other tool's input alone.
        Ip::Both if args.backend != BackendName::Nftables && is_ipv6_only(&after) => Ip::Ipv6,
        family => family,
    };
    let read: Vec<&[u8]> = if args.calls || matches!(args.input, Input::Prepare | Input::AppendRule) {
        Vec::new()
    } else {
        calls.iter().filter_map(Action::call).filter_map(|call| read(call, family)).collect()
    };
    let mut out = BufWriter::new(stdout().lock());
    let written = if read.is_empty() {
        calls.iter().try_for_each(|action| write!(out, "{}", action.show(|tool| backend.program(tool))))
    } else {
        // Exactly as the tool reads it, so that it can be piped into the tool.
        read.iter().try_for_each(|stdin| out.write_all(stdin))
    };
    match written.and_then(|()| out.flush()) {
        // A reader that has seen enough (`| head`) is no failure.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(anyhow!(error).context("writing the input").into()),
        _ => Ok(Exit::Done.into()),
    }
}

fn is_ipv6_only(cluster: &Cluster) -> bool {
    let has = |family| cluster.ports(family).next().is_some();
    has(Family::V6) && !has(Family::V4)
}

/// What is installed; `None` for a backend that installs nothing.
fn layout(args: &Args) -> Result<Option<Arc<dyn Layout>>, Failure> {
    let usual = Variant::usual(args.backend);
    let way = args.way.unwrap_or(usual.way);
    if !Way::of(args.backend).contains(&way) {
        let known: Vec<_> = Way::of(args.backend).iter().map(|way| way.name()).collect();
        return Err(Failure::usage(anyhow!("--way {way}: {} has {}", args.backend, known.join(", "))));
    }
    let name = match args.layout {
        Some(name) if usual.layout != LayoutName::None && !LayoutName::of(args.backend).contains(&name) => {
            return Err(Failure::usage(no_layout(args.backend)));
        }
        Some(name) if usual.layout != LayoutName::None => name,
        _ => usual.layout,
    };
    let mut settings = usual.settings;
    settings.scheduler = settings.scheduler.map(|_| args.ipvs_scheduler);
    let variant = Variant { way, layout: name, settings, ..usual };
    Ok(release::layout(variant, &args.proxy.config()?))
}

/// The cluster in `files`, on the node that the options tell.
fn imported(args: &Args, files: &[PathBuf]) -> Result<Arc<Cluster>> {
    cluster::on_node(files, args.node.as_deref(), &args.node_ip)
}

/// What `call` gives its tool to read, if it is the one that programs rules of `family`.
fn read(call: &Invocation, family: Ip) -> Option<&[u8]> {
    let is_ipv6 = match call.tool {
        Tool::IptablesRestore => false,
        Tool::Ip6tablesRestore => true,
        Tool::Nft => call.stdin.windows(NFT_IPV6.len()).any(|text| text == NFT_IPV6),
        _ => return None,
    };
    let wanted = match family {
        // iptables has a tool for each family: two inputs in one text could not be read.
        Ip::Both => call.tool == Tool::Nft || !is_ipv6,
        Ip::Ipv4 => !is_ipv6,
        Ip::Ipv6 => is_ipv6,
    };
    (wanted && !call.stdin.is_empty()).then_some(&call.stdin)
}

/// What a transaction about kube-proxy's IPv6 table has in it.
const NFT_IPV6: &[u8] = b" ip6 kube-proxy";
