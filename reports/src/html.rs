//! One HTML file that needs nothing else: no network, no script, its style and charts within it.

use crate::report::{Cell, Column, Content, Report};
use askama::Template;

/// The page. Its template decides on layout only.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
}

/// `report` as a page.
pub(crate) fn render(report: &Report) -> String {
    Page { report }.render().expect("the template writes to memory and its values print")
}

impl Column {
    /// The class of what stands in the column.
    fn class(&self) -> &'static str {
        match self.content {
            Content::Key => "key",
            Content::Number => "number",
            Content::Text => "text",
        }
    }

    /// Whether its cells head their rows.
    fn is_key(&self) -> bool {
        self.content == Content::Key
    }
}

impl Cell {
    /// The class of an outcome's word, for its colour.
    fn class(&self) -> &'static str {
        if matches!(self, Self::Absent(_)) { "absent" } else { "" }
    }
}
