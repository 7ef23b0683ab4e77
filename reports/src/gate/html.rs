//! One HTML file that needs nothing else: no network, no script; what changed is drawn beside its numbers.

use super::mark;
use super::page::{Depth, Group, Page, Standing};
use super::row::{Row, alike};
use crate::prose::capitalise;
use crate::report::TableCell;
use askama::Template;
use lab_core::foreign::shown_lines;
use lab_core::units;

/// The page. Its template decides on layout only.
#[derive(Template)]
#[template(path = "gate.html")]
struct Layout<'a> {
    page: &'a Page,
    /// Its parts, for the list of contents.
    parts: Vec<(&'static str, String)>,
}

impl Page {
    /// As one HTML file that needs nothing else.
    #[must_use]
    pub fn html(&self) -> String {
        let mut parts = vec!["verdict", "differences"];
        parts.extend(self.groups.iter().map(|group| group.id));
        parts.extend((!self.more.is_empty()).then_some("more"));
        parts.push("reading");
        let parts = parts.into_iter().map(|id| (id, capitalise(id))).collect();
        let page = Layout { page: self, parts }.render().expect("the template writes to memory and its values print");
        shown_lines(&page).into_owned()
    }

    /// How the answer's box looks.
    fn class(&self) -> &'static str {
        match self.standing {
            Standing::Good => "good",
            Standing::Bad => "bad",
            Standing::Open => "open",
        }
    }

    fn draw(&self, row: &Row) -> String {
        mark::draw(row, self.axis)
    }

    /// The upper end of the axis on which changes are drawn.
    fn end(&self) -> String {
        units::given(self.axis)
    }
}

impl Group {
    fn is_told(&self) -> bool {
        self.depth == Depth::Told
    }

    /// Whether there is a row with something to compare.
    fn has_changes(&self) -> bool {
        self.rows.iter().any(|row| !row.change.is_empty())
    }

    fn is_folded(&self) -> bool {
        self.depth == Depth::Folded
    }

    /// Which way a row went, where that is not the same for all.
    fn word(&self, row: &Row) -> &'static str {
        if self.is_told() || alike(&self.rows) { "" } else { row.toward.word() }
    }

    /// Whether a row has something to say in words.
    fn has_words(&self) -> bool {
        self.rows.iter().any(|row| !row.said().is_empty() || !row.causes.is_empty())
    }
}
