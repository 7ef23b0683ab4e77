//! One HTML file that needs nothing else: no network, its style, charts and script within it. It reads as well without
//! the script.

use crate::report::{Column, Content, Report, Section, Table, TableCell};
use askama::Template;
use data_encoding::BASE64;
use lab_core::foreign::shown_lines;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// The page. Its template decides on layout only.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    /// Its parts, for the list of contents.
    parts: Vec<(&'static str, &'static str)>,
    script: Option<&'static Script>,
}

/// What runs in a page with something to zoom into.
struct Script {
    text: String,
    /// By which the page allows this script, and no other.
    hash: String,
}

/// uPlot and what calls it.
static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
    let text =
        concat!(include_str!("../../vendor/uplot/uPlot.iife.min.js"), "\n", include_str!("../../templates/zoom.js"));
    let hash = format!("sha256-{}", BASE64.encode(&Sha256::digest(text.as_bytes())));
    Script { text: text.to_owned(), hash }
});

const UPLOT_STYLE: &str = include_str!("../../vendor/uplot/uPlot.min.css");

/// What a key can do where a drag cannot: what the script calls it, and what a reader does.
const MOVES: [(&str, &str); 5] =
    [("in", "closer"), ("out", "farther"), ("left", "left"), ("right", "right"), ("all", "all")];

/// uPlot's licence, which goes with it.
const LICENCE: &str = include_str!("../../vendor/uplot/LICENSE");

impl Report {
    /// As one HTML file that needs nothing else, with charts.
    #[must_use]
    pub fn html(&self) -> String {
        let zooms = self.charts.iter().any(|chart| chart.zoom.is_some());
        let page = Page { report: self, parts: parts(self), script: zooms.then(|| &*SCRIPT) };
        let page = page.render().expect("the template writes to memory and its values print");
        shown_lines(&page).into_owned()
    }
}

/// The parts that there are: what each is called within the page, and in its list of contents.
fn parts(report: &Report) -> Vec<(&'static str, &'static str)> {
    let all = [
        ("answer", "Answer", true),
        ("compared", "Compared", !report.compared.is_empty()),
        ("charts", "Charts", !report.charts.is_empty()),
        ("findings", "Findings", report.findings.is_some()),
        ("more", "Planning", !report.more.is_empty()),
        ("missing", "Missing", true),
        ("environment", "Environment", true),
        ("reading", "How to read it", true),
        ("figures", "All figures", !report.measured.is_empty()),
    ];
    all.into_iter().filter(|(.., there)| *there).map(|(id, name, _)| (id, name)).collect()
}

/// Columns beside each other that are parts of the same.
pub(crate) struct Group<'a> {
    pub(crate) title: &'a str,
    pub(crate) columns: usize,
    pub(crate) class: &'static str,
}

impl Table {
    /// The groups of its columns; none where it has none.
    pub(crate) fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Group> = Vec::new();
        for column in &self.columns {
            match groups.last_mut().filter(|group| group.title == column.group) {
                Some(group) => group.columns += 1,
                None => groups.push(Group { title: &column.group, columns: 1, class: column.side() }),
            }
        }
        if groups.len() > 1 { groups } else { Vec::new() }
    }

    /// What the page calls it by: what it is called, else `place`.
    pub(crate) fn anchor(&self, place: &str) -> String {
        if self.id.is_empty() { place.to_owned() } else { self.id.clone() }
    }
}

impl Section {
    /// How many rows its tables have together.
    fn rows(&self) -> usize {
        self.tables.iter().map(|table| table.rows.len()).sum()
    }
}

impl Column {
    /// The class of what stands in the column.
    pub(crate) fn class(&self) -> &'static str {
        match self.content {
            Content::Key => "key",
            Content::Number => "number",
            Content::Text => "text",
        }
    }

    /// The class of what was published, which stands apart from what was measured.
    pub(crate) fn side(&self) -> &'static str {
        if self.group.starts_with("published") { "published" } else { "" }
    }

    /// Whether its cells head their rows.
    pub(crate) fn is_key(&self) -> bool {
        self.content == Content::Key
    }
}

impl TableCell {
    /// The class of an outcome's word, for its colour; what was never asked for is no outcome.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Absent("not asked" | "not taken" | "–" | "not compared" | "not known") => "none",
            Self::Absent(_) => "absent",
            Self::Text(_) | Self::Value { .. } => "",
        }
    }
}
