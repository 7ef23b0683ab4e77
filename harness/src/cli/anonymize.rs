//! `svclab anonymize`: a cluster without its names and addresses, to be handed on.

use super::{cluster, output};
use crate::process::exit::{Exit, Failure};
use std::path::PathBuf;
use std::process::ExitCode;

/// What `--help` says of what it does.
pub(crate) const HELP: &str =
    "Replaced, equal ones equally: names, namespaces, port names, addresses, node names, zones.
Dropped: labels and annotations that kube-proxy does not read, all other objects and fields.
Kept: families, types, ports, node ports, policies, affinity, conditions, counts, and what is in one network; the first \
byte of an IPv4 address, two of an IPv6 one. A release programs as many rules, chains and set elements for the result.
Not kept: lengths of names, so comments are shorter or longer; the order of hashes.
Addresses are replaced by a key that is thrown away: another call replaces them otherwise.";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A cluster, as `kubectl get services,endpointslices -A -o json` prints it, in JSON or YAML: a file, a folder, a tar
    /// archive, or - for standard input; several are parts of one cluster
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let dump = cluster::read(&args.files).map_err(Failure::usage)?;
    cluster::say(&dump);
    let anonymous = dump.anonymous(&rand::random());
    cluster::say(&anonymous);
    let text = anonymous.to_json();
    output::hand_over(&text, args.out.as_deref())?;
    Ok(Exit::Done.into())
}
