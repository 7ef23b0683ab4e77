//! `svclab api`: a cluster served as the API server of Kubernetes would serve it, for kubectl and kube-proxy.

use super::cluster;
use crate::process::exit::{Exit, Failure};
use crate::process::interrupt;
use anyhow::{Context, Result, anyhow};
use kube_api::{Objects, Server, Settings, Watching};
use lab_core::scenario::MOST_ENDPOINTS;
use lab_core::units;
use std::io::{ErrorKind, Write, stdout};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// What `--help` says of how to use it.
pub(crate) const HELP: &str = "\
The first line printed is the URL. Then: kubectl --server URL get services,endpointslices -A
It knows nodes, namespaces, services, endpointslices and servicecidrs; it lists and watches, and takes no changes. There \
is no encryption, and nobody is asked who they are: it is reached from this machine only.
kube-proxy reads it with clientConnection.contentType: application/json and a kubeconfig that names the URL.";

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["services", "cluster"]))]
pub(crate) struct Args {
    /// A cluster, as `kubectl get services,endpointslices -A -o json` prints it, in JSON or YAML: a file, a folder, a tar
    /// archive, or - for standard input; repeat it for more parts of it
    #[arg(long, value_name = "FILE")]
    cluster: Vec<PathBuf>,
    /// Generate so many Services
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    services: Option<u32>,
    /// What generated Services are like: the name of a mix
    #[arg(long, default_value = "uniform", conflicts_with = "cluster")]
    mix: String,
    /// Endpoints a Service of a generated cluster; a mix may say it itself
    #[arg(long, value_name = "N", default_value_t = 2, conflicts_with = "cluster",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_ENDPOINTS)))]
    endpoints: u32,
    /// The node's name. A Node of that name in the dump gives its addresses and zone
    #[arg(long, value_name = "NAME", conflicts_with = "services")]
    node: Option<String>,
    /// The port on 127.0.0.1; 0 for any that is free
    #[arg(long, value_name = "PORT", default_value_t = 8001)]
    port: u16,
    /// Refuse watches that begin with what there is, as older servers do: clients list first
    #[arg(long)]
    list_first: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let cluster = match args.services {
        None => {
            cluster::on_node(&args.cluster, args.node.as_deref(), &[]).context("--cluster").map_err(Failure::usage)?
        }
        Some(services) => Arc::new(cluster::generated(&args.mix, args.endpoints, services).map_err(Failure::usage)?),
    };
    let listener = listen(args.port).map_err(Failure::cannot_run)?;
    interrupt::listen()?;
    let watching = if args.list_first { Watching::ListFirst } else { Watching::Whole };
    let settings = Settings { watching, ..Settings::default() };
    let server = Server::start_with(listener, &Objects::of(&cluster), settings).context("starting the server")?;
    let told = writeln!(stdout(), "http://{}", server.address()).and_then(|()| stdout().flush());
    told.context("writing the URL")?;
    let services = units::counted(cluster.services.len() as u64, "Service");
    tell!("svclab: {services} on node {}; end it with Ctrl-C", cluster.node.name);
    interrupt::wait()?;
    let served = server.served();
    tell!("svclab: answered {} requests, {} of them refused", served.requests, served.refusals);
    if let Some(last) = served.refused.back() {
        tell!("svclab: the last one refused: {last}");
    }
    Ok(Exit::Done.into())
}

fn listen(port: u16) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow!("--port {port}: another program has port {port} of 127.0.0.1; choose another one, or 0 for any that is free")
        }
        ErrorKind::PermissionDenied => anyhow!("--port {port}: only root may listen there; choose one from 1024 on"),
        _ => anyhow!(error).context(format!("listening on 127.0.0.1:{port}")),
    })
}
