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
