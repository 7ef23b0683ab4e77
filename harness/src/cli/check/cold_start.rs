//! How long a cold start with the cluster takes, by the law of a run.

use super::finding::{Effect, Finding};
use crate::cli::asked::Asked;
use analysis::capacity::{self, Answer, Objective, Question, VariantAnswer, Verdict};
use anyhow::{Result, ensure};
use lab_core::dataset::Dataset;
use lab_core::metric::Metric;
use lab_core::units;
use lab_core::vocabulary::{BackendName, Clock, Word};
use std::time::Duration;

/// A cold start that takes longer is worth a word.
const LONG: Duration = Duration::from_secs(60);

/// What `run` says of a cold start with `asked`: findings where it is long, and a line for each other variant.
///
/// # Errors
/// When the run's clock counts no time, or it measured no cold start.
pub(super) fn findings(run: &Dataset, asked: &Asked) -> Result<(Vec<Finding>, Vec<String>)> {
    ensure!(
        run.header.clock != Clock::Instructions,
        "the run {} counted instructions, which are no time; give one of --target host",
        run.header.id
    );
    let objective: Objective = format!("{}={}s", Metric::SyncFull, LONG.as_secs()).parse()?;
    let question = Question {
        objectives: vec![objective],
        headroom: 0.0,
        sizes: Vec::new(),
        cluster: asked.equivalents(run)?,
        endpoints: None,
        extrapolate: false,
    };
    let answer = capacity::answer(run, &question, None)?;
    let measured = answer.variants.iter().filter(|variant| variant.variant.backend != BackendName::Direct);
    let (mut found, mut lines) = (Vec::new(), Vec::new());
    for variant in measured {
        match said(&answer, variant) {
            Said::Long(finding) => found.push(finding),
            Said::Otherwise(line) => lines.push(line),
        }
    }
    Ok((found, lines))
}

enum Said {
    Long(Finding),
    Otherwise(String),
}

fn said(answer: &Answer, VariantAnswer { variant, name, parts, .. }: &VariantAnswer) -> Said {
    let called = format!("{name}, {}", variant.layout.name());
    let at_cluster = parts.first().and_then(|part| part.at_cluster);
    let nothing = || Said::Otherwise(format!("cold start in {called}: the run does not say; see svclab capacity"));
    let Some(at) = at_cluster else { return nothing() };
    let human = |value: f64| units::human(Metric::SyncFull.unit(), answer.clock, value);
    let about = match at.value {
        Some(value) => format!("{} ({} to {})", human(value.value), human(value.low), human(value.high)),
        None => "more than that at fewer Services already".to_owned(),
    };
    let how = match at.verdict {
        Verdict::Breaks => "takes longer than a minute",
        Verdict::Unsure => "may take longer than a minute",
        Verdict::Holds => return Said::Otherwise(format!("cold start in {called}: {about}")),
        Verdict::Beyond(_) | Verdict::NoData => return nothing(),
    };
    let what = format!("a cold start in {called}, {how} by the law of the run: {about}");
    let seconds = at.value.map_or(LONG.as_secs_f64(), |value| value.value / 1e9);
    // No count of seconds is beyond what a usize holds.
    Said::Long(Finding::new(Effect::Costly, "the cluster", seconds.round() as usize, what))
}
