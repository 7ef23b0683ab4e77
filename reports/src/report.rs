//! A report as values: sections of tables, before anything is laid out.

use crate::prose::list;
use crate::results::Results;
use crate::runs::Runs;
use crate::{answer, chart, clock, environment, missing, overview, reading, references, sections};
use lab_core::dataset::Header;

/// Everything that is to be read of one run, or of several beside each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What ran.
    pub title: String,
    /// The question the scenario asks.
    pub question: String,
    /// What must be known of the clock before any number is read; may be empty.
    pub caution: String,
    /// What the data answer, a paragraph each.
    pub answer: Vec<String>,
    /// The most telling figures, a table a group of metrics: for renderers that leave the measured sections out.
    pub overview: Vec<Table>,
    /// Drawings, for renderers that can show them.
    pub charts: Vec<Chart>,
    /// All figures.
    pub measured: Vec<Section>,
    /// Published figures, with measured ones beside them.
    pub references: Option<Section>,
    /// What was not measured, and why.
    pub missing: Section,
    /// What ran, where and how.
    pub environment: Section,
    /// How to read it all.
    pub reading: Section,
    /// The last two in a few sentences, for renderers that leave them out.
    pub brief: Vec<String>,
}

/// A titled part of a report.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Section {
    /// What it is about.
    pub title: String,
    /// How to read what follows; may be empty.
    pub about: String,
    /// What to bear in mind, a sentence or two each.
    pub points: Vec<String>,
    /// The tables.
    pub tables: Vec<Table>,
    /// What to type, each with what it does.
    pub commands: Vec<(String, String)>,
}

/// A table, its numbers written out.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What it shows, and in which unit.
    pub title: String,
    /// What that means; may be empty.
    pub about: String,
    /// The columns, the keys first.
    pub columns: Vec<Column>,
    /// The rows, each as wide as the columns.
    pub rows: Vec<Vec<Cell>>,
    /// What must be said beneath.
    pub notes: Vec<String>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its head.
    pub title: String,
    /// What stands in it.
    pub content: Content,
}

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// What a row is about.
    Key,
    /// Numbers.
    Number,
    /// Prose.
    Text,
}

/// What stands at one place of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// A word or more.
    Text(String),
    /// A number.
    Value {
        /// The number, in the table's unit.
        number: String,
        /// Its ratio to `direct`; may be empty.
        ratio: String,
        /// What qualifies it, a line each: its interval, its sample count.
        details: Vec<String>,
    },
    /// The word for a number that is not there.
    Absent(&'static str),
}

/// A drawing of what a table says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// An SVG element.
    pub svg: String,
}

impl Report {
    /// The report on `runs`.
    #[must_use]
    pub fn of(runs: &Runs) -> Self {
        let results = Results::of(runs);
        let beside = references::Beside::of(&results);
        let mut brief = environment::brief(&results);
        brief.extend(reading::beyond(&results));
        Self {
            title: format!("svclab: {}", list(&each(runs, |header| &header.plan.scenario))),
            question: each(runs, |header| &header.question).join(" "),
            caution: clock::caution(runs.clock()),
            answer: answer::paragraphs(&results),
            overview: overview::tables(&results),
            charts: chart::charts(&results),
            measured: sections::measured(&results),
            missing: missing::section(&results, &beside.missing),
            references: beside.section,
            environment: environment::section(&results),
            reading: reading::section(&results),
            brief,
        }
    }

    /// Every section, in order.
    #[must_use]
    pub fn sections(&self) -> Vec<&Section> {
        let last = [&self.missing, &self.environment, &self.reading];
        self.measured.iter().chain(&self.references).chain(last).collect()
    }
}

/// What each run has there, said once where they have the same.
fn each(runs: &Runs, of: fn(&Header) -> &String) -> Vec<String> {
    let mut each: Vec<String> = Vec::new();
    for text in runs.datasets().iter().map(|dataset| of(&dataset.header)) {
        if !each.contains(text) {
            each.push(text.clone());
        }
    }
    each
}

impl Column {
    /// A column headed `title` with `content` in it.
    pub fn new(title: impl Into<String>, content: Content) -> Self {
        Self { title: title.into(), content }
    }
}

impl Cell {
    /// A word or more.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// All of it on one line: `12.3 1.02× (12.1–12.6)`.
    #[must_use]
    pub fn line(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Absent(word) => (*word).to_owned(),
            Self::Value { number, ratio, details } => {
                let mut line = number.clone();
                if !ratio.is_empty() {
                    line = format!("{line} {ratio}");
                }
                if !details.is_empty() {
                    line = format!("{line} ({})", details.join(", "));
                }
                line
            }
        }
    }
}
