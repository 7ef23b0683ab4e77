//! What a gate says of a run, as it is read by people and by other programs.

use super::page::{Depth, Group, Page, Standing};
use super::row::Row;
use super::words::verdict;
use super::{differences, github, gitlab, json as document, mark, policy, table};
use analysis::gate::{Bearing, Consequence, Difference, Gating, Judged, Judgement, Verdict};

/// Everything that is to be read of it.
#[must_use]
pub fn page(judgement: &Judgement) -> Page {
    let groups = groups(judgement);
    let (title, standing) = match judgement.passes() {
        Some(true) => ("svclab gate: passes", Standing::Good),
        Some(false) => ("svclab gate: fails", Standing::Bad),
        None => ("svclab gate: not comparable", Standing::Open),
    };
    Page {
        title: title.to_owned(),
        about: vec![differences::about(&judgement.comparison)],
        differences: differences::section(&judgement.comparison, |difference| bears(judgement, difference)),
        verdict: verdict(judgement),
        standing,
        axis: mark::axis(groups.iter().filter(|group| group.depth != Depth::Folded).flat_map(|group| &group.rows)),
        groups,
        more: Vec::new(),
        reading: policy::section(&judgement.policy),
    }
}

/// In short, as plain text that fits `width` columns, which is taken to be at least 60.
#[must_use]
pub fn terminal(judgement: &Judgement, width: u16) -> String {
    page(judgement).terminal(width)
}

/// As GitHub-flavoured Markdown.
#[must_use]
pub fn markdown(judgement: &Judgement) -> String {
    page(judgement).markdown()
}

/// As one HTML file that needs nothing else.
#[must_use]
pub fn html(judgement: &Judgement) -> String {
    page(judgement).html()
}

/// A line a cell and metric, in base units; its columns are in reports/FORMATS.md.
#[must_use]
pub fn csv(judgement: &Judgement) -> String {
    table::judged(judgement)
}

/// One JSON object; its keys are in reports/FORMATS.md.
#[must_use]
pub fn json(judgement: &Judgement) -> String {
    document::judged(judgement)
}

/// JUnit's XML, as GitLab, Jenkins and others read it: a suite a backend, a test a cell and metric that gates.
#[must_use]
pub fn junit(judgement: &Judgement) -> String {
    super::junit::render(judgement)
}

/// Workflow commands of GitHub Actions, a line each, that annotate a run with what fails, what is warned of and what it
/// comes to: to be printed on standard output.
#[must_use]
pub fn github_annotations(judgement: &Judgement) -> String {
    github::annotations(judgement)
}

/// Markdown for the summary of a step on GitHub (`$GITHUB_STEP_SUMMARY`), which may have a mebibyte.
#[must_use]
pub fn github_summary(judgement: &Judgement) -> String {
    page(judgement).summary()
}

/// `OpenMetrics` text that GitLab compares between branches (`artifacts:reports:metrics`): the figures of what gates.
#[must_use]
pub fn gitlab_metrics(judgement: &Judgement) -> String {
    gitlab::metrics(judgement)
}

/// What a difference means to this judgement.
fn bears(judgement: &Judgement, difference: &Difference) -> String {
    match difference.bearing {
        Bearing::Explains => "may explain a change".to_owned(),
        Bearing::Asks if judgement.incomparable.iter().any(|other| other.bearing == Bearing::Forbids) => {
            "not compared either".to_owned()
        }
        _ if judgement.incomparable.contains(difference) => differences::remedy(difference),
        Bearing::Asks | Bearing::Forbids => "allowed: the subject of the comparison".to_owned(),
    }
}

/// The rows by verdict, those that gate first; what is unchanged is only counted.
fn groups(judgement: &Judgement) -> Vec<Group> {
    let clock = judgement.comparison.clock;
    // What is only listed speaks for itself, unless there is no change to be seen.
    let row = |judged: &Judged, depth: Depth| match Row::judged(judged, clock) {
        row if depth == Depth::Listed && !row.change.is_empty() => Row { why: String::new(), ..row },
        row => row,
    };
    let group = |id, title: &str, about: String, depth, of: &dyn Fn(&Judged) -> bool| Group {
        id,
        title: title.to_owned(),
        about,
        depth,
        rows: judgement.judged.iter().filter(|judged| of(judged)).map(|judged| row(judged, depth)).collect(),
    };
    let gates = |verdict: Verdict| move |judged: &Judged| judged.gating == Gating::Gates && judged.verdict == verdict;
    let beside = |judged: &Judged| {
        judged.gating == Gating::Explains && matches!(judged.verdict, Verdict::Regressed | Verdict::Missing)
    };
    let new = |judged: &Judged| judged.verdict == Verdict::New;
    let [missing, inconclusive] = [judgement.policy.missing, judgement.policy.inconclusive].map(consequence);
    let groups = vec![
        group("regressed", "Regressed", consequence(Consequence::Fail), Depth::Told, &gates(Verdict::Regressed)),
        group("missing", "Missing", missing, Depth::Told, &gates(Verdict::Missing)),
        group("inconclusive", "Inconclusive", inconclusive, Depth::Told, &gates(Verdict::Inconclusive)),
        group("improved", "Improved", String::new(), Depth::Listed, &gates(Verdict::Improved)),
        group("new", "New", "Not in the baseline, so nothing is said of it.".to_owned(), Depth::Folded, &new),
        group("explaining", "Worse or missing, but does not gate", String::new(), Depth::Folded, &beside),
    ];
    groups.into_iter().filter(|group| !group.rows.is_empty()).collect()
}

/// What the policy makes of each row of a group.
fn consequence(consequence: Consequence) -> String {
    match consequence {
        Consequence::Fail => "Each fails the gate.",
        Consequence::Warn => "The policy warns of each and lets it pass.",
        Consequence::Pass => "The policy lets each pass.",
    }
    .to_owned()
}
