//! Answers to a question of capacity, as values for a page, as text for a terminal and as JSON.

mod cautions;
mod census;
mod json;
mod tables;
pub(crate) mod words;

pub use census::{Census, Likeness, Trait};
pub use json::render as json;

use crate::formats::terminal;
use crate::prose::list;
use crate::report::Section;
use analysis::capacity::{Answer, Objective};
use lab_core::units;

/// The answer of one run, with what the run is called beside others.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// What tells the run from the others; empty for a single one.
    pub label: String,
    /// The run's id.
    pub run: String,
    /// What is answered.
    pub answer: Answer,
    /// The cluster that a size was taken from.
    pub cluster: Option<Census>,
}

/// Sections that a page can carry: the answer, and what is to be borne in mind with it.
#[must_use]
pub fn sections(answered: &Answered) -> [Section; 2] {
    let Answered { label, answer, cluster, .. } = answered;
    let of = if label.is_empty() { String::new() } else { format!(": {label}") };
    let mut tables = vec![tables::capacities(answer)];
    tables.extend(tables::sizes(answer));
    tables.extend(cluster.as_ref().map(|census| tables::cluster(answer, &census.file)));
    tables.extend((0..answer.question.objectives.len()).map(|objective| tables::objective(answer, objective)));
    let mut points = words::comparisons(answer);
    points.extend(cautions::all(answer));
    let capacity = Section {
        title: format!("How many Services a node holds{of}"),
        about: about(answer),
        points: cluster.as_ref().map(|cluster| cluster.points(answer)).unwrap_or_default(),
        tables,
        ..Section::default()
    };
    let behind = Section {
        title: format!("What is behind these numbers{of}"),
        points,
        tables: tables::calibration(answer).into_iter().collect(),
        ..Section::default()
    };
    [capacity, behind]
}

/// Plain text of `width` columns.
#[must_use]
pub fn text(answers: &[Answered], width: u16) -> String {
    answers.iter().map(|answered| terminal::sections(&sections(answered), width)).collect::<Vec<_>>().join("\n")
}

fn about(answer: &Answer) -> String {
    let question = &answer.question;
    let limit = |objective: &Objective| objective.words(answer.clock, question.headroom);
    let limits: Vec<String> = question.objectives.iter().map(limit).collect();
    let headroom = if question.headroom > 0.0 {
        format!(" These limits are tighter than what was given, by the headroom of {} %.", 100.0 * question.headroom)
    } else {
        String::new()
    };
    let asked = format!("Up to how many Services is every objective held: {}?{headroom}", list(&limits));
    let measured = match answer.sizes[..] {
        [] => return format!("{asked} Nothing was measured that could tell."),
        [only] => format!("Measured at one size, {}", crate::prose::services_of(&[only])),
        [first, .., last] => format!(
            "Measured at {} sizes from {} to {} Services",
            answer.sizes.len(),
            units::count(first.into()),
            units::count(last.into())
        ),
    };
    let endpoints = units::counted(answer.endpoints.into(), "endpoint");
    format!("{asked} {measured}, with {endpoints} behind each{}.", words::clock(answer))
}
