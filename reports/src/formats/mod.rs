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
use lab_core::vocabulary::Unknown;

impl Report {
    /// The part called `name`, as GitHub-flavoured Markdown without a heading.
    ///
    /// # Errors
    /// When there is no such part; it says which there are.
    pub fn markdown_part(&self, name: &str) -> Result<String, Unknown> {
        Ok(markdown::excerpt(&self.excerpt(name)?))
    }

    /// The part called `name`, as plain text of `width` columns.
    ///
    /// # Errors
    /// When there is no such part; it says which there are.
    pub fn terminal_part(&self, name: &str, width: u16) -> Result<String, Unknown> {
        Ok(terminal::excerpt(&self.excerpt(name)?, width))
    }

    /// The charts as SVG files of their own, that look right in light and in dark surroundings: the name of each, and its
    /// text.
    #[must_use]
    pub fn pictures(&self) -> Vec<(String, String)> {
        self.charts.iter().map(|chart| (chart.name.clone(), picture::draw(chart))).collect()
    }

    /// The chart called `name`, as one of [`Report::pictures`].
    ///
    /// # Errors
    /// When there is no such chart; it says which there are.
    pub fn picture(&self, name: &str) -> Result<String, Unknown> {
        let found = self.charts.iter().find(|chart| chart.name == name);
        let known = self.charts.iter().map(|chart| chart.name.as_str());
        found.map(picture::draw).ok_or_else(|| Unknown::new("chart", name, known))
    }
}
