//! The capacity options of `svclab capacity` and `svclab report`, and the answers to them.

use super::asked::Asked;
use super::runs;
use crate::process::exit::Failure;
use analysis::capacity::{self, Calibration, MOST_SERVICES, Objective, Question};
use anyhow::{Context, Result, anyhow, bail};
use lab_core::dataset::Dataset;
use reports::Runs;
use reports::capacity::Answered;
use reports::report::Report;
use std::path::PathBuf;

/// What an objective looks like.
const EXAMPLE: &str = "add a limit for a metric, such as --slo connect_p99=1ms or --slo sync_change=1s";

/// The objectives, and for which sizes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Capacity")]
pub(crate) struct CapacityOptions {
    /// An objective, a limit for a metric: connect_p99=1ms, sync_change=1s, bandwidth=5Gbit/s, tool_peak_rss=512MiB;
    /// repeat it for more
    #[arg(long = "slo", value_name = "METRIC[_p90|_p99]=LIMIT")]
    objectives: Vec<Objective>,
    /// Numbers of Services: are the objectives held there?
    #[arg(long, value_name = "N,N…", value_delimiter = ',',
          value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_SERVICES)))]
    services: Vec<u32>,
    /// Tightens every limit by this share
    #[arg(long, value_name = "PERCENT", default_value = "0%", value_parser = share)]
    headroom: f64,
    /// A cluster, as `kubectl get services,endpointslices -A -o json` prints it, in JSON or YAML: a file, a folder, a tar
    /// archive, or - for standard input; repeat it for more parts of it. Also answer for its size
    #[arg(long, value_name = "FILE")]
    cluster: Vec<PathBuf>,
    /// How much that cluster will grow, such as 3x
    #[arg(long, value_name = "FACTOR", default_value = "1x", value_parser = factor, requires = "cluster")]
    growth: f64,
    /// Endpoints a Service, if the run has several numbers [default: the largest that everything was measured with]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    endpoints: Option<u32>,
    /// A timed run of the same scenario, which turns the instructions of an exact run into time
    #[arg(long, value_name = "HOST_RUN")]
    calibrate: Option<PathBuf>,
    /// Also answer beyond twice the largest measured size, marked as extrapolated
    #[arg(long)]
    extrapolate: bool,
}

impl CapacityOptions {
    /// Whether anything is asked.
    ///
    /// # Errors
    /// If an option is given that says how to answer, and nothing to answer.
    pub(crate) fn is_asked(&self) -> Result<bool> {
        if !self.objectives.is_empty() {
            return Ok(true);
        }
        let given = [
            ("--services", !self.services.is_empty()),
            ("--headroom", self.headroom > 0.0),
            ("--cluster", !self.cluster.is_empty()),
            ("--endpoints", self.endpoints.is_some()),
            ("--calibrate", self.calibrate.is_some()),
            ("--extrapolate", self.extrapolate),
        ];
        match given.iter().find(|(_, is_given)| *is_given) {
            None => Ok(false),
            Some((option, _)) => bail!("{option} needs an objective to answer: {EXAMPLE}"),
        }
    }

    /// The report on `runs`, with the answers in it.
    ///
    /// # Errors
    /// As [`Self::answers`].
    pub(crate) fn report(&self, runs: &Runs) -> Result<Report, Failure> {
        let answers = self.answers(runs)?;
        let mut report = Report::of(runs);
        report.more.extend(answers.iter().flat_map(reports::capacity::sections));
        Ok(report)
    }

    /// The answer of each run.
    ///
    /// # Errors
    /// When nothing is asked, a file cannot be read, or the question does not fit the runs.
    pub(crate) fn answers(&self, runs: &Runs) -> Result<Vec<Answered>, Failure> {
        if !self.is_asked().map_err(Failure::usage)? {
            return Err(Failure::usage(anyhow!("no objective is given: {EXAMPLE}")));
        }
        let timed = match &self.calibrate {
            Some(place) => runs::read(std::slice::from_ref(place))?.pop(),
            None => None,
        };
        let asked = match &self.cluster[..] {
            [] => None,
            files => Some(Asked::read(files, self.growth).map_err(Failure::usage)?),
        };
        let question = Question {
            objectives: self.objectives.clone(),
            headroom: self.headroom,
            sizes: self.services.clone(),
            cluster: Vec::new(),
            endpoints: self.endpoints,
            extrapolate: self.extrapolate,
        };
        answers(runs, timed.as_ref(), &question, asked.as_ref()).map_err(Failure::usage)
    }
}

fn answers(runs: &Runs, timed: Option<&Dataset>, question: &Question, asked: Option<&Asked>) -> Result<Vec<Answered>> {
    let several = runs.datasets().len() > 1;
    let mut answers = Vec::new();
    for (dataset, label) in runs.datasets().iter().zip(runs.labels()) {
        let calibration = match timed {
            Some(timed) => Some(Calibration::fit(dataset, timed, &question.wanted()).context("--calibrate")?),
            None => None,
        };
        let cluster = asked.map(|asked| asked.equivalents(dataset)).transpose()?;
        let question = Question { cluster: cluster.unwrap_or_default(), ..question.clone() };
        let answer = capacity::answer(dataset, &question, calibration.as_ref()).context("--slo")?;
        answers.push(Answered {
            label: if several { label.clone() } else { String::new() },
            run: dataset.header.id.clone(),
            cluster: asked.map(|asked| asked.census(dataset, answer.endpoints)),
            answer,
        });
    }
    Ok(answers)
}

/// How much something grows, such as `3x` or `1.5`.
fn factor(text: &str) -> Result<f64, String> {
    match text.strip_suffix('x').unwrap_or(text).parse::<f64>() {
        Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(factor),
        _ => Err(format!("found {text}; growth is a factor such as 3x")),
    }
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
