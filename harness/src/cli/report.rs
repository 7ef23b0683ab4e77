//! `svclab report`: every format that recorded runs can be turned into.

use super::options::{Width, spelled};
use super::output;
use super::product::{Product, save};
use super::question::CapacityOptions;
use super::runs;
use crate::process::exit::{Exit, Failure};
use anyhow::{Result, anyhow, ensure};
use lab_core::dataset::Dataset;
use lab_core::metric::Better;
use reports::Runs;
use reports::report::Report;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A run's folder or its run.jsonl; several are reported side by side
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
    /// Where to write it: a file, or a folder for files of their usual names [default: standard output]
    #[arg(long, value_name = "FILE|DIR")]
    out: Option<PathBuf>,
    /// Only this section, table or chart; for an unknown name the error lists the known ones
    #[arg(long, value_name = "NAME")]
    section: Option<String>,
    #[command(flatten)]
    capacity: CapacityOptions,
    #[command(flatten)]
    width: Width,
}

/// An output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A short report, as plain text
    Terminal,
    /// The whole report, for a pull request
    Markdown,
    /// The whole report with charts, as one self-contained page
    Html,
    /// The charts, each as a file; needs --out DIR, or --section NAME for a single one
    Svg,
    /// The summary: a row a cell and metric
    Csv,
    /// The summary and what ran, as one object
    Json,
    /// The samples and the summary, as two files; needs --out DIR
    Parquet,
    /// Medians for github-action-benchmark, as a file for each of its custom tools; needs --out DIR
    BenchmarkAction,
    /// A line a round in the Go benchmark format
    Benchstat,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    check(args).map_err(Failure::usage)?;
    let datasets = runs::read(&args.runs)?;
    let products = make(args, datasets)?;
    match &args.out {
        Some(out) => save(out, &products, args.is_several_files()).map_err(Failure::usage)?,
        None => products.iter().try_for_each(|product| output::print(&product.bytes))?,
    }
    Ok(Exit::Done.into())
}

impl Args {
    /// Whether it is several files, which standard output cannot take.
    fn is_several_files(&self) -> bool {
        match self.format {
            Format::Parquet | Format::BenchmarkAction => true,
            Format::Svg => self.section.is_none(),
            _ => false,
        }
    }
}

/// Checks the command line before anything is read.
fn check(args: &Args) -> Result<()> {
    args.width.check(&args.format, &Format::Terminal)?;
    let name = spelled(&args.format);
    ensure!(
        args.section.is_none() || matches!(args.format, Format::Terminal | Format::Markdown | Format::Svg),
        "--section is for --format terminal, markdown and svg, not for {name}"
    );
    let is_page = matches!(args.format, Format::Terminal | Format::Markdown | Format::Html);
    ensure!(
        is_page || !args.capacity.is_asked()?,
        "--slo is for --format terminal, markdown and html, not for {name}; for data: svclab capacity --format json"
    );
    let Some(out) = &args.out else {
        ensure!(!args.is_several_files(), "--format {name} makes several files: name their folder with --out DIR");
        return Ok(());
    };
    let shown = out.display();
    if args.is_several_files() {
        ensure!(out.is_dir() || !out.exists(), "--out {shown} is a file; --format {name} makes several: name a folder");
    }
    runs::spare(out, &args.runs)
}

fn make(args: &Args, datasets: Vec<Dataset>) -> Result<Vec<Product>, Failure> {
    let text = |name: &str, text: String| vec![Product::text(name, text)];
    let report = |datasets| {
        let runs = Runs::of(datasets).map_err(Failure::usage)?;
        if args.capacity.is_asked().map_err(Failure::usage)? {
            args.capacity.report(&runs)
        } else {
            Ok(Report::of(&runs))
        }
    };
    if let Some(name) = &args.section {
        return Ok(vec![part(args, name, &report(datasets)?)?]);
    }
    Ok(match args.format {
        Format::Terminal => text("report.txt", report(datasets)?.terminal(args.width.columns())),
        Format::Markdown => text("report.md", report(datasets)?.markdown()),
        Format::Html => text("report.html", report(datasets)?.html()),
        Format::Svg => pictures(&report(datasets)?)?,
        Format::Csv => text("summary.csv", reports::csv(&datasets)),
        Format::Json => text("report.json", reports::json(&datasets)),
        Format::Benchstat => text("benchstat.txt", reports::benchstat(&datasets)),
        Format::Parquet => vec![
            Product { name: "samples.parquet".to_owned(), bytes: reports::parquet::samples(&datasets) },
            Product { name: "summary.parquet".to_owned(), bytes: reports::parquet::summary(&datasets) },
        ],
        Format::BenchmarkAction => benchmark_action(&datasets)?,
    })
}

/// What `--section` names.
fn part(args: &Args, name: &str, report: &Report) -> Result<Product, Failure> {
    let (end, text) = match args.format {
        Format::Svg => ("svg", report.picture(name)),
        Format::Markdown => ("md", report.markdown_part(name)),
        _ => ("txt", report.terminal_part(name, args.width.columns())),
    };
    let text = text.map_err(Failure::usage)?;
    Ok(Product { name: format!("{name}.{end}"), bytes: text.into_bytes() })
}

/// A file for each chart.
fn pictures(report: &Report) -> Result<Vec<Product>, Failure> {
    let product = |(name, text): (String, String)| Product { name: format!("{name}.svg"), bytes: text.into_bytes() };
    let products: Vec<Product> = report.pictures().into_iter().map(product).collect();
    if products.is_empty() {
        return Err(Failure::usage(anyhow!("nothing was measured at two sizes; there is no chart to draw")));
    }
    Ok(products)
}

/// A file for each of github-action-benchmark's custom tools, if it has entries: the action refuses an empty one.
fn benchmark_action(datasets: &[Dataset]) -> Result<Vec<Product>, Failure> {
    let files = [("smaller-is-better.json", Better::Lower), ("bigger-is-better.json", Better::Higher)];
    let product = |(name, better)| {
        let text = reports::benchmark_action(datasets, better)?;
        Some(Product { name: String::from(name), bytes: text.into_bytes() })
    };
    let products: Vec<Product> = files.into_iter().filter_map(product).collect();
    if products.is_empty() {
        return Err(Failure::usage(anyhow!(
            "nothing was measured that could be better or worse; there is no file to write"
        )));
    }
    Ok(products)
}
