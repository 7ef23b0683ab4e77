//! Plain text for a terminal: what matters, and how much was left out.

use super::page::{Depth, Group, Page};
use super::row::{Row, alike};
use crate::formats::terminal::{NARROWEST, render_section, render_table, underline, wrap};
use crate::prose;
use crate::report::{Column, Content, Section, Table, TableCell};
use lab_core::foreign::shown_lines;
use lab_core::units;

/// How many rows of a group are shown.
const SHOWN: usize = 15;

impl Page {
    /// In short, as plain text that fits `width` columns, which is taken to be at least 60.
    #[must_use]
    pub fn terminal(&self, width: u16) -> String {
        let width = width.max(NARROWEST);
        let mut blocks = vec![underline(&self.title, '═')];
        blocks.extend(self.about.iter().map(|text| wrap(text, width, "")));
        let differences = Section { tables: Vec::new(), ..self.differences.clone() };
        blocks.extend(render_section(&differences, width));
        blocks.extend(self.differences.tables.iter().map(|table| untitled(table, width)));
        blocks.push(underline(self.verdict.head.trim_end_matches('.'), '═'));
        blocks.push(wrap(&self.verdict.text, width, ""));
        for group in self.groups.iter().filter(|group| group.depth != Depth::Folded) {
            blocks.push(underline(&group.heading(), '═'));
            if !group.about.is_empty() {
                blocks.push(wrap(&group.about, width, ""));
            }
            let shown = &group.rows[..group.rows.len().min(SHOWN)];
            match group.depth {
                Depth::Told => blocks.extend(shown.iter().map(|row| told(row, width))),
                Depth::Listed | Depth::Folded => blocks.push(listed(shown, width)),
            }
            if let left @ 1.. = group.rows.len() - shown.len() {
                let left = units::count(left as u64);
                blocks.push(wrap(&format!("… and {left} more; every other format has them."), width, ""));
            }
        }
        blocks.extend(self.more.iter().flat_map(|section| render_section(section, width)));
        shown_lines(&(blocks.join("\n\n") + "\n")).into_owned()
    }
}

/// A row with all that is to be said of it, in a few lines.
fn told(row: &Row, width: u16) -> String {
    let measured = prose::joined([row.span(), row.measure()], ": ");
    let mut lines = vec![wrap(&row.name, width, ""), wrap(&measured, width, "  ")];
    lines.extend(Some(row.said()).filter(|said| !said.is_empty()).map(|said| wrap(&said, width, "  ")));
    lines.extend(row.causes.iter().map(|cause| wrap(cause, width, "  - ")));
    lines.join("\n")
}

/// A line a row.
fn listed(rows: &[Row], width: u16) -> String {
    let alike = alike(rows);
    let changes = rows.iter().any(|row| !row.change.is_empty());
    let line = |row: &Row| {
        let word = if alike { "" } else { row.toward.word() };
        let said = if row.change.is_empty() { &row.why } else { &row.beside };
        let name = prose::joined([word, &row.name, said], ": ");
        let change = changes.then(|| TableCell::number(&row.change));
        change.into_iter().chain([TableCell::number(row.span()), TableCell::text(name)]).collect()
    };
    let change = changes.then(|| Column::new("change", Content::Number));
    let others = [Column::new("before → after", Content::Number), Column::new("what", Content::Text)];
    let columns = change.into_iter().chain(others).collect();
    let table = Table { columns, rows: rows.iter().map(line).collect(), ..Table::default() };
    untitled(&table, width)
}

/// A table below a heading that says what it is.
fn untitled(table: &Table, width: u16) -> String {
    let table = Table { title: String::new(), ..table.clone() };
    render_table(&table, width).trim_start_matches('\n').to_owned()
}

impl Group {
    /// Its title with how many rows it has.
    pub(super) fn heading(&self) -> String {
        format!("{}: {}", self.title, units::count(self.rows.len() as u64))
    }
}
