//! The gate's result: printed, written, reported to the CI system, and as an exit code.

use super::profiles;
use super::{Args, Run, told};
use crate::cli::baselines::Baseline;
use crate::cli::output;
use crate::cli::product::{Product, save};
use crate::process::exit::{Exit, Failure};
use crate::process::terminal;
use analysis::gate::{Bearing, Consequence, Difference, Gating, Judged, Judgement, Verdict};
use anyhow::{Context, Error, Result, anyhow};
use lab_core::shell;
use lab_core::vocabulary::Word;
use reports::gate::{Page, judgement};
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// The file that every output folder has.
pub(super) const TEXT: &str = "verdict.txt";

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
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
    /// JUnit's XML, as GitLab, Jenkins and others read it
    Junit,
    /// `OpenMetrics` text, which GitLab compares between branches
    GitlabMetrics,
    /// Workflow commands that annotate a run of GitHub Actions
    GithubAnnotations,
}

/// The formats in an output folder. Annotations are for standard output.
const EVERYTHING: &[Format] = &[
    Format::Terminal,
    Format::Markdown,
    Format::Csv,
    Format::Json,
    Format::Html,
    Format::Junit,
    Format::GitlabMetrics,
];

impl Format {
    fn make(self, judgement: &Judgement, page: &Page) -> Product {
        match self {
            Self::Terminal => Product::text(TEXT, page.terminal(terminal::width())),
            Self::Markdown => Product::text("verdict.md", page.markdown()),
            Self::Csv => Product::text("verdict.csv", judgement::csv(judgement)),
            Self::Json => Product::text("verdict.json", judgement::json(judgement)),
            Self::Html => Product::text("verdict.html", page.html()),
            Self::Junit => Product::text("junit.xml", judgement::junit(judgement)),
            Self::GitlabMetrics => Product::text("metrics.txt", judgement::gitlab_metrics(judgement)),
            Self::GithubAnnotations => Product::text("annotations.txt", judgement::github_annotations(judgement)),
        }
    }
}

/// Reports `judgement` wherever it was asked for.
pub(super) fn tell(judgement: &Judgement, baseline: &Baseline, run: &Run, args: &Args) -> Result<ExitCode, Failure> {
    let mut page = judgement::page(judgement);
    page.more = profiles::sections(judgement, baseline, run, args.rerun);
    let make = |format: Format| format.make(judgement, &page);
    let text = make(Format::Terminal);
    match (&args.out, args.format) {
        (None, format) => output::print(&format.map_or(text, make).bytes)?,
        (Some(out), Some(format)) => {
            output::print(&text.bytes)?;
            save(out, &[make(format)], false).map_err(Failure::usage)?;
        }
        (Some(out), None) => {
            output::print(&text.bytes)?;
            let products: Vec<Product> = EVERYTHING.iter().copied().map(make).collect();
            save(out, &products, true).map_err(Failure::usage)?;
        }
    }
    // Standard output that another program reads gets no annotations.
    tell_github(judgement, &page, args.format.is_none() || args.out.is_some())?;
    match judgement.passes() {
        Some(true) => Ok(Exit::Done.into()),
        Some(false) => Err(Failure { exit: Exit::Differs, error: failed(judgement) }),
        None => Err(Failure::not_comparable(not_comparable(judgement, baseline, run))),
    }
}

/// In a job of GitHub Actions: annotates the run, and adds to the summary of the step.
fn tell_github(judgement: &Judgement, page: &Page, annotate: bool) -> Result<()> {
    if env::var_os("GITHUB_ACTIONS").is_none_or(|value| value != "true") {
        return Ok(());
    }
    if annotate {
        output::print(judgement::github_annotations(judgement).as_bytes())?;
    }
    if let Some(file) = env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) {
        // A summary that cannot be written does not change the verdict.
        if let Err(error) = append(Path::new(&file), &page.summary()) {
            tell!("svclab: {error:#}");
        }
    }
    Ok(())
}

fn append(file: &Path, text: &str) -> Result<()> {
    let context = || format!("adding to the step's summary, {}", file.display());
    let mut file = OpenOptions::new().append(true).create(true).open(file).with_context(context)?;
    file.write_all(text.as_bytes()).with_context(context)
}

/// How many of each verdict make the gate fail. Warnings do not count.
fn failed(judgement: &Judgement) -> Error {
    let fails = |judged: &&Judged| judged.gating == Gating::Gates && judged.consequence == Consequence::Fail;
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    for judged in judgement.judged.iter().filter(fails) {
        *counts.entry(judged.verdict).or_default() += 1;
    }
    let unmet = judgement.unmet.iter().map(ToString::to_string);
    let told = counts.iter().map(|(verdict, count)| format!("{verdict} {count}"));
    let told: Vec<String> = told.chain(unmet).collect();
    anyhow!("the gate fails: {}", told.join(", "))
}

/// Why the runs are not comparable, and what to do about it.
fn not_comparable(judgement: &Judgement, baseline: &Baseline, run: &Run) -> Error {
    let differ =
        |differences: &mut dyn Iterator<Item = &Difference>| differences.map(told).collect::<Vec<_>>().join("; ");
    let incomparable = &judgement.incomparable;
    let mut forbidding = incomparable.iter().filter(|difference| difference.bearing == Bearing::Forbids).peekable();
    let shown = baseline.file.display();
    if judgement.nothing_gates() {
        let what = judgement::NOTHING_GATES;
        return anyhow!(
            "nothing to judge: {what}; compare runs of the same scenario, or see what gates with --print-policy"
        );
    }
    if forbidding.peek().is_some() {
        let differ = differ(&mut forbidding);
        return anyhow!(
            "not comparable with {shown}: {differ}; this cannot be allowed; take a baseline of the same target"
        );
    }
    let aspects: BTreeSet<&str> = incomparable.iter().map(|difference| difference.aspect.name()).collect();
    let aspects = aspects.into_iter().collect::<Vec<_>>().join(",");
    let differ = differ(&mut incomparable.iter());
    let (file, run) = (shell::paths(&[&baseline.file]), shell::paths(&[&run.place]));
    anyhow!(
        "not comparable with {shown}: {differ}; to compare them anyway: --allow {aspects}; to make this run the \
         baseline: svclab baseline update {file} --from {run} --reason TEXT"
    )
}
