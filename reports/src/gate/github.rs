//! Workflow commands of GitHub Actions, by which a run is annotated:
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>.

use super::row::Row;
use super::words::{heading, verdict};
use super::{differences, row};
use analysis::gate::{Consequence, Gating, Judged, Judgement, Verdict};
use lab_core::units;

/// How many errors, and how many warnings, GitHub shows of a step: <https://docs.github.com/rest/checks/runs#create-a-check-run>.
const SHOWN: usize = 10;

/// How many of the others are named.
const NAMED: usize = 30;

/// An annotation: its title, and what it says.
type Annotation = (String, String);

/// Workflow commands of GitHub Actions, a line each, that annotate a run with what fails, what is warned of and what it
/// comes to: to be printed on standard output.
#[must_use]
pub fn annotations(judgement: &Judgement) -> String {
    let ended = |consequence: Consequence| -> Vec<Annotation> {
        let gates = judgement.judged.iter().filter(|judged| judged.gating == Gating::Gates);
        gates.filter(|judged| judged.consequence == consequence).map(|judged| told(judged, judgement)).collect()
    };
    let mut errors: Vec<Annotation> = differences::decisive(judgement).into_iter().map(incomparable).collect();
    errors.extend(ended(Consequence::Fail));
    let mut text = String::new();
    for (command, annotations) in [("error", errors), ("warning", ended(Consequence::Warn))] {
        for (title, message) in limited(annotations) {
            text.push_str(&written(command, &title, &message));
        }
    }
    let point = verdict(judgement);
    let message = match improved(judgement) {
        Some(improved) => format!("{}\n{improved}", point.text),
        None => point.text,
    };
    text.push_str(&written("notice", &format!("svclab: {}", lower(&point.head)), &message));
    text
}

fn told(judged: &Judged, judgement: &Judgement) -> Annotation {
    (heading(judged), Row::judged(judged, judgement.comparison.clock).sentence())
}

fn incomparable(difference: &analysis::gate::Difference) -> Annotation {
    let title = format!("Not comparable: {}", differences::name(difference));
    (title, format!("{}; {}.", differences::told(difference), differences::remedy(difference)))
}

/// `annotations` as far as they are shown, the last of them saying how many are not.
fn limited(mut annotations: Vec<Annotation>) -> Vec<Annotation> {
    if annotations.len() > SHOWN {
        let left = annotations.split_off(SHOWN - 1);
        let named = left.iter().take(NAMED).map(|(title, _)| title.as_str());
        let dots = (left.len() > NAMED).then_some("…");
        let message = named.chain(dots).collect::<Vec<_>>().join("\n");
        annotations.push((format!("… and {} more", units::count(left.len() as u64)), message));
    }
    annotations
}

/// What became better, the most first; `None` where nothing did.
fn improved(judgement: &Judgement) -> Option<String> {
    const FEW: usize = 3;
    let gates = judgement.judged.iter().filter(|judged| judged.gating == Gating::Gates);
    let rows: Vec<&Judged> = gates.filter(|judged| judged.verdict == Verdict::Improved).collect();
    let named: Vec<String> =
        rows.iter().take(FEW).map(|judged| row::brief(judged, judgement.comparison.clock)).collect();
    let more = if rows.len() > FEW { format!("; and {} more", rows.len() - FEW) } else { String::new() };
    (!named.is_empty()).then(|| format!("Improved: {}{more}.", named.join("; ")))
}

fn lower(head: &str) -> String {
    head.trim_end_matches('.').to_lowercase()
}

/// `::error title=…::…`
fn written(command: &str, title: &str, message: &str) -> String {
    format!("::{command} title={}::{}\n", property(title), data(message))
}

/// What a message may not have, as the runner reads it back.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What a property may not have: it ends at a comma, or at a colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
