//! `svclab explain`: what happens to a packet to a Service, by listings of a node or by what a layout installs.

use super::cluster;
use super::command_line::word;
use super::handed::{self, Wanted};
use super::options::{Width, no_layout};
use super::output::hand_over;
use super::proxy::ProxyOptions;
use crate::driver;
use crate::process::exit::{Exit, Failure};
use analysis::explain::{self, Client, Clients, Entry, Explanation, Reached, Target};
use anyhow::{Context, Result, anyhow};
use kube_dump::Input;
use lab_core::cell::Variant;
use lab_core::cluster::{Cluster, Family};
use lab_core::foreign::shown;
use lab_core::layout::release;
use lab_core::node::{NodeState, States};
use lab_core::path::{Surroundings, Walker};
use lab_core::vocabulary::{BackendName, LayoutName, Origin, Word};
use reports::explain::{self as laid_out, Explained};
use ruleset::listing::{Listing, Reading};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

pub(super) const HELP: &str = "Listings are what these print, whole or in part, in one file or several:
  iptables-save, ip6tables-save, iptables -S, iptables -t nat -nvL, nft list ruleset, nft -j list ruleset,
  ipset list, ipset save, ipvsadm -Ln, ipvsadm -Sn, ip -o addr

Examples:
  iptables-save | svclab explain - 10.96.0.10:53/udp
  svclab explain rules.txt sets.txt default/testsvc:http --from outside
  svclab explain rules.txt                                  the ruleset's summary
  svclab explain --diff before.txt after.txt                what packets meet that they did not
  svclab explain --backend nftables --services 1000 10.96.0.11:80";

/// How many notes are printed.
const NOTES: usize = 12;
/// Endpoints of a generated Service whose mix does not say how many.
const ENDPOINTS: u32 = 3;

/// The files of folders and archives that may be listings.
const WANTED: Wanted = Wanted {
    is_read: |path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let is_input = ["restore", ".argv", ".sh"].iter().any(|part| name.contains(part));
        !is_input && ["tables", "nft", "ipvs", "ipset", "addr", "rules"].iter().any(|part| name.contains(part))
    },
    names: "has tables, nft, ipvs, ipset, addr or rules in its name",
    advice: "the listings only",
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Listings of one node: files, folders, tar archives, or - for standard input; then what to explain: a Service
    /// (default/testsvc, default/testsvc:http), an address and a port (10.96.0.10:53/udp) or a node port (:30031). Without
    /// that, the ruleset's summary
    #[arg(value_name = "FILE|TARGET")]
    inputs: Vec<String>,
    /// What to explain, as TARGET
    #[arg(long, value_name = "TARGET", conflicts_with = "diff")]
    to: Option<String>,
    /// Where packets come from: pod, node, outside, or an address; repeat it for more [default: all three]
    #[arg(long, value_name = "pod|node|outside|ADDRESS", value_parser = client)]
    from: Vec<Client>,
    /// The state of the packet's connection
    #[arg(long, value_enum, default_value_t = Connection::New)]
    connection: Connection,
    /// The packet's mark when it comes
    #[arg(long, value_name = "MARK", default_value = "0", value_parser = mark)]
    mark: u32,
    /// An address of the node, where no listing tells; repeat it for one of each family
    #[arg(long, value_name = "ADDRESS")]
    node_ip: Vec<IpAddr>,
    /// Say what packets meet on one node and not on the other: two listings, folders or archives
    #[arg(long, num_args = 2, value_names = ["A", "B"], conflicts_with_all = ["inputs", "backend", "from"])]
    diff: Vec<PathBuf>,
    /// Instead of listings, what the lab installs with this backend
    #[arg(long, value_parser = word::<BackendName>())]
    backend: Option<BackendName>,
    /// The kube-proxy release whose rules these are [default: the newest that was compared with a real binary]
    #[arg(long, value_name = "LAYOUT", value_parser = LayoutName::choose, requires = "backend")]
    layout: Option<LayoutName>,
    /// So many generated Services
    #[arg(long, value_name = "N", default_value_t = 1000, requires = "backend",
          value_parser = clap::value_parser!(u32).range(1..=50_000))]
    services: u32,
    /// What those are like: the name of a mix
    #[arg(long, value_name = "MIX", default_value = "mixed", requires = "backend")]
    mix: String,
    /// Instead of generated Services, a cluster, as `kubectl get services,endpointslices -A -o json` prints it; repeat it
    /// for more parts of it
    #[arg(long, value_name = "FILE", requires = "backend", conflicts_with_all = ["services", "mix"])]
    cluster: Vec<PathBuf>,
    /// The node of that cluster
    #[arg(long, value_name = "NAME", requires = "cluster")]
    node: Option<String>,
    /// List the rules, too, that were tried and do not apply
    #[arg(long)]
    show_all: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write to this file [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    width: Width,
    #[command(flatten)]
    proxy: ProxyOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For a terminal
    Text,
    /// One JSON object
    Json,
    /// A graph of the chains in Mermaid's language, which forges draw
    Mermaid,
    /// One page with the graph, which needs nothing else
    Html,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Connection {
    /// Its first packet
    New,
    /// It was answered
    Established,
    /// Another connection announced it
    Related,
    /// It belongs to none
    Invalid,
}

impl Connection {
    fn states(self) -> States {
        match self {
            Self::New => States::NEW,
            Self::Established => States::ESTABLISHED,
            Self::Related => States::RELATED,
            Self::Invalid => States::INVALID,
        }
    }
}

fn client(text: &str) -> Result<Client, String> {
    match text.parse::<IpAddr>() {
        Ok(address) => Ok(Client::Address(address)),
        Err(_) => Origin::find(text)
            .map(Client::At)
            .map_err(|_| format!("{text:?} is none of pod, node, outside, and no address")),
    }
}

fn mark(text: &str) -> Result<u32, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map_err(|_| format!("{text:?} is no mark: a number below 2^32, decimal or 0x…"))
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    args.width.check(&args.format, &Format::Text).map_err(Failure::usage)?;
    if let [first, second] = &args.diff[..] {
        return difference(args, first, second);
    }
    let (files, target) = asked(args)?;
    let (state, cluster) = match args.backend {
        Some(backend) if files.is_empty() => installed(args, backend)?,
        Some(_) => {
            return Err(Failure::usage(anyhow!("--backend: what the lab installs takes the place of files; give one")));
        }
        None if files.is_empty() => {
            if let Some(Target::Name(name)) = target.as_ref().filter(|_| args.to.is_none()) {
                return Err(Failure::usage(anyhow!("there is no file {:?}, and nothing else to read", shown(name))));
            }
            return Err(Failure::usage(anyhow!(
                "there is nothing to read: name a file with listings, - for standard input, or --backend"
            )));
        }
        None => (read(&files)?, None),
    };
    let surroundings = with_target(surroundings(&state, args), &state, target.as_ref());
    let clients = Clients::of(&state, &surroundings);
    let walker = Walker::new(&state, surroundings);
    let text = match target {
        Some(target) => {
            let walker = if args.show_all { walker.listing_misses() } else { walker };
            explained(args, &walker, &clients, &target, cluster.as_deref())?
        }
        None => summary(args, &walker, &clients, &files)?,
    };
    hand_over(&text, args.out.as_deref())?;
    Ok(Exit::Done.into())
}

/// The files to read, and what to explain.
fn asked(args: &Args) -> Result<(Vec<PathBuf>, Option<Target>), Failure> {
    let parse = |text: &str| text.parse::<Target>().map_err(|error| Failure::usage(anyhow!("{error}")));
    let mut files = args.inputs.clone();
    let target = match &args.to {
        Some(text) => Some(parse(text)?),
        None => match files.last() {
            Some(last) if last != "-" && !Path::new(last).exists() => {
                let target = last.parse::<Target>().map_err(|error| {
                    let last = shown(last);
                    Failure::usage(anyhow!("there is no file {last:?}; and as a target: {error}"))
                })?;
                files.pop();
                Some(target)
            }
            _ => None,
        },
    };
    Ok((files.into_iter().map(PathBuf::from).collect(), target))
}

/// What the listings in `paths` say of a node.
fn read(paths: &[PathBuf]) -> Result<NodeState, Failure> {
    let inputs = handed::unpack(paths, &WANTED).map_err(Failure::usage)?;
    let texts: Vec<(String, String)> = inputs.into_iter().map(text).collect();
    let listings: Vec<Listing<'_>> = texts.iter().map(|(name, text)| Listing { name, text }).collect();
    let Reading { state, notes } = ruleset::listing::read(&listings);
    for note in notes.iter().take(NOTES) {
        tell!("svclab: {}", shown(&note.to_string()));
    }
    if let Some(more) = notes.len().checked_sub(NOTES).filter(|&more| more > 0) {
        tell!("svclab: {more} more like these");
    }
    if state.is_empty() {
        let error = anyhow!(
            "no listing of rules, sets, virtual servers or addresses is in what was handed over; see svclab explain --help"
        );
        return Err(Failure::usage(error));
    }
    Ok(state)
}

/// An input's name and its text. What is no text is read as far as it is.
fn text(input: Input) -> (String, String) {
    let text = input.text().map(String::from).unwrap_or_else(|_| String::from_utf8_lossy(&input.bytes).into_owned());
    (input.name, text)
}

/// What the lab installs with `backend`, and the cluster.
fn installed(args: &Args, backend: BackendName) -> Result<(NodeState, Option<Arc<Cluster>>), Failure> {
    let usual = Variant::usual(backend);
    if usual.layout == LayoutName::None {
        return Err(Failure::usage(anyhow!(
            "--backend {backend}: it installs nothing, so there is nothing to explain"
        )));
    }
    let layout = args.layout.unwrap_or(usual.layout);
    if !LayoutName::of(backend).contains(&layout) {
        return Err(Failure::usage(no_layout(backend)));
    }
    let cluster = match &args.cluster[..] {
        [] => cluster::generated(&args.mix, ENDPOINTS, args.services).map(Arc::new),
        files => cluster::on_node(files, args.node.as_deref(), &args.node_ip).context("--cluster"),
    };
    let cluster = cluster.map_err(Failure::usage)?;
    let layout = release::layout(Variant { layout, ..usual }, &args.proxy.config()?);
    let layout = layout.ok_or_else(|| Failure::usage(no_layout(backend)))?;
    let texts = driver::listings(&*layout, &cluster)?;
    let listings: Vec<Listing<'_>> = texts.iter().map(|(name, text)| Listing { name, text }).collect();
    let reading = ruleset::listing::read(&listings);
    for note in reading.notes.iter().take(NOTES) {
        tell!("svclab: {}", shown(&note.to_string()));
    }
    Ok((reading.state, Some(cluster)))
}

fn surroundings(state: &NodeState, args: &Args) -> Surroundings {
    args.node_ip.iter().fold(Surroundings::of(state), |surroundings, &address| surroundings.with_address(address))
}

/// The same; where no listing tells the node's addresses, one that is dialled on a node port is taken for one of them.
fn with_target(surroundings: Surroundings, state: &NodeState, target: Option<&Target>) -> Surroundings {
    let Some(&Target::Address { address, port: Some(port), protocol }) = target else { return surroundings };
    let entries = explain::entries(state);
    let is_named = entries.iter().any(|entry| entry.at == Reached::At(address));
    let is_node_port = entries.iter().any(|entry| {
        matches!(entry.at, Reached::AtNode(_)) && entry.port == port && protocol.is_none_or(|one| one == entry.protocol)
    });
    if surroundings.is_known() || is_named || !is_node_port { surroundings } else { surroundings.with_address(address) }
}

/// All entries; those that rules do not name are named by the cluster that they were made from, if there is one.
fn entries(state: &NodeState, cluster: Option<&Cluster>) -> Vec<Entry> {
    let mut entries = explain::entries(state);
    let Some(cluster) = cluster else { return entries };
    let ports = Family::ALL.into_iter().flat_map(|family| cluster.ports(family));
    let names: std::collections::HashMap<_, _> = ports
        .map(|port| {
            let name = match port.port.name.as_str() {
                "" => format!("{}/{}", port.namespace(), port.name()),
                name => format!("{}/{}:{name}", port.namespace(), port.name()),
            };
            (port.socket(), port.protocol(), name)
        })
        .map(|(socket, protocol, name)| ((socket, protocol.number()), name))
        .collect();
    for entry in entries.iter_mut().filter(|entry| entry.name.is_empty()) {
        let address = entry.dialled(|is_v4| if is_v4 { [0, 0, 0, 0].into() } else { [0; 16].into() });
        if let Some(name) = names.get(&(address, entry.protocol)) {
            entry.name = name.as_str().into();
        }
    }
    entries
}

fn explained(
    args: &Args,
    walker: &Walker<'_>,
    clients: &Clients,
    target: &Target,
    cluster: Option<&Cluster>,
) -> Result<String, Failure> {
    let entries = entries(walker.state(), cluster);
    let resolved = explain::resolve(target, &entries, |is_v4| walker.surroundings().address(is_v4));
    let resolved = resolved.map_err(|error| {
        let file = if args.to.is_none() && matches!(target, Target::Name(_)) {
            "; nor is there a file of this name"
        } else {
            ""
        };
        Failure::usage(anyhow!("{}{file}", shown(&error.to_string())))
    })?;
    let explanation: Explanation = explain::explain(walker, clients, &resolved, &args.from, &|packet| {
        packet.state = args.connection.states();
        packet.mark = args.mark;
    });
    if explanation.ways.is_empty() {
        return Err(Failure::usage(anyhow!("--from: no address given is of the family of {target}")));
    }
    let title = target.to_string();
    let explained = Explained { title: &title, explanation: &explanation, walker, clients };
    Ok(match args.format {
        Format::Text => explained.text(args.width.columns()),
        Format::Json => explained.json(),
        Format::Mermaid => explained.mermaid(),
        Format::Html => explained.html(),
    })
}

fn summary(args: &Args, walker: &Walker<'_>, clients: &Clients, files: &[PathBuf]) -> Result<String, Failure> {
    let title = match (args.backend, files) {
        (Some(backend), _) => format!("What the lab installs with {backend}"),
        (None, [file]) if file.as_os_str() != "-" => file.display().to_string(),
        _ => "The node's rules".to_owned(),
    };
    let summary = explain::summary(walker, clients);
    Ok(match args.format {
        Format::Text => laid_out::summary_text(&title, &summary, args.width.columns()),
        Format::Json => laid_out::summary_json(&summary),
        Format::Html => laid_out::summary_html(&title, &summary),
        Format::Mermaid => {
            return Err(Failure::usage(anyhow!(
                "--format mermaid draws one target's way; name a target, or take another format"
            )));
        }
    })
}

fn difference(args: &Args, first: &Path, second: &Path) -> Result<ExitCode, Failure> {
    let names = [first, second].map(|path| path.display().to_string());
    let names = [names[0].as_str(), names[1].as_str()];
    let states = [read(&[first.to_owned()])?, read(&[second.to_owned()])?];
    let walkers = states.each_ref().map(|state| Walker::new(state, surroundings(state, args)));
    let differences = explain::difference(&walkers[0], &walkers[1]);
    let text = match args.format {
        Format::Text => laid_out::difference_text(names, &differences, args.width.columns()),
        Format::Json => laid_out::difference_json(names, &differences),
        Format::Html => laid_out::difference_html(names, &differences),
        Format::Mermaid => {
            return Err(Failure::usage(anyhow!("--format mermaid draws one target's way, not a difference")));
        }
    };
    hand_over(&text, args.out.as_deref())?;
    Ok(if differences.found.is_empty() { Exit::Done } else { Exit::Differs }.into())
}
