//! Two runs beside each other, and what a gate says of them, as text for a terminal, for documents and for other programs.
//!
//! Either is built once as a [`Page`], which is laid out as plain text, Markdown or HTML. What others add to it, such as
//! the guest's hottest functions, goes into [`Page::more`].

pub mod comparison;
mod differences;
mod github;
mod gitlab;
mod html;
mod json;
pub mod judgement;
mod junit;
mod mark;
mod markdown;
mod page;
mod policy;
mod row;
mod table;
mod terminal;
mod words;

pub use page::Page;

impl Page {
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

    /// As Markdown that is short enough for the summary of a step on GitHub, which may have a mebibyte.
    #[must_use]
    pub fn summary(&self) -> String {
        markdown::summary(self)
    }

    /// As one HTML file that needs nothing else.
    #[must_use]
    pub fn html(&self) -> String {
        html::render(self)
    }
}
