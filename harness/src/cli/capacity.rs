//! `svclab capacity`: how many Services a node holds before an objective breaks.

use super::runs;
use crate::exit::{Exit, Failure};
use anyhow::{Context, Result, anyhow};
use lab_core::capacity::{self, Calibration, MOST_SERVICES, Objective, Question};
use lab_core::dataset::Dataset;
use reports::Runs;
use reports::capacity::Answered;
use std::fs;
use std::io::{ErrorKind, Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A run's folder or its run.jsonl; each of several is answered by itself
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// What a metric may cost at most, or must reach at least: connect_p99=1ms, sync_change=1s, bandwidth=5Gbit/s,
    /// tool_peak_rss=512MiB; repeat it for more
    #[arg(long = "slo", value_name = "METRIC[_p90|_p99]=LIMIT", required = true)]
    objectives: Vec<Objective>,
    /// Numbers of Services at which to say whether the objectives are held
    #[arg(long, value_name = "N,N…", value_delimiter = ',',
          value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_SERVICES)))]
    services: Vec<u32>,
    /// Tightens every limit by this share
    #[arg(long, value_name = "PERCENT", default_value = "0%", value_parser = share)]
    headroom: f64,
    /// Endpoints a Service, where the run has several [default: the most that everything was measured with]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    endpoints: Option<u32>,
    /// A timed run of the same scenario that makes times of a run in the target exact
    #[arg(long, value_name = "HOST_RUN")]
    calibrate: Option<PathBuf>,
    /// Go on past twice the largest size that was measured, and mark it
    #[arg(long)]
    extrapolate: bool,
    /// How to say it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The file to write it to [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For reading in a terminal
    Text,
    /// For other programs
    Json,
    /// As a page by itself
    Html,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let runs = Runs::of(runs::read(&args.runs)?).map_err(Failure::usage)?;
    let timed = match &args.calibrate {
        Some(place) => runs::read(std::slice::from_ref(place))?.pop(),
        None => None,
    };
    let question = Question {
        objectives: args.objectives.clone(),
        headroom: args.headroom,
        sizes: args.services.clone(),
        endpoints: args.endpoints,
        extrapolate: args.extrapolate,
    };
    let answers = answers(&runs, timed.as_ref(), &question).map_err(Failure::usage)?;
    let text = match args.format {
        Format::Text => reports::capacity::text(&answers, super::width()),
        Format::Json => reports::capacity::json(&answers),
        Format::Html => String::new(),
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

fn answers(runs: &Runs, timed: Option<&Dataset>, question: &Question) -> Result<Vec<Answered>> {
    let several = runs.datasets().len() > 1;
    let mut answers = Vec::new();
    for (dataset, label) in runs.datasets().iter().zip(runs.labels()) {
        let calibration = match timed {
            Some(timed) => Some(Calibration::fit(dataset, timed, &question.wanted()).context("--calibrate")?),
            None => None,
        };
        answers.push(Answered {
            label: if several { label.clone() } else { String::new() },
            run: dataset.header.id.clone(),
            answer: capacity::answer(dataset, question, calibration.as_ref()).context("--slo")?,
            cluster: Vec::new(),
        });
    }
    Ok(answers)
}

/// A share of a limit, such as `20%` or `0.2`.
fn share(text: &str) -> Result<f64, String> {
    let (number, whole) = match text.strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    match number.trim().parse::<f64>() {
        Ok(number) if (0.0..whole).contains(&number) => Ok(number / whole),
        _ => Err(format!("found {text}; headroom is a share such as 20% or 0.2, from 0% to below 100%")),
    }
}
