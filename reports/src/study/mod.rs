//! What a study's runs say of its claims, as a page: a row a claim.

mod html;
mod markdown;

use crate::formats::markdown::escape;
use crate::prose::joined;
use analysis::claims::{Claim, Finding};
use analysis::study::{Asked, Study};
use lab_core::dataset::Dataset;
use lab_core::units;

/// What became of one of a study's scenarios.
#[derive(Debug, Clone, PartialEq)]
pub enum Ran {
    /// It ran; perhaps not to its end.
    Run(Box<Dataset>),
    /// It has no dataset, and why.
    Not(String),
}

/// Everything that is to be read of a study.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyPage {
    title: String,
    question: String,
    about: String,
    rows: Vec<Row>,
    scenarios: Vec<Told>,
    /// What made it.
    command: String,
}

/// What is to be read of a claim.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    id: &'static str,
    says: &'static str,
    by: String,
    finding: Finding,
    figures: Vec<String>,
    /// The folders of the runs that it is judged by.
    runs: Vec<String>,
}

/// What is to be read of a scenario.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    folder: String,
    question: String,
    /// Where it ran, or why it did not.
    state: String,
    /// Whether it has a report.
    ran: bool,
}

impl StudyPage {
    /// The page of `study`, of whose scenarios became what stands at the same place in `ran`; made by `command`.
    #[must_use]
    pub fn of(study: &Study, ran: &[Ran], command: &str) -> Self {
        let together: Vec<(&Asked, &Ran)> = study.asked.iter().zip(ran).collect();
        let mut rows: Vec<Row> = study.claims().into_iter().map(|claim| row(claim, &together)).collect();
        // What nothing ran for has nothing to tell.
        rows.sort_by_key(|row| row.runs.is_empty());
        Self {
            title: title(study),
            question: study.question.clone(),
            about: study.about.clone(),
            rows,
            scenarios: together.iter().map(|(asked, ran)| told(asked, ran)).collect(),
            command: command.to_owned(),
        }
    }

    /// Whether `markdown`, which was written before, is the page of `study`.
    #[must_use]
    pub fn is_of(study: &Study, markdown: &str) -> bool {
        markdown.lines().next() == Some(&*format!("# {}", escape(&title(study))))
    }

    /// What it comes to, a line a claim that something ran for: its verdict, and what is claimed; then what did not run.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let (judged, open): (Vec<&Row>, Vec<&Row>) = self.rows.iter().partition(|row| !row.runs.is_empty());
        let mut lines: Vec<String> =
            judged.iter().map(|row| format!("{:<21}{}", row.finding.verdict, row.says)).collect();
        if !open.is_empty() {
            let not: Vec<&str> = self.scenarios.iter().filter(|told| !told.ran).map(|told| &*told.folder).collect();
            let claims = units::counted(open.len() as u64, "claim");
            lines.push(format!("{claims} cannot be told, for these scenarios did not run: {}", not.join(", ")));
        }
        lines
    }
}

fn title(study: &Study) -> String {
    format!("svclab: the study {}", study.name)
}

fn row(claim: &'static Claim, ran: &[(&Asked, &Ran)]) -> Row {
    let (mut datasets, mut runs, mut without) = (Vec::new(), Vec::new(), Vec::new());
    for (asked, ran) in ran.iter().filter(|(asked, _)| asked.claims.iter().any(|id| id == claim.id)) {
        match ran {
            Ran::Run(dataset) => {
                runs.push(asked.folder().to_owned());
                without.extend(broken(dataset).map(|how| format!("{} {how}.", asked.folder())));
                datasets.push(&**dataset);
            }
            Ran::Not(why) => without.push(format!("{} did not run: {}.", asked.folder(), why.trim_end_matches('.'))),
        }
    }
    let nothing =
        || Finding::untold(if runs.is_empty() { "" } else { "The runs measured nothing that has to do with it." });
    let finding = claim.judge_by(&datasets).unwrap_or_else(nothing);
    let finding = without.into_iter().fold(finding, Finding::say);
    let reference = claim.reference();
    Row {
        id: claim.id,
        says: claim.says,
        by: reference.source.clone(),
        figures: finding.figures.iter().map(ToString::to_string).collect(),
        finding,
        runs,
    }
}

/// How a run ended that did not come to its end.
fn broken(dataset: &Dataset) -> Option<&'static str> {
    match &dataset.end {
        None => Some("broke off, and what it had measured is judged"),
        Some(end) if end.interrupted => Some("was interrupted, and what it had measured is judged"),
        Some(_) => None,
    }
}

fn told(asked: &Asked, ran: &Ran) -> Told {
    let folder = asked.folder().to_owned();
    match ran {
        Ran::Not(why) => Told { folder, question: String::new(), state: format!("did not run: {why}"), ran: false },
        Ran::Run(dataset) => {
            let header = &dataset.header;
            let kernel = header.kernel().map(|kernel| format!("kernel {kernel}")).unwrap_or_default();
            let target = format!("target {}", header.plan.target);
            let broken = broken(dataset).unwrap_or_default().to_owned();
            let state = joined([target, kernel, broken], ", ");
            Told { folder, question: header.question.clone(), state, ran: true }
        }
    }
}

impl Row {
    fn sentences(&self) -> String {
        self.finding.sentences.join(" ")
    }
}
