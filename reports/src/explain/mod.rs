//! What happens to a packet, laid out: as text, JSON, a Mermaid graph and a page.

mod chart;
mod graph;
mod json;
mod page;
mod sections;
mod steps;
mod summary;
mod words;

use crate::formats::terminal;
use crate::report::Section;
use analysis::explain::{Clients, Differences, Explanation, Summary};
use lab_core::path::Walker;

/// What is explained, and about which node.
#[derive(Debug, Clone, Copy)]
pub struct Explained<'a> {
    /// What it is called, such as the target.
    pub title: &'a str,
    /// The walks.
    pub explanation: &'a Explanation,
    /// What walked.
    pub walker: &'a Walker<'a>,
    /// Where packets come from.
    pub clients: &'a Clients,
}

impl Explained<'_> {
    /// As text that fits `width` columns.
    #[must_use]
    pub fn text(&self, width: u16) -> String {
        terminal::sections(&sections::sections(self), width)
    }

    /// As one JSON object; its fields are in reports/FORMATS.md.
    #[must_use]
    pub fn json(&self) -> String {
        json::explained(self)
    }

    /// As a Mermaid graph of the chains, in the order in which packets meet them.
    #[must_use]
    pub fn mermaid(&self) -> String {
        graph::graph(self).mermaid()
    }

    /// As one HTML file that needs nothing else, with the graph.
    #[must_use]
    pub fn html(&self) -> String {
        page::page(self.title, &sections::sections(self), Some(&graph::graph(self)))
    }
}

/// A node's summary as text that fits `width` columns.
#[must_use]
pub fn summary_text(title: &str, summary: &Summary, width: u16) -> String {
    terminal::sections(&summary::sections(title, summary), width)
}

/// A node's summary as one JSON object; its fields are in reports/FORMATS.md.
#[must_use]
pub fn summary_json(summary: &Summary) -> String {
    json::summary(summary)
}

/// A node's summary as one HTML file that needs nothing else.
#[must_use]
pub fn summary_html(title: &str, summary: &Summary) -> String {
    page::page(title, &summary::sections(title, summary), None)
}

/// What differs between two nodes, as text that fits `width` columns.
#[must_use]
pub fn difference_text(names: [&str; 2], differences: &Differences, width: u16) -> String {
    terminal::sections(&[difference_section(names, differences)], width)
}

/// What differs between two nodes, as one HTML file that needs nothing else.
#[must_use]
pub fn difference_html(names: [&str; 2], differences: &Differences) -> String {
    let section = difference_section(names, differences);
    page::page(&section.title.clone(), &[section], None)
}

/// What differs between two nodes, as one JSON object; its fields are in reports/FORMATS.md.
#[must_use]
pub fn difference_json(names: [&str; 2], differences: &Differences) -> String {
    json::difference(names, differences)
}

fn difference_section(names: [&str; 2], differences: &Differences) -> Section {
    summary::difference(names, differences)
}
