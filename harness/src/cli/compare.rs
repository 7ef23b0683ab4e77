//! `svclab compare`: two runs side by side.

use super::options::Width;
use super::output;
use super::product::{Product, save};
use super::runs;
use crate::process::exit::{Exit, Failure};
use analysis::gate::{self, Bearing, Compared, Comparison};
use anyhow::{Result, bail};
use reports::gate::comparison;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The earlier run: its folder, its run.jsonl, or a baseline
    #[arg(value_name = "BEFORE")]
    before: PathBuf,
    /// The later run
    #[arg(value_name = "AFTER")]
    after: PathBuf,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
    /// The file to write, or a folder for a file of the usual name [default: standard output]
    #[arg(long, value_name = "FILE|DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    width: Width,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// The most important rows, for a terminal
    Terminal,
    /// Everything, for a pull request
    Markdown,
    /// A line a cell and metric
    Csv,
    /// For other programs
    Json,
    /// Everything, as one self-contained page
    Html,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    args.width.check(&args.format, &Format::Terminal).map_err(Failure::usage)?;
    let read = |place| runs::read_one(place).map_err(Failure::usage);
    let comparison = gate::compare(&read(&args.before)?, &read(&args.after)?);
    check(&comparison).map_err(Failure::not_comparable)?;
    let product = make(&comparison, args.format, args.width.columns());
    match &args.out {
        Some(out) => {
            runs::spare(out, [&args.before, &args.after])
                .and_then(|()| save(out, &[product], false))
                .map_err(Failure::usage)?;
        }
        None => output::print(&product.bytes)?,
    }
    Ok(Exit::Done.into())
}

/// Whether the runs can be compared at all.
fn check(comparison: &Comparison) -> Result<()> {
    forbidden(comparison)?;
    let is_in_both = |row: &Compared| row.before.is_some() && row.after.is_some();
    if comparison.rows.iter().any(is_in_both) {
        return Ok(());
    }
    let named = |side: fn(&Compared) -> bool| comparison.rows.iter().find(|row| side(row)).map(|row| &row.name);
    let (Some(before), Some(after)) = (named(|row| row.before.is_some()), named(|row| row.after.is_some())) else {
        return Ok(());
    };
    bail!(
        "{} and {} have no cell in common: the one has {before}, the other {after}; take runs of one scenario, and of one \
         driver (a real kube-proxy that stands for another has the same name, as in --kube-proxy proxy=FILE)",
        comparison.before,
        comparison.after
    );
}

/// Whether something that the runs differ in forbids comparing them.
fn forbidden(comparison: &Comparison) -> Result<()> {
    let Some(difference) = comparison.differences.iter().find(|difference| difference.bearing == Bearing::Forbids)
    else {
        return Ok(());
    };
    let (before, after) = (&comparison.before, &comparison.after);
    let (aspect, was, is) = (difference.aspect, &difference.before, &difference.after);
    bail!("{before} and {after} cannot be compared: the {aspect} was {was} and is {is}; take runs of one target");
}

fn make(comparison: &Comparison, format: Format, width: u16) -> Product {
    match format {
        Format::Terminal => Product::text("comparison.txt", comparison::page(comparison).terminal(width)),
        Format::Markdown => Product::text("comparison.md", comparison::page(comparison).markdown()),
        Format::Csv => Product::text("comparison.csv", comparison::csv(comparison)),
        Format::Json => Product::text("comparison.json", comparison::json(comparison)),
        Format::Html => Product::text("comparison.html", comparison::page(comparison).html()),
    }
}
