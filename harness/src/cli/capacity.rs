//! `svclab capacity`: how many Services a node holds before an objective breaks.

use super::question::Asked;
use super::runs;
use crate::exit::{Exit, Failure};
use anyhow::{Context, anyhow};
use reports::Runs;
use reports::report::Report;
use std::fs;
use std::io::{ErrorKind, Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A run's folder or its run.jsonl; each of several is answered by itself
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    asked: Asked,
    /// How to say it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The file to write it to [default: standard output]
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
    /// The page of the runs, with the answer in it
    Html,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let runs = Runs::of(runs::read(&args.runs)?).map_err(Failure::usage)?;
    let answers = args.asked.answers(&runs)?;
    let text = match args.format {
        Format::Text => reports::capacity::text(&answers, args.width.unwrap_or_else(super::width)),
        Format::Json => reports::capacity::json(&answers),
        Format::Html => {
            let mut report = Report::of(&runs);
            report.more.extend(answers.iter().flat_map(reports::capacity::sections));
            report.html()
        }
    };
    match &args.out {
        Some(out) => {
            let written = fs::write(out, text).with_context(|| format!("--out {} cannot be written", out.display()));
            written.map_err(Failure::usage)?;
        }
        None => match stdout().lock().write_all(text.as_bytes()) {
            // A reader that has seen enough (`| head`) is no failure.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                return Err(anyhow!(error).context("writing to standard output").into());
            }
            _ => {}
        },
    }
    Ok(Exit::Done.into())
}
