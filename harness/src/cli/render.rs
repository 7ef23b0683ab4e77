//! `svclab render`: prints the input that a tool would get.

use super::options::word;
use crate::backend::{self, Options};
use crate::process::exit::{Exit, Failure};
use anyhow::anyhow;
use lab_core::cell::Variant;
use lab_core::change::Change;
use lab_core::cluster::{AddressPlan, Cluster};
use lab_core::layout::Action;
use lab_core::scenario::MOST_ENDPOINTS;
use lab_core::vocabulary::{BackendName, Way, Word};
use std::io::{BufWriter, ErrorKind, Write, stdout};
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The backend whose tool would get it
    #[arg(long, value_parser = word::<BackendName>())]
    backend: BackendName,
    /// The number of Services
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    services: u32,
    /// Endpoints a Service
    #[arg(long, value_name = "N", default_value_t = 2,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_ENDPOINTS)))]
    endpoints: u32,
    /// How it is programmed [default: the backend's first way]
    #[arg(long, value_parser = word::<Way>())]
    way: Option<Way>,
    /// Which input
    #[arg(long, value_enum, default_value_t = Input::SyncFull)]
    input: Input,
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
    let usual = Options::usual(args.backend);
    let way = args.way.unwrap_or(usual.variant.way);
    let options = Options { variant: Variant { way, ..usual.variant }, ..usual };
    if !Way::of(args.backend).contains(&way) {
        let known: Vec<_> = Way::of(args.backend).iter().map(|way| way.name()).collect();
        return Err(Failure::usage(anyhow!("--way {way}: {} has {}", args.backend, known.join(", "))));
    }
    let Some(layout) = options.layout() else {
        return Err(Failure::usage(anyhow!(
            "--backend {}: it installs nothing, so there is nothing to render",
            args.backend
        )));
    };
    let addresses = AddressPlan::new(args.endpoints);
    addresses.check(args.services).map_err(|full| Failure::usage(anyhow!("--services: {full}")))?;
    let cluster = Arc::new(Cluster::generate(args.services, &addresses));
    let calls = match args.input {
        Input::Prepare => layout.prepare(),
        Input::SyncFull => layout.full_sync(&cluster),
        Input::SyncChange => layout.partial_sync(&Change::adding(&cluster, &addresses)),
        Input::EndpointChange => layout.partial_sync(&Change::replacing_endpoint(&cluster, &addresses)),
        Input::RemoveService => layout.partial_sync(&Change::removing(&cluster)),
        Input::AppendRule => vec![layout.append_rule(&cluster).add.into()],
    };
    let mut out = BufWriter::new(stdout().lock());
    let written = match &calls[..] {
        // Exactly as the tool reads it, so that it can be piped into the tool.
        [Action::Call(_, call)] if !call.stdin.is_empty() => out.write_all(&call.stdin),
        _ => calls.iter().try_for_each(|action| write!(out, "{}", action.show(|tool| backend.program(tool)))),
    };
    match written.and_then(|()| out.flush()) {
        // A reader that has seen enough (`| head`) is no failure.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(anyhow!(error).context("writing the input").into()),
        _ => Ok(Exit::Done.into()),
    }
}
