//! What a report, or the data themselves, are written as: a file a format.

pub(crate) mod benchmark_action;
pub(crate) mod benchstat;
pub(crate) mod csv;
mod excerpt;
mod html;
pub(crate) mod json;
pub(crate) mod markdown;
pub mod parquet;
mod picture;
pub(crate) mod terminal;

use crate::report::Report;

impl Report {
    /// In short, as plain text that fits `width` columns, which is taken to be at least 60.
    #[must_use]
    pub fn terminal(&self, width: u16) -> String {
        terminal::render(self, width)
    }

    /// As GitHub-flavoured Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        markdown::render(self)
    }

    /// As one HTML file that needs nothing else, with charts.
    #[must_use]
    pub fn html(&self) -> String {
        html::render(self)
    }
}
