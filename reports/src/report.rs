//! A report as values: sections of tables, before anything is laid out. What builds them is in `sections`, what lays them
//! out in `formats`.

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
    pub answer: Vec<Point>,
    /// What costs least at each size, a table a run.
    pub sizes: Vec<Table>,
    /// The most telling figures, a table a group of metrics: for renderers that leave the comparison out.
    pub overview: Vec<Table>,
    /// The comparison in the shape of the published tables, with their figures in it.
    pub compared: Section,
    /// Where those are from, and what must be known of them.
    pub sources: Option<Section>,
    /// Drawings, for renderers that can show them.
    pub charts: Vec<Chart>,
    /// What follows, in sentences.
    pub findings: Option<Section>,
    /// What was asked of the data beyond that, such as a capacity: shown behind the findings.
    pub more: Vec<Section>,
    /// What was not measured, and why.
    pub missing: Section,
    /// What ran, where and how.
    pub environment: Section,
    /// How to read it all.
    pub reading: Section,
    /// All figures, for renderers that can fold them.
    pub measured: Vec<Section>,
    /// What was not measured, a line an outcome, for renderers that leave the reasons out.
    pub unmeasured: Vec<String>,
    /// The environment and the reading in a few sentences, for renderers that leave them out.
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
    pub points: Vec<Point>,
    /// The tables.
    pub tables: Vec<Table>,
    /// What to type, each with what it does.
    pub commands: Vec<(String, String)>,
}

/// One of a section's points.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Point {
    /// What it comes to, in a few words; may be empty.
    pub head: String,
    /// A sentence or two.
    pub text: String,
}

/// A table, its numbers written out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// What a page calls it by; empty for one that nothing refers to.
    pub id: String,
    /// What it shows, and in which unit.
    pub title: String,
    /// What that means; may be empty.
    pub about: String,
    /// The columns, the keys first.
    pub columns: Vec<Column>,
    /// The rows, each as wide as the columns.
    pub rows: Vec<Vec<TableCell>>,
    /// What must be said beneath.
    pub notes: Vec<String>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// What it is a part of, with the columns beside it: what was measured, what was published. May be empty.
    pub group: String,
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
pub enum TableCell {
    /// A word or more.
    Text(String),
    /// A number.
    Value {
        /// The number, in the table's unit.
        number: String,
        /// Its ratio to `direct`; may be empty.
        ratio: String,
        /// The outcome of a cell that has a number and yet was not simply measured; empty otherwise.
        flag: &'static str,
        /// What qualifies it, a line each: its interval, its sample count.
        details: Vec<String>,
    },
    /// The word for a number that is not there.
    Absent(&'static str),
}

/// A drawing of what a table says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// What it is called among the report's charts: `connect-last`.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// The metric, and its unit.
    pub unit: String,
    /// How to read it; may be empty.
    pub about: String,
    /// An SVG element.
    pub svg: String,
    /// What its lines are called, each with an SVG element that shows how it looks; empty where they are labelled.
    pub key: Vec<(String, String)>,
    /// The [id](Table::id) of the table that it draws.
    pub table: String,
    /// The same to zoom into; `None` where there is nothing to be found by that.
    pub zoom: Option<Zoom>,
}

/// A drawing's numbers, for the script that draws them anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zoom {
    /// JSON, fit to stand in a script element.
    pub json: String,
}

impl Section {
    /// Whether there is nothing in it but its title.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.about.is_empty() && self.points.is_empty() && self.tables.is_empty() && self.commands.is_empty()
    }
}

impl Point {
    /// A point that comes to `head`.
    pub fn new(head: impl Into<String>, text: impl Into<String>) -> Self {
        Self { head: head.into(), text: text.into() }
    }

    /// All of it on one line: `Over budget: …`.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{}{}", self.lead(), self.text)
    }

    /// Its head as what follows continues it: `Over budget: `, `Take nftables. `; empty where there is none.
    #[must_use]
    pub fn lead(&self) -> String {
        match self.head.as_str() {
            "" => String::new(),
            head if head.ends_with('.') => format!("{head} "),
            head => format!("{head}: "),
        }
    }
}

impl From<String> for Point {
    fn from(text: String) -> Self {
        Self { head: String::new(), text }
    }
}

impl Column {
    /// A column headed `title` with `content` in it.
    pub fn new(title: impl Into<String>, content: Content) -> Self {
        Self { group: String::new(), title: title.into(), content }
    }

    /// Columns with these titles: of keys, then of numbers, then of prose.
    #[must_use]
    pub fn row(keys: &[&str], numbers: &[&str], prose: &[&str]) -> Vec<Self> {
        let of = |titles: &[&str], content| titles.iter().map(|&title| Self::new(title, content)).collect::<Vec<_>>();
        [of(keys, Content::Key), of(numbers, Content::Number), of(prose, Content::Text)].concat()
    }

    /// The column as a part of `group`.
    #[must_use]
    pub fn of(mut self, group: impl Into<String>) -> Self {
        self.group = group.into();
        self
    }
}

impl TableCell {
    /// A word or more.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A number without anything beside it.
    pub fn number(number: impl Into<String>) -> Self {
        Self::detailed(number, Vec::new())
    }

    /// A number, and what qualifies it.
    pub fn detailed(number: impl Into<String>, details: Vec<String>) -> Self {
        Self::Value { number: number.into(), ratio: String::new(), flag: "", details }
    }

    /// What matters of it on one line: `12.3 1.02× failed`.
    #[must_use]
    pub fn short(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Absent(word) => (*word).to_owned(),
            Self::Value { number, ratio, flag, .. } => {
                let parts = [number.as_str(), ratio, flag].into_iter().filter(|part| !part.is_empty());
                parts.collect::<Vec<_>>().join(" ")
            }
        }
    }

    /// What matters of it, and behind it what qualifies it, each after `separator`.
    pub(crate) fn lines(&self, separator: &str) -> String {
        match self {
            Self::Value { details, .. } => {
                std::iter::once(self.short()).chain(details.iter().cloned()).collect::<Vec<_>>().join(separator)
            }
            Self::Text(_) | Self::Absent(_) => self.short(),
        }
    }

    /// All of it on one line: `12.3 1.02× (12.1–12.6)`.
    #[must_use]
    pub fn line(&self) -> String {
        match self {
            Self::Value { details, .. } if !details.is_empty() => format!("{} ({})", self.short(), details.join(", ")),
            _ => self.short(),
        }
    }
}
