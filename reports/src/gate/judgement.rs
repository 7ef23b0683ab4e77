//! What a gate says of a run, as it is read by people and by other programs.

pub use super::github::annotations as github_annotations;
pub use super::gitlab::metrics as gitlab_metrics;
pub use super::json::judged as json;
pub use super::junit::render as junit;
use super::page::{Depth, Group, Page, Standing};
use super::row::Row;
pub use super::table::judged as csv;
pub use super::words::NOTHING_GATES;
use super::words::verdict;
use super::{differences, mark, policy};
use analysis::gate::{Bearing, Consequence, Difference, Gating, Judged, Judgement, Verdict};

/// Everything that is to be read of it.
#[must_use]
pub fn page(judgement: &Judgement) -> Page {
    let groups = groups(judgement);
    let (title, standing) = match judgement.passes() {
        Some(true) => ("svclab gate: passes", Standing::Good),
        Some(false) => ("svclab gate: fails", Standing::Bad),
        None if judgement.nothing_gates() => ("svclab gate: nothing to judge", Standing::Open),
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
