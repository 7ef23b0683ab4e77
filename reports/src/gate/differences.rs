//! What two runs differ in besides their numbers, and what cannot be compared for it.

use crate::prose::capitalise;
use crate::report::{Column, Section, Table, TableCell};
use analysis::gate::{Aspect, Bearing, Comparison, Difference, Judgement};
use lab_core::vocabulary::Clock;
use std::collections::BTreeSet;

/// What the runs differ in, as a part of a page; `bears` says what a difference means.
pub(super) fn section(comparison: &Comparison, bears: impl Fn(&Difference) -> String) -> Section {
    let title = "What the runs differ in besides their numbers".to_owned();
    if comparison.differences.is_empty() {
        let about = "Nothing: the kernel, the tools, the layouts, the plan and svclab are the same.".to_owned();
        return Section { title, about, ..Section::default() };
    }
    let row = |difference: &Difference| {
        vec![
            TableCell::text(name(difference)),
            TableCell::text(short(&difference.before)),
            TableCell::text(short(&difference.after)),
            TableCell::text(bears(difference)),
        ]
    };
    let table = Table {
        title: "Differences".to_owned(),
        columns: Column::row(&["what"], &[], &["before", "after", "what that means"]),
        rows: comparison.differences.iter().map(row).collect(),
        ..Table::default()
    };
    Section { title, tables: vec![table], ..Section::default() }
}

/// `kernel`, `tools: nft`.
pub(super) fn name(difference: &Difference) -> String {
    match difference.name.as_str() {
        "" => difference.aspect.to_string(),
        name => format!("{}: {name}", difference.aspect),
    }
}

/// `kernel was 6.1.0-56, is 6.18`.
pub(super) fn told(difference: &Difference) -> String {
    format!("{} was {}, is {}", name(difference), short(&difference.before), short(&difference.after))
}

/// What can be done about a difference that keeps the runs from being compared.
pub(super) fn remedy(difference: &Difference) -> String {
    match difference.bearing {
        Bearing::Forbids => {
            "numbers on different clocks are never compared; make a baseline in the same target".to_owned()
        }
        Bearing::Asks | Bearing::Explains => {
            format!("--allow {} makes it the subject of the comparison", difference.aspect)
        }
    }
}

/// What can be done about all of `differences` together.
pub(super) fn remedies(differences: &[Difference]) -> String {
    if let Some(forbidden) = differences.iter().find(|difference| difference.bearing == Bearing::Forbids) {
        return capitalise(&remedy(forbidden)) + ".";
    }
    let aspects: BTreeSet<Aspect> = differences.iter().map(|difference| difference.aspect).collect();
    let options: Vec<String> = aspects.iter().map(|aspect| format!("--allow {aspect}")).collect();
    let them = if differences.len() == 1 { "it" } else { "them" };
    format!("{} makes {them} the subject of the comparison.", options.join(" "))
}

/// The differences that are to be named where each stands alone: if one forbids comparing, nothing else is to be said.
pub(super) fn decisive(judgement: &Judgement) -> Vec<&Difference> {
    let forbids = |difference: &&Difference| difference.bearing == Bearing::Forbids;
    match judgement.incomparable.iter().filter(forbids).collect::<Vec<_>>() {
        forbidden if forbidden.is_empty() => judgement.incomparable.iter().collect(),
        forbidden => forbidden,
    }
}

/// A fact as a table has it: a checksum is told from others by its beginning, and what is not there has a word.
fn short(fact: &str) -> String {
    const ENOUGH: usize = 12;
    match fact {
        "" => "none".to_owned(),
        fact if fact.len() >= 32 && fact.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            format!("{}…", &fact[..ENOUGH])
        }
        fact => fact.to_owned(),
    }
}

/// What was put beside what, on which clock.
pub(super) fn about(comparison: &Comparison) -> String {
    let clock = match comparison.clock {
        Clock::Wall => "Durations are times.",
        Clock::WallEmulated => "Times are of an emulated processor: only their ratios mean something.",
        Clock::Instructions => "Durations are counted instructions, not times.",
    };
    format!("Before: {}. After: {}. {clock}", comparison.before, comparison.after)
}
