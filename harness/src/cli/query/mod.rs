//! `svclab query`: SQL over the samples and the summary of recorded runs.
//!
//! polars answers. It takes minutes to compile, so only a build with the feature `query` has it. Other builds say how
//! to get it.

#[cfg(feature = "query")]
mod answer;
#[cfg(feature = "query")]
mod rows;

use crate::process::exit::Failure;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
#[cfg_attr(not(feature = "query"), allow(dead_code, reason = "only a build with SQL looks at all of it"))]
pub(crate) struct Args {
    /// What to select from the tables `samples` and `summary`
    sql: String,
    /// A run's folder or its run.jsonl; the tables have the rows of all of them
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// How to write the rows
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Columns of text
    Table,
    /// A line for each row, with a header line
    Csv,
    /// A list of objects
    Json,
}

/// What `--help` says of the tables.
pub(crate) const HELP: &str = "\
The table samples has a row a sample (value), summary a row a cell and metric (p50, ci_low, …). Their columns are \
described in reports/FORMATS.md. Numbers are in base units. Runs may be on different clocks: choose one.

  svclab query \"select backend, services, median(value) as ns from samples
                where metric = 'connect' and clock = 'wall'
                group by backend, services order by services, ns\" runs/*
  svclab query \"select * from summary where outcome <> 'measured'\" RUN";

#[cfg(feature = "query")]
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let datasets = super::runs::read(&args.runs)?;
    let answer = answer::to(&args.sql, &datasets).map_err(Failure::usage)?;
    let text = match args.format {
        Format::Table => rows::table(&answer),
        Format::Csv => rows::csv(&answer)?,
        Format::Json => rows::json(&answer)?,
    };
    super::output::print(text.as_bytes())?;
    Ok(crate::process::exit::Exit::Done.into())
}

#[cfg(not(feature = "query"))]
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    Err(Failure::usage(anyhow::anyhow!(
        "this svclab was built without SQL, which takes minutes to compile; build it with: cargo build --release \
         --features query; or query the Parquet files with another program: svclab report {} --format parquet \
         --out DIR",
        lab_core::shell::paths(&args.runs)
    )))
}
