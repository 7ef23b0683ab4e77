//! `svclab capacity`: how many Services a node holds before an objective breaks.

use super::output;
use super::question::CapacityOptions;
use super::runs;
use crate::process::exit::{Exit, Failure};
use crate::process::terminal;
use reports::Runs;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A run's folder or its run.jsonl; several are answered one by one
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    capacity: CapacityOptions,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Columns of the text, from 60 [default: the terminal's, else 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(60..=1000))]
    width: Option<u16>,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For reading in a terminal
    Text,
    /// For other programs
    Json,
    /// The report page, with the answer in it
    Html,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let runs = Runs::of(runs::read(&args.runs)?).map_err(Failure::usage)?;
    let text = match args.format {
        Format::Text => {
            reports::capacity::text(&args.capacity.answers(&runs)?, args.width.unwrap_or_else(terminal::width))
        }
        Format::Json => reports::capacity::json(&args.capacity.answers(&runs)?),
        Format::Html => args.capacity.report(&runs)?.html(),
    };
    output::hand_over(&text, args.out.as_deref())?;
    Ok(Exit::Done.into())
}
